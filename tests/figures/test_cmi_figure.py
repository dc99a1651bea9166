"""The curve by which CMI cuts a layer."""

import pytest

from mipp_core.figures import cmi_curve

CUT = {
    "order": [2, 0, 1],
    "cmi": [1.5, 0.5, 0.1, 0.0],
    "joint_entropy": [0.0, 2.0, 3.0, 4.0],
    "samples": 16,
    "kept": 2,
    "tried": [{"kept": 2, "accuracy": 0.9, "ratio": 4.0}, {"kept": 1, "accuracy": 0.75, "ratio": None}],
}


def test_it_shows_the_curve_the_limit_and_the_cuts_that_were_tried():
    figure = cmi_curve(CUT)
    entropy, rest, tried = figure.data
    assert list(rest.x) == [0, 1, 2, 3] and list(rest.y) == CUT["cmi"]
    assert list(entropy.y) == CUT["joint_entropy"]
    assert list(zip(tried.x, tried.y, strict=True)) == [(2, 0.1), (1, 0.5)]
    assert "keeping 2: 90.0%" in tried.text[0] and "4.0 times" in tried.text[0]
    assert "times" not in tried.text[1]
    limit, cut = figure.layout.shapes
    assert limit.y0 == limit.y1 == pytest.approx(4)
    assert cut.x0 == cut.x1 == 2
    assert rest.text[1] == "unit 2"

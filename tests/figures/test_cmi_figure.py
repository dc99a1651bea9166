"""The curve by which CMI cuts a layer."""

import pytest

from mipp_core.figures import cmi_curve
from mipp_core.information.ordering import Ordering
from mipp_core.pruners.cmi_trace import CutLayer, Tried

ORDERING = Ordering((2, 0, 1), (0.0, 1.0, 1.4, 1.5), (0.0, 2.0, 3.0, 4.0), 16)
CUT = CutLayer("conv1", (), ORDERING, (Tried(2, 0.9, 4.0), Tried(1, 0.75)), 2)


def test_it_shows_the_curve_the_limit_and_the_cuts_that_were_tried():
    figure = cmi_curve(CUT)
    entropy, rest, tried = figure.data
    assert list(rest.x) == [0, 1, 2, 3] and list(rest.y) == pytest.approx([1.5, 0.5, 0.1, 0])
    assert list(entropy.y) == [0, 2, 3, 4]
    assert list(tried.x) == [2, 1] and list(tried.y) == pytest.approx([0.1, 0.5])
    assert "keeping 2: 90.0%" in tried.text[0] and "4.0 times" in tried.text[0]
    assert "times" not in tried.text[1]
    limit, cut = figure.layout.shapes
    assert limit.y0 == limit.y1 == pytest.approx(4)
    assert cut.x0 == cut.x1 == 2
    assert rest.text[1] == "after unit 2"

"""What colours mean: every meaning has its own, and all can be seen in both themes."""

import tomllib
from pathlib import Path

import pytest

from mipp_core.figures.palette import CHOSEN, HIGHLIGHTS, KEPT, MEASURES, PRUNERS, SERIES
from mipp_core.limits.toy_orders import ORDERS

THEME = tomllib.loads(Path(".streamlit/config.toml").read_text())["theme"]
BACKGROUNDS = [THEME[kind]["backgroundColor"] for kind in ("light", "dark")]


def luminance(colour):
    """Of WCAG 2, in [0, 1]."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Of WCAG 2, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("colour", [*SERIES, KEPT])
def test_series_and_units_are_seen_on_both_backgrounds(colour, background):
    assert contrast(colour, background) >= 3


def test_no_pruner_looks_like_a_measure_or_like_what_is_chosen():
    taken = {*MEASURES.values(), CHOSEN, KEPT, THEME["primaryColor"], THEME["dark"]["primaryColor"]}
    assert len(taken) == len(MEASURES) + 4
    assert not taken & {*SERIES}


def test_every_pruner_of_the_limits_has_a_colour_that_no_other_has():
    assert set(ORDERS) <= set(PRUNERS)
    assert len(set(PRUNERS.values())) == len(PRUNERS)


def test_both_ways_of_mipp_have_the_same_colours_on_all_pages():
    assert HIGHLIGHTS[:2] == (PRUNERS["mipp"], PRUNERS["mipp-closed-form"])


def test_the_theme_draws_series_in_the_same_colours():
    assert THEME["chartCategoricalColors"] == [*SERIES]


def test_what_can_be_pressed_is_read_and_seen():
    for kind in ("light", "dark"):
        own = THEME | THEME[kind]
        assert contrast("#FFFFFF", own["primaryColor"]) >= 4.5
        assert contrast(own["primaryColor"], own["backgroundColor"]) >= 3
        assert contrast(own["linkColor"], own["backgroundColor"]) >= 4.5
        assert contrast(own["linkColor"], own["secondaryBackgroundColor"]) >= 4.5

"""Every pruner refuses a setting outside its range, and says the value and the range; both from the range itself."""

from typing import Any

import pytest

from mipp_core.errors import SettingError
from mipp_core.pruners import PRUNERS, pruner
from mipp_core.pruners.settings import Range, ranges
from mipp_core.runs import RunSpec

SETTINGS = [(name, setting, range_) for name, kind in PRUNERS.items() for setting, range_ in ranges(kind).items()]


def edges(range_: Range) -> list[Any]:
    """Return values that are just inside a range."""
    if range_.kind is bool:
        return [True, False]
    if range_.kind is str:
        return list(range_.names)
    if range_.kind is tuple:
        return [(), (1,), (3, 2)]
    least = range_.least if range_.least is not None else 1e-9
    if range_.kind is int:
        return [least]
    return [float(least), 1e9 if range_.below is None else range_.below - 1e-3]


def beyond(range_: Range) -> list[Any]:
    """Return values that are just outside a range, and some of another kind."""
    if range_.kind is bool:
        return [1, "yes", None]
    if range_.kind is str:
        return [f"{range_.names[0]}x", 3, None]
    if range_.kind is tuple:
        return [(256, 0), (2.5,), 3, [4]]
    limits = [range_.above, range_.below, None if range_.least is None else range_.least - 1]
    other = [2.5] if range_.kind is int else [float("nan"), float("inf")]
    return [limit for limit in limits if limit is not None] + [*other, True, "many", None]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("name", "setting", "value", "range_"),
    [(name, setting, value, range_) for name, setting, range_ in SETTINGS for value in beyond(range_)],
)
def test_a_setting_outside_its_range_is_refused(name: str, setting: str, value: Any, range_: Range):
    with pytest.raises(SettingError) as refusal:
        pruner(name, **{setting: value})
    assert str(refusal.value) == f"The setting {setting} is {value!r}; it must be {range_.words}."


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [(name, setting, value) for name, setting, range_ in SETTINGS for value in edges(range_)],
)
def test_a_setting_at_the_edge_of_its_range_is_taken(name: str, setting: str, value: Any):
    assert getattr(pruner(name, **{setting: value}), setting) == value


@pytest.mark.parametrize(
    ("name", "setting", "words"),
    [
        ("mipp", "collapse", "l1, l2, mean or std"),
        ("mipp", "members", "at least 2"),
        ("mipp", "hidden", "whole numbers of at least 1"),
        ("mipp", "held_out", "above 0 and below 1"),
        ("mipp", "budget", "at least 0 and below 1"),
        ("mipp", "learning_rate", "above 0"),
        ("mipp", "samples", "at least 16"),
        ("prospr", "batch_size", "at least 2"),
        ("imp", "rate", "above 0 and below 1"),
    ],
)
def test_ranges_that_the_papers_or_the_code_need(name: str, setting: str, words: str):
    assert ranges(PRUNERS[name])[setting].words == words


def test_a_whole_number_names_the_same_run_as_the_same_number_with_decimal_places():
    whole, exact = pruner("cmi", alpha=2), pruner("cmi", alpha=2.0)
    assert repr(whole) == repr(exact)
    assert RunSpec(pruner="cmi", settings=whole).hash == RunSpec(pruner="cmi", settings=exact).hash
    assert pruner("mipp", members=2).members == 2

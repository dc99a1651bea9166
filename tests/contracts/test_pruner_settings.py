"""Every pruner refuses a setting outside its range, and says the value and the range."""

from typing import Any

import pytest

from mipp_core.errors import SettingError
from mipp_core.pruners import pruner

REFUSED: list[tuple[str, str, Any, str]] = [
    ("magnitude", "norm", "l3", "l1 or l2"),
    ("mipp", "collapse", "max", "l1, l2, mean or std"),
    ("mipp", "reference", "none", "fixed or current"),
    ("mipp", "members", 1, "at least 2"),
    ("mipp", "hidden", (256, 0), "whole numbers of at least 1"),
    *(("mipp", name, -1, "at least 0") for name in ("fit_steps", "refit_steps", "unit_steps", "rank_steps")),
    *(("mipp", name, 0, "at least 1") for name in ("batch_size", "estimate_size", "longest_block")),
    *(("mipp", name, 0.0, "above 0") for name in ("learning_rate", "unit_learning_rate")),
    ("mipp", "learning_rate", float("nan"), "above 0"),
    ("mipp", "samples", 15, "at least 16"),
    ("mipp", "held_out", 0.0, "above 0 and below 1"),
    ("mipp", "held_out", 1.0, "above 0 and below 1"),
    ("mipp", "budget", -0.01, "at least 0 and below 1"),
    ("mipp", "budget", 1.0, "at least 0 and below 1"),
    *((name, "rounds", 0, "at least 1") for name in ("synflow", "snip", "iter-snip", "grasp", "iter-grasp")),
    *((name, "form", "filters", "weights or gates") for name in ("snip", "iter-snip")),
    *((name, "reduce", "l2", "l1 or sum") for name in ("grasp", "iter-grasp")),
    *((name, "per_class", 0, "at least 1") for name in ("grasp", "iter-grasp")),
    *((name, "temperature", 0.0, "above 0") for name in ("grasp", "iter-grasp")),
    ("grasp", "temperature", float("nan"), "above 0"),
    *((name, "samples", 0, "at least 1") for name in ("snip", "iter-snip", "thinet", "sosp-h", "taylor", "hrank")),
    *((name, "batch_size", 0, "at least 1") for name in ("snip", "iter-snip", "sosp-h", "taylor")),
    ("thinet", "positions", 0, "at least 1"),
    ("imp", "norm", "l3", "l1 or l2"),
    *(("imp", "rate", rate, "above 0 and below 1") for rate in (0.0, 1.0, -0.2, float("nan"))),
]
ACCEPTED: list[tuple[str, str, Any]] = [
    *(("magnitude", "norm", norm) for norm in ("l1", "l2")),
    *(("mipp", "collapse", how) for how in ("l1", "l2", "mean", "std")),
    *(("mipp", "reference", which) for which in ("fixed", "current")),
    ("mipp", "members", 2),
    ("mipp", "hidden", (1,)),
    ("mipp", "hidden", ()),
    *(("mipp", name, 0) for name in ("fit_steps", "refit_steps", "unit_steps", "rank_steps")),
    *(("mipp", name, 1) for name in ("batch_size", "estimate_size", "longest_block")),
    ("mipp", "learning_rate", 1e-9),
    ("mipp", "samples", 16),
    ("mipp", "held_out", 0.999),
    ("mipp", "budget", 0.0),
    ("mipp", "budget", 0.999),
    ("mipp", "pixels", True),
    *((name, "rounds", 1) for name in ("synflow", "snip", "iter-snip", "grasp", "iter-grasp")),
    *((name, "form", form) for name in ("snip", "iter-snip") for form in ("weights", "gates")),
    *((name, "reduce", how) for name in ("grasp", "iter-grasp") for how in ("l1", "sum")),
    *((name, "per_class", 1) for name in ("grasp", "iter-grasp")),
    *((name, "temperature", 1e-9) for name in ("grasp", "iter-grasp")),
    *((name, "samples", 1) for name in ("snip", "iter-snip", "thinet", "sosp-h", "taylor", "hrank")),
    *((name, "batch_size", 1) for name in ("snip", "iter-snip", "sosp-h", "taylor")),
    ("thinet", "positions", 1),
    *(("imp", "norm", norm) for norm in ("l1", "l2")),
    *(("imp", "rate", rate) for rate in (1e-9, 0.999)),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("name", "setting", "value", "range_"), REFUSED)
def test_a_setting_outside_its_range_is_refused(name: str, setting: str, value: object, range_: str):
    with pytest.raises(SettingError) as refusal:
        pruner(name, **{setting: value})
    assert str(refusal.value) == f"The setting {setting} is {value!r}; it must be {range_}."


@pytest.mark.parametrize(("name", "setting", "value"), ACCEPTED)
def test_a_setting_at_the_edge_of_its_range_is_taken(name: str, setting: str, value: object):
    assert getattr(pruner(name, **{setting: value}), setting) == value

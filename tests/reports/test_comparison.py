from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest

from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.experiments import run
from mipp_core.pruners import PRUNERS, Decider, Mipp
from mipp_core.reports.archive import shipped_documents
from mipp_core.reports.comparison import ENTRIES, FIXED, MEASURED, entry, leader, member, name_of
from mipp_core.reports.comparison_tables import (
    accuracy_table,
    characteristics,
    collapse_table,
    latex_table,
    points_table,
    ratio_table,
    seconds_table,
)
from mipp_core.runs import RunSpec, masks_of
from mipp_core.store import Store

NAMES = ["MIPP", "random", "L1", "ThiNet", "IMP"]


@pytest.fixture(scope="module")
def base(tiny_spec):
    made = leader(tiny_spec.network, True, tiny_spec.retraining)
    return replace(made, settings=tiny_spec.settings, measured=(0, 3, 19))


@pytest.fixture(scope="module")
def documents(base, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    seeds = [base, replace(base, network=replace(base.network, seed=1))]
    return {name: [run(member(each, name), store)[0].to_json() for each in seeds] for name in NAMES}


def test_every_pruner_of_the_registry_has_an_entry():
    assert {found.pruner for found in ENTRIES.values()} == set(PRUNERS)
    specs = [member(RunSpec(), name) for name in ENTRIES]
    assert [name_of(spec) for spec in specs] == list(ENTRIES)
    assert len({spec.hash for spec in specs}) == len(ENTRIES)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_member_has_the_leaders_network_and_is_given_its_ratios(name, base):
    followed, fixed = member(base, name), member(base, name, "fixed")
    assert followed.network == fixed.network == base.network
    own = () if followed.own_point is None else (followed.own_point,)
    assert followed.measured == (*base.measured, *own), "a pruner that cuts by itself has its own cut, too"
    assert (followed == base) == isinstance(followed.settings, Mipp)
    assert (followed.follow == base.settings) == (not isinstance(followed.settings, Decider))
    assert fixed.measured == FIXED
    assert fixed.sparsities == tuple(step / 20 for step in range(20))
    assert RunSpec.from_json(followed.to_json()) == followed


def test_an_unknown_entry_lists_the_known_and_a_base_must_be_mipps(base):
    with pytest.raises(UnknownNameError, match=r"MIPP, MIPP closed form, .*, random"):
        entry("snap")
    with pytest.raises(SettingError, match="around MIPP, not around magnitude"):
        member(member(base, "L1"), "L2")


def test_the_others_remove_as_many_units_as_mipp(documents):
    for own, led in zip(documents["random"], documents["MIPP"], strict=True):
        assert [level["level"] for level in own["levels"]] == [0, 3, 19]
        for one, other in zip(own["levels"], led["levels"], strict=True):
            assert one["sparsity"] == other["sparsity"]
            assert one["confidence"] == other["confidence"]
    thinet = documents["ThiNet"][0]["levels"]
    for mine, led in zip(thinet, documents["MIPP"][0]["levels"], strict=True):
        wanted = {name: width - round(led["sparsity"] * width) for name, width in {"fc1": 6, "fc2": 5}.items()}
        assert masks_of(mine).kept == wanted


def test_mipps_own_time_is_not_counted_twice(documents, base, tmp_path):
    store = Store(tmp_path / "store")
    alone = run(member(base, "L1"), store)[0]
    led = run(base, store)[0]
    assert alone.seconds["prune"] < led.seconds["prune"]


def test_imp_is_trained_like_the_dense_network(documents, base):
    spec = RunSpec.from_json(documents["IMP"][0]["spec"])
    assert spec.settings.rewinds
    dense = documents["IMP"][0]["levels"][0]
    assert dense["accuracy_retrained"] is not None


def test_fixed_ratios_reach_everyone_alike(base, tmp_path):
    store = Store(tmp_path / "store")
    found = {name: run(member(base, name, "fixed"), store)[0] for name in ("MIPP", "L1")}
    reached = {name: [level.sparsity for level in result.levels] for name, result in found.items()}
    assert reached["MIPP"] == reached["L1"] == sorted(reached["L1"])
    masks = [masks_of(level) for level in found["MIPP"].to_json()["levels"]]
    assert all(not (after[layer] & ~before[layer]).any() for before, after in pairwise(masks) for layer in before)


def test_points_have_a_row_per_entry_seed_and_level(documents):
    points = points_table(documents)
    controls = {"random, MIPP's counts", "L1, MIPP's counts", "same size from scratch", "re-initialised"}
    assert set(points.entry) == {*NAMES, *controls}
    assert len(points) == (len(NAMES) + len(controls)) * 2 * 3
    fresh = points[points.entry.isin(["same size from scratch", "re-initialised"])]
    assert fresh.test_pruned.isna().all()
    assert fresh.test_retrained.notna().all()
    own = points[points.entry.isin(NAMES)]
    measures = [f"{split}_{name}" for split in ("test", "train") for name in ("pruned", "rebuilt", "retrained")]
    assert own[measures].notna().all(axis=None)


def judged(rows):
    """Make a table of points of (entry, level, share of units removed, whether untrainable)."""
    return pd.DataFrame(rows, columns=["entry", "level", "sparsity", "untrainable"])


def test_collapse_is_counted_in_bins_of_units_removed():
    rows = [("a", 1, 0.05, True), ("a", 2, 0.094, False), ("a", 3, 0.1, True), ("b", 1, 0.3, None)]
    table = collapse_table(judged(rows))
    assert table.loc["a"].to_dict() == {0.05: 0.5, 0.1: 1.0}
    assert list(table.index) == ["a"]


def test_seeds_of_one_nominal_share_are_in_one_bin():
    table = collapse_table(judged([("a", 1, 0.7498, True), ("a", 1, 0.7502, False), ("b", 1, 0.752, True)]))
    assert table.to_dict("index") == {"a": {0.75: 0.5}, "b": {0.75: 1.0}}
    assert list(collapse_table(judged([("a", 1, 0.17, True), ("a", 1, 0.21, True)])).columns) == [0.15]


def test_bins_of_collapse_are_in_their_order_with_empty_ones_and_entries_in_theirs():
    table = collapse_table(judged([("b", 0, 0.55, False), ("b", 9, 0.7, True), ("a", 1, 0.6, True)]))
    assert (list(table.index), list(table.columns)) == (["b", "a"], [0.55, 0.6, 0.65, 0.7])
    assert table[0.65].isna().all()
    assert collapse_table(judged([("a", 1, 0.6, None)])).empty


def test_ratios_are_divided_by_the_runs_mean(documents):
    table = ratio_table(documents, 3)
    assert set(table.columns) == {"fc1", "fc2"}
    for name in NAMES:
        known = table.loc[name].dropna()
        assert known.empty or known.mean() == pytest.approx(1.0)


def test_characteristics_are_declared_and_seen(documents):
    table = characteristics(documents, points_table(documents))
    assert table["at initialisation"].to_dict() == {name: name != "IMP" for name in NAMES}
    assert table["own ratio"].to_dict() == {name: name == "MIPP" for name in NAMES}
    assert table["adjacent layer"].to_dict() == {name: name in ("MIPP", "ThiNet") for name in NAMES}
    assert table["structured"].all()
    assert not table.loc["ThiNet", "layer-wise ratios"]
    assert table["collapse-resistant"].to_dict() == table["first collapse"].isna().to_dict()
    assert (table["highest seen"] <= 1).all()
    dead = min(level["sparsity"] for run in documents["L1"] for level in run["levels"] if level["untrainable"])
    assert table.loc["L1", "first collapse"] <= dead


def test_tables_for_papers(documents):
    points = points_table(documents)
    table = accuracy_table(points, "test_retrained")
    assert list(table.columns) == [0, 3, 19]
    assert "±" in table.loc["random", 3]
    latex = latex_table(points, "test_retrained")
    assert latex.count("\\\\") == len(table) + 1
    assert "±" not in latex
    assert set(seconds_table(documents).entry) == set(NAMES)


def test_the_shipped_comparison_is_whole():
    found = shipped_documents("comparison-*")
    for document in found:
        spec = RunSpec.from_json(document["spec"])
        assert document["state"] == "done"
        assert document["hash"] == spec.hash
        assert name_of(spec) in ENTRIES
        own = [] if spec.own_point is None else [spec.own_point]
        assert sorted(level["level"] for level in document["levels"]) == [*MEASURED, *own]

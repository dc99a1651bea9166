"""Weights other than the retrained ones: the same that the run measured, made without training anything."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mipp_core.cutting.surgery import shrink
from mipp_core.errors import DataError
from mipp_core.evaluation import accuracy
from mipp_core.experiments.networks import initial_network, load_data
from mipp_core.experiments.remaking import can_be_remade, remade
from mipp_core.experiments.sweep import run
from mipp_core.pruners import pruner
from mipp_core.runs import NetworkSpec, RunSpec, masks_of
from mipp_core.store import Store
from mipp_core.training import Recipe

SPEC = RunSpec(
    NetworkSpec("resnet18", widths=(3, 4, 3, 4), recipe=Recipe(1, batch_size=500)),
    pruner="magnitude",
    settings=pruner("magnitude"),
    sparsities=(0.3,),
    retraining=Recipe(0),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def level(store: Store) -> dict:
    result, _ = run(SPEC, store)
    return result.to_json()["levels"][0]


@pytest.mark.parametrize("how", ["pruned", "recalibrated", "rebuilt"])
def test_it_is_as_accurate_as_the_run_says(store: Store, level: dict, how: str):
    masks = masks_of(level)
    slim = shrink(initial_network(SPEC.network), masks)
    slim.load_state_dict(remade(SPEC, masks, how, store))
    assert accuracy(slim, load_data(SPEC.network).test) == level[f"accuracy_{how}"]


def test_it_is_made_once(store: Store, level: dict, monkeypatch: pytest.MonkeyPatch):
    first = remade(SPEC, masks_of(level), "rebuilt", store)
    monkeypatch.setattr("mipp_core.experiments.remaking.rebuild", None)
    again = remade(SPEC, masks_of(level), "rebuilt", store)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_without_the_dense_network_nothing_is_trained_behind_ones_back(level: dict, tmp_path: Path):
    empty = Store(tmp_path)
    assert not can_be_remade(SPEC, empty)
    assert can_be_remade(replace(SPEC, trained=False), empty)
    with pytest.raises(DataError, match="dense network of this run is no longer in the store; start the run again"):
        remade(SPEC, masks_of(level), "rebuilt", empty)

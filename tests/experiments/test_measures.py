"""What is measured of a cut network without retraining it, and how far it is from its definition."""

from collections import OrderedDict
from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn

from mipp_core import evaluation
from mipp_core.checkpoints.fitting import load
from mipp_core.cutting.masks import KeepMasks
from mipp_core.experiments import experiment as experiments
from mipp_core.experiments import measuring
from mipp_core.experiments.experiment import Experiment
from mipp_core.figures import accuracy_curve
from mipp_core.models import Family
from mipp_core.models.families import MODELS
from mipp_core.pruners import Random
from mipp_core.reports.comparison_tables import points_table
from mipp_core.reports.tables import curve_table, measures_of
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.runs.result import LevelResult, RunResult
from mipp_core.store import Store
from mipp_core.training import Recipe
from mipp_core.vocabulary import silent


def normalised(widths: tuple[int, ...], image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(image_shape[0], widths[0], 5, 4, bias=False),
            norm=nn.BatchNorm2d(widths[0]),
            relu=nn.ReLU(),
            flatten=nn.Flatten(),
            fc1=nn.Linear(widths[0] * 36, widths[1]),
            relu2=nn.ReLU(),
            fc2=nn.Linear(widths[1], classes),
        )
    )


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """Return the stages of a run of a family, with or without a batch normalisation."""
    monkeypatch.setitem(MODELS, "normalised", Family("a test", ("conv1", "fc1"), (6, 12), normalised))

    def make(model: str) -> Experiment:
        network = NetworkSpec(model, widths=(6, 12), recipe=Recipe(1, batch_size=200))
        spec = RunSpec(network, pruner="random", settings=Random(), retraining=Recipe(1))
        return Experiment(spec, Store(tmp_path).stages(spec.hash), torch.device("cpu"), silent)

    return make


def halves(names: tuple[str, str]) -> KeepMasks:
    return KeepMasks({name: torch.arange(units) % 2 > 0 for name, units in zip(names, (6, 12), strict=True)})


def test_fresh_statistics_are_measured_where_there_are_normalisations(experiment):
    stages, masks = experiment("normalised"), halves(("conv1", "fc1"))
    value = stages.measure(masks).value | stages.seen_in_training(masks).value
    for split in ("accuracy", "train_accuracy"):
        assert 0 <= value[f"{split}_recalibrated"] <= 1
    assert value["accuracy_rebuilt"] > value["accuracy_pruned"]
    assert 0 <= value["cut_difference"] < 1e-12


def test_without_normalisations_there_is_nothing_to_recalibrate(experiment):
    stages, masks = experiment("mlp"), halves(("fc1", "fc2"))
    value = stages.measure(masks).value | stages.seen_in_training(masks).value
    assert value["accuracy_recalibrated"] is value["train_accuracy_recalibrated"] is None
    assert 0 <= value["cut_difference"] < 1e-12


def test_removed_pixels_count_in_neither_network(experiment):
    pixels = torch.rand(784, generator=torch.Generator().manual_seed(0)) < 0.5
    masks = KeepMasks({"input": pixels, **halves(("fc1", "fc2"))})
    assert experiment("mlp").measure(masks).value["cut_difference"] < 1e-12


def test_measuring_leaves_the_dense_network_alone(experiment, state_of):
    stages = experiment("normalised")
    before = state_of(stages.model)
    stages.measure(halves(("conv1", "fc1")))
    assert state_of(stages.model) == before


@pytest.fixture
def documents(tiny_spec):
    """Return the documents of a run with the new figures, and of the same without, as older versions wrote it."""
    level = LevelResult(accuracy_pruned=0.1, accuracy_rebuilt=0.8, sparsity=0.5, parameters=5, macs=5)
    run = RunResult(tiny_spec, "done", 0.9, 0.9, 0.9, 10, 10, (level, replace(level, level=1, sparsity=0.7)))
    new = replace(run, levels=tuple(replace(each, accuracy_recalibrated=0.6) for each in run.levels)).to_json()
    old = run.to_json()
    for each in old["levels"]:
        for name in ("accuracy_recalibrated", "train_accuracy_recalibrated", "cut_difference"):
            del each[name]
    return old, run.to_json(), new


def test_documents_with_and_without_the_new_figures_are_read(documents):
    old, none, new = documents
    assert measures_of(old) == measures_of(none) == ("pruned", "rebuilt", "retrained")
    assert measures_of(new) == ("pruned", "recalibrated", "rebuilt", "retrained")
    assert curve_table(old).accuracy_recalibrated.isna().all()
    assert curve_table(new).accuracy_recalibrated.tolist() == [0.6, 0.6]
    points = points_table({"MIPP": [old, new]})
    assert points.test_recalibrated.notna().tolist() == [False, False, True, True]


def test_the_curve_shows_what_there_is(documents):
    old, none, new = map(curve_table, documents)
    names = [[line.name for line in accuracy_curve(table, 0.9, 0).data] for table in (old, none, new)]
    assert names == [["cut", "rebuilt"]] * 2 + [["cut", "recalibrated", "rebuilt"]]
    behind = accuracy_curve(old, 0.9, 0, other_seeds=pd.concat([none]))
    assert len(behind.data) == 4
    colours = [line.line.color for line in accuracy_curve(new, 0.9, 0).data]
    assert len(set(colours)) == 3


@pytest.mark.parametrize("epochs", [0, 1])
def test_what_is_not_retrained_is_not_measured_again(experiment, epochs: int, monkeypatch):
    made = experiment("normalised")
    made = replace(made, spec=replace(made.spec, retraining=Recipe(epochs, batch_size=200)))
    masks = halves(("conv1", "fc1"))
    known = made.measure(masks).value | made.seen_in_training(masks).value
    measured: list[nn.Module] = []
    count = evaluation.accuracy
    monkeypatch.setattr(
        experiments, "accuracy", lambda model, *rest, **view: measured.append(model) or count(model, *rest, **view)
    )
    outcome = made.retrain(masks, silent)
    reached = outcome.value["accuracy"], made.train_accuracy(outcome, masks)
    assert len(measured) == 2 * epochs
    assert (reached == (known["accuracy_pruned"], known["train_accuracy_pruned"])) is (epochs == 0)
    slim = made.cut(masks)
    load(slim, outcome.tensors)
    assert count(slim, made.data.test) == reached[0]


def test_levels_that_are_measured_side_by_side_give_the_same(experiment, monkeypatch):
    monkeypatch.setattr(measuring, "_threads_of", lambda device: 2)
    several = [halves(("conv1", "fc1")), KeepMasks({"conv1": torch.arange(6) > 2, "fc1": torch.arange(12) > 3})]
    one_by_one = experiment("normalised")
    wanted = [one_by_one._measured(masks)[0] for masks in several]
    together = experiment("normalised")
    with together.side_by_side([*several, several[0]]):
        assert len(together._ahead) == 2
        found = [together.measure(masks).value for masks in several]
    assert found == wanted
    assert not together._ahead
    again = experiment("normalised")
    with again.side_by_side(several):
        assert not again._ahead, "the store has them"


def test_slim_networks_wait_for_the_training_split_only_while_they_are_few(experiment, monkeypatch):
    made = experiment("mlp")
    masks = halves(("fc1", "fc2"))
    made.measure(masks)
    assert len(made._waiting) == 1
    value = made.seen_in_training(masks).value
    assert not made._waiting
    monkeypatch.setattr(measuring, "_WAITING", 0)
    other = KeepMasks({name: ~mask for name, mask in masks.items()})
    made.measure(other)
    assert not made._waiting
    assert made.seen_in_training(other).value.keys() == value.keys()

"""A run's time, said before it starts: the same estimate that the run itself goes by."""

from dataclasses import astuple, replace

import pytest
import torch

from mipp_core.data import card_of
from mipp_core.experiments import planning
from mipp_core.experiments.costs import costs_of
from mipp_core.experiments.planning import plan_run
from mipp_core.pruners import ClosedForm
from mipp_core.recipes import RECIPES
from mipp_core.runs import NetworkSpec, RunSpec

SPEC = RunSpec(
    NetworkSpec("mlp", widths=(6, 5), recipe=RECIPES["live"]),
    pruner="mipp-closed-form",
    settings=ClosedForm(),
    retraining=RECIPES["live-retrain"],
    controls=("random", "magnitude"),
)


@pytest.mark.parametrize("an_image", [1e-6, 3e-5])
def test_steps_take_what_they_cost_at_the_pace_of_the_device(an_image, monkeypatch):
    monkeypatch.setattr(planning, "forward_seconds", lambda model, shape: an_image)
    found, costs = plan_run(SPEC, torch.device("cpu")), costs_of(SPEC)
    pace = found.train_seconds / costs.training
    assert found.train_seconds == pytest.approx(
        an_image * 3 * card_of("mnist-sample").train_size * SPEC.network.recipe.epochs
    )
    assert (found.rebuild_seconds, found.retrain_seconds) == pytest.approx(
        (pace * costs.rebuilding, pace * costs.retraining)
    )
    assert all(seconds > 0 for seconds in astuple(costs))


def test_at_initialisation_nothing_is_trained_first_and_the_rest_takes_the_same(monkeypatch):
    monkeypatch.setattr(planning, "forward_seconds", lambda model, shape: 1e-5)
    trained, not_yet = plan_run(SPEC, torch.device("cpu")), plan_run(replace(SPEC, trained=False), torch.device("cpu"))
    assert not_yet.train_seconds == 0
    assert not_yet.rebuild_seconds == trained.rebuild_seconds
    assert not_yet.stages()["Training"] == "none"

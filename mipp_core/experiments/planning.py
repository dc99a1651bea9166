"""What a run will take, said before it starts."""

from dataclasses import dataclass, replace
from typing import Any

import torch

from mipp_core.data import card_of
from mipp_core.experiments.costs import costs_of
from mipp_core.experiments.networks import initial_network
from mipp_core.information import LEVELS
from mipp_core.network.guessing import example_images
from mipp_core.network.recording import recorded
from mipp_core.pruners import SMALL, Decider, Mipp, Plan, plan
from mipp_core.pruners.plans import duration, forward_seconds
from mipp_core.runs.spec import RunSpec

_STEP = 3
"""A training step, forward and backward, takes as long as this many forward passes."""

LONG = 600
"""If pruning on a CPU takes at least this many seconds, the small setting is offered."""


@dataclass(frozen=True)
class RunPlan:
    """What a run will take on a device, if nothing of it has been computed yet.

    Attributes:
        train_seconds: of training the dense network.
        pruning: see ``mipp_core.pruners.plans``; None if the pruner has no plan.
        rebuild_seconds: of cutting, rebuilding and measuring at every level.
        retrain_seconds: of retraining at every level, and of measuring its controls.
    """

    train_seconds: float
    pruning: Plan | None
    rebuild_seconds: float
    retrain_seconds: float

    def stages(self) -> dict[str, str]:
        """Say in words what each stage takes."""
        return {
            "Training": f"about {duration(self.train_seconds)}" if self.train_seconds else "none",
            "Pruning": str(self.pruning or "not known for this pruner"),
            "Rebuilding": f"about {duration(self.rebuild_seconds)}",
            "Retraining": f"about {duration(self.retrain_seconds)}" if self.retrain_seconds else "none",
        }

    def __str__(self) -> str:
        return "; ".join(f"{stage} {words}" for stage, words in self.stages().items()) + "."


def plan_run(spec: RunSpec, device: torch.device) -> RunPlan:
    """Estimate a run; a few seconds of measuring on the device itself.

    What follows the pruning takes what it costs (``mipp_core.experiments.costs``), at the pace at which this device
    trains: a run that goes on expects the same of it.
    """
    card, levels = card_of(spec.network.dataset), len(spec.confidences or range(LEVELS))
    settings = spec.settings if isinstance(spec.settings, Decider) else spec.follow or spec.settings
    model = recorded(initial_network(spec.network, device), example_images(card.image_shape, device))
    an_epoch = _STEP * forward_seconds(model, card.image_shape) * card.train_size
    costs, training = costs_of(replace(spec, trained=True)), an_epoch * spec.network.recipe.epochs
    pace = training / costs.training if costs.training else 1.0
    return RunPlan(
        train_seconds=training if spec.trained else 0.0,
        pruning=plan(settings, model, card.image_shape, card.train_size, levels),
        rebuild_seconds=pace * costs.rebuilding,
        retrain_seconds=pace * costs.retraining if spec.retraining.epochs else 0.0,
    )


def small(spec: RunSpec) -> RunSpec:
    """Return the same run with MIPP's small setting; what decides the meaning of a test stays as it is."""
    if not isinstance(spec.settings, Mipp):
        return spec
    kept = {name: getattr(spec.settings, name) for name in _MEANING}
    return replace(spec, settings=replace(SMALL, **kept))


_MEANING = ("collapse", "reference", "estimate_size", "budget", "pixels")


def offers_small(spec: RunSpec, found: RunPlan, device: torch.device) -> bool:
    """Tell whether the small setting should be offered: on a CPU, where pruning is long."""
    is_long = found.pruning is not None and found.pruning.usual_seconds > LONG
    return device.type == "cpu" and is_long and small(spec) != spec


def as_json(found: RunPlan) -> dict[str, Any]:
    """Return a plan as plain JSON."""
    return {
        "train_seconds": found.train_seconds,
        "pruning": vars(found.pruning) if found.pruning else None,
        "rebuild_seconds": found.rebuild_seconds,
        "retrain_seconds": found.retrain_seconds,
    }

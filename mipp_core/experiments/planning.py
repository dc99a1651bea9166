"""What a run will take, said before it starts."""

from dataclasses import dataclass, replace
from typing import Any

import torch

from mipp_core.data import DATASETS
from mipp_core.experiments.networks import initial_network
from mipp_core.experiments.spec import RunSpec
from mipp_core.information import LEVELS
from mipp_core.pruners import SMALL, Mipp, Plan, plan
from mipp_core.pruners.mipp_plan import duration, forward_seconds

_STEP = 3
"""Times a forward pass: what a training step takes, forward and backward."""

LONG = 600
"""Seconds of pruning on a CPU from which on the small setting is offered."""


@dataclass(frozen=True)
class RunPlan:
    """What a run of MIPP will take on a device, if nothing of it has been computed yet.

    Attributes:
        train_seconds: of training the dense network.
        pruning: see ``mipp_core.pruners.mipp_plan``.
        retrain_seconds: of retraining at every level as if nothing had been removed, which is the most it takes.
    """

    train_seconds: float
    pruning: Plan
    retrain_seconds: float

    def stages(self) -> dict[str, str]:
        """Say in words what each stage takes."""
        return {
            "Training": f"about {duration(self.train_seconds)}" if self.train_seconds else "none",
            "Pruning": str(self.pruning),
            "Retraining": f"at most {duration(self.retrain_seconds)}" if self.retrain_seconds else "none",
        }

    def __str__(self) -> str:
        return "; ".join(f"{stage} {words}" for stage, words in self.stages().items()) + "."


def plan_run(spec: RunSpec, device: torch.device) -> RunPlan:
    """Estimate a run of MIPP; a few seconds of measuring on the device itself."""
    card, levels = DATASETS[spec.network.dataset], len(spec.confidences or range(LEVELS))
    settings = spec.settings if isinstance(spec.settings, Mipp) else spec.follow or Mipp()
    model = initial_network(spec.network, device)
    an_epoch = _STEP * forward_seconds(model, card.image_shape) * card.train_size
    return RunPlan(
        train_seconds=an_epoch * spec.network.recipe.epochs if spec.trained else 0.0,
        pruning=plan(settings, model, card.image_shape, card.train_size, levels),
        retrain_seconds=an_epoch * spec.retraining.epochs * len(spec.points),
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
    return device.type == "cpu" and found.pruning.usual_seconds > LONG and small(spec) != spec


def as_json(found: RunPlan) -> dict[str, Any]:
    """Return a plan as plain JSON."""
    return {
        "train_seconds": found.train_seconds,
        "pruning": vars(found.pruning),
        "retrain_seconds": found.retrain_seconds,
    }

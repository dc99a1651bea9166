"""Every pruner of the registry with settings that make it quick, and its answer."""

from collections.abc import Callable

from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.information.terc import Decision, keep_masks
from mipp_core.models import Architecture
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import PRUNERS, Decider, Pruner, Ranker, pruner
from mipp_core.vocabulary import silent

CONFIDENCES = (0.5, 0.875, 0.984375, 0.999999)
QUICK = {
    "synflow": {"rounds": 5},
    "conductance": {"samples": 30, "steps": 4},
    "chip": {"samples": 30},
    "prospr": {"batch_size": 40},
    "iter-snip": {"rounds": 4},
    "iter-grasp": {"rounds": 3, "per_class": 5},
    "imp": {"rate": 0.6},
    "cmi": {"alpha": 2.0, "samples": 30, "validation": 30, "width": "shared"},
    "mipp": {
        "members": 2,
        "hidden": (16,),
        "fit_steps": 30,
        "refit_steps": 5,
        "unit_steps": 3,
        "rank_steps": 5,
        "batch_size": 20,
        "samples": 200,
    },
}
RANKERS = [name for name, kind in PRUNERS.items() if issubclass(kind, Ranker)]
DECIDERS = [name for name, kind in PRUNERS.items() if issubclass(kind, Decider)]
NORMALISED = [name for name, kind in PRUNERS.items() if "normalisation" in kind.needs]

FAMILIES = ("lenet5", "mlp", "vgg11", "resnet18")
"""One of every builder; bottlenecks and torchvision's networks are in tests/pruners/test_other_networks.py."""

Make = Callable[[str], Architecture]


def quick(name: str) -> Pruner:
    return pruner(name, **QUICK.get(name, {}))


def answer(found: Pruner, model: nn.Module, split: Split, seed: int = 0) -> dict[str, Tensor]:
    """A ranker's scores, or a decider's keep-masks at every confidence."""
    if isinstance(found, Ranker):
        return found.scores(model, split, seed)
    return gathered(model, found.decide(model, split, seed, CONFIDENCES, silent))


def gathered(model: nn.Module, decisions: list[Decision]) -> dict[str, Tensor]:
    return {
        layer.name: keep_masks([d for d in decisions if d.layer == layer.name], layer.units, len(CONFIDENCES))
        for layer in wiring_of(model).layers
    }

"""What CMI pruning found, layer by layer: orders, curves and cuts; and the scores and masks that follow from them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mipp_core.cutting.masks import KeepMasks
from mipp_core.information.ordering import Ordering
from mipp_core.pruners.cmi_pictures import Pictures


@dataclass(frozen=True)
class Tried:
    """A cut and the share of held-out training images that the network with it classifies correctly."""

    kept: int
    accuracy: float
    ratio: float | None = None


@dataclass(frozen=True)
class CutLayer:
    """One layer as it was cut.

    Attributes:
        layer: its name.
        given: the layers whose retained units its order is conditioned on; its own name for the stream it reads.
        ordering: the order and its curves.
        tried: the cuts that were compared by accuracy; for rules that give one, that one.
        kept: units kept: the first so many of the order.
        still: units that never vary; last in the order.
        chance: what is given and all units seem to tell of shuffled labels, in bits: the bias of the estimate.
        sensitivity: how accurate the network is with other numbers of units, on top of what was cut before.
    """

    layer: str
    given: tuple[str, ...]
    ordering: Ordering
    tried: tuple[Tried, ...]
    kept: int
    still: tuple[int, ...] = ()
    chance: float | None = None
    sensitivity: tuple[Tried, ...] = ()

    @property
    def condition(self) -> str:
        """What its order is conditioned on, in words."""
        others = [name for name in self.given if name != self.layer]
        listed = " and ".join([", ".join(others[:-1]), others[-1]] if len(others) > 1 else others)
        stream = ["the stream that it reads"] if self.layer in self.given else []
        known = [*stream, *([f"what is kept of {listed}"] if others else [])]
        return f"given {' and '.join(known)}" if known else "given nothing else"

    @property
    def mask(self) -> Bool[Tensor, " units"]:
        """Its keep-mask."""
        keep = torch.zeros(len(self.ordering.order), dtype=torch.bool)
        keep[list(self.ordering.order[: self.kept])] = True
        return keep

    @property
    def scores(self) -> Float[Tensor, " units"]:
        """How early each unit is picked: above 1/2 for those kept, below for the others, 0 for those that are still."""
        units, kept = len(self.ordering.order), self.kept
        found = torch.zeros(units, dtype=torch.double)
        places = torch.arange(units, dtype=torch.double)
        late = (units - places) / (units - kept + 1) / 2
        found[list(self.ordering.order)] = torch.where(places < kept, 1 - places / max(kept, 1) / 2, late)
        found[list(self.still)] = 0
        return found


@dataclass(frozen=True)
class Examined:
    """What CMI finds in a network.

    Attributes:
        layers: as they were cut, in the order in which they were.
        alone: what each layer's cut costs by itself, where a starting layer was looked for.
        dense: the whole network's accuracy on the same images.
        names: all layers, input to output.
        pictures: what the units show on a few images; None where they are not kept.
    """

    layers: tuple[CutLayer, ...]
    alone: dict[str, Tried]
    dense: float
    names: tuple[str, ...]
    pictures: Pictures | None = field(default=None, compare=False)

    @cached_property
    def by_name(self) -> dict[str, CutLayer]:
        """The layers by their names, input to output."""
        found = {each.layer: each for each in self.layers}
        return {name: found[name] for name in self.names}

    @property
    def masks(self) -> KeepMasks:
        """The keep-masks of its own ratios."""
        return KeepMasks({name: each.mask for name, each in self.by_name.items()})

    @property
    def scores(self) -> dict[str, Tensor]:
        """Every unit's score; see ``CutLayer.scores``."""
        return {name: each.scores for name, each in self.by_name.items()}

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON."""
        return {
            "dense": self.dense,
            "alone": {name: asdict(each) for name, each in self.alone.items()},
            "layers": [_plain(each) for each in self.layers],
            "names": list(self.names),
            "pictures": self.pictures and self.pictures.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Examined":
        """Read what ``to_json`` wrote."""
        alone = {name: Tried(**each) for name, each in value["alone"].items()}
        shown = Pictures.from_json(value["pictures"]) if value.get("pictures") else None
        return cls(tuple(map(_read, value["layers"])), alone, value["dense"], tuple(value["names"]), shown)


@dataclass(frozen=True)
class Look:
    """One layer ordered by itself, and where each rule would cut it.

    Attributes:
        layer: its name.
        ordering: the order and its curves.
        bends: numbers of units that Scree would keep, the sharpest bend first, each with its ratio.
        x_means, permutation: numbers of units that these rules would keep.
        chance: what the whole layer seems to tell of shuffled labels, in bits: the bias of the estimate.
    """

    layer: str
    ordering: Ordering
    bends: tuple[tuple[int, float], ...]
    x_means: int
    permutation: int
    chance: float

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON; curves have one value more than there are units."""
        cuts = {
            "scree": [kept for kept, _ in self.bends],
            "ratios": [ratio for _, ratio in self.bends],
            "x-means": self.x_means,
            "permutation": self.permutation,
        }
        return {"layer": self.layer, **_curves(self.ordering), "chance": self.chance, "cuts": cuts}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Look":
        """Read what ``to_json`` wrote."""
        cuts = value["cuts"]
        bends = tuple(zip(cuts["scree"], cuts["ratios"], strict=True))
        rules = cuts["x-means"], cuts["permutation"]
        return cls(value["layer"], _ordering(value), bends, *rules, value["chance"])


def _curves(ordering: Ordering) -> dict[str, Any]:
    return {
        "order": list(ordering.order),
        "mutual": list(ordering.mutual),
        "cmi": list(ordering.conditional),
        "joint_entropy": list(ordering.joint),
        "saturated_at": ordering.saturated_at,
        "samples": ordering.samples,
    }


def _ordering(value: Mapping[str, Any]) -> Ordering:
    curves = tuple(value["order"]), tuple(value["mutual"]), tuple(value["joint_entropy"])
    return Ordering(*curves, value["samples"])


def _plain(cut: CutLayer) -> dict[str, Any]:
    return {
        "layer": cut.layer,
        "given": list(cut.given),
        **_curves(cut.ordering),
        "tried": [asdict(each) for each in cut.tried],
        "kept": cut.kept,
        "still": list(cut.still),
        "chance": cut.chance,
        "sensitivity": [asdict(each) for each in cut.sensitivity],
    }


def _read(value: Mapping[str, Any]) -> CutLayer:
    tried, others = (tuple(Tried(**each) for each in value.get(key, ())) for key in ("tried", "sensitivity"))
    return CutLayer(
        value["layer"],
        tuple(value["given"]),
        _ordering(value),
        tried,
        value["kept"],
        tuple(value["still"]),
        value.get("chance"),
        others,
    )

"""Feature maps as small pictures: what the units that CMI has ordered show on a few of its images."""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.data.dataset import Split
from mipp_core.network.activations import listen

_SIDE = 16
"""Larger maps are averaged to so many places along each side."""

_IMAGES = 10
"""Images at most, each of another class."""

_BYTES = 100_000
"""Of all maps together: of a large network fewer images are shown."""


@dataclass(frozen=True)
class Pictures:
    """A few images and what every unit makes of them.

    Attributes:
        labels: of the images, one per class, as far as they fit.
        images: as the network is given them, from their darkest to their brightest value.
        maps: by layer, as the next layer reads them: images, units, height, width.  Each unit's is from its smallest
            value on these images to its largest, so that units can be looked at side by side; a neuron is a map of
            one place.
    """

    labels: tuple[int, ...]
    images: UInt8[Tensor, "k channels height width"]
    maps: Mapping[str, UInt8[Tensor, "_ _ _ _"]]

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON, the numbers compressed."""
        maps = {name: _packed(each) for name, each in self.maps.items()}
        return {"labels": list(self.labels), "images": _packed(self.images), "maps": maps}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Pictures":
        """Read what ``to_json`` wrote."""
        maps = {name: _unpacked(each) for name, each in value["maps"].items()}
        return cls(tuple(value["labels"]), _unpacked(value["images"]), maps)


@torch.no_grad()
def pictures(model: nn.Module, drawn: Split) -> Pictures:
    """Run a network on the first image of each class, of ten classes at most.

    Args:
        model: left as it is.
        drawn: images and labels.
    """
    first = {label: place for place, label in reversed(list(enumerate(drawn.labels.tolist())))}
    chosen = [first[label] for label in sorted(first)][:_IMAGES]
    some = drawn.take(torch.tensor(chosen, device=drawn.labels.device))
    found: dict[str, Tensor] = {}

    def hear(name: str, maps: Tensor) -> None:
        found[name] = _bytes(_small(maps), (0, 2, 3))

    listen(model, some.images, hear)
    fitting = max(1, _BYTES // max(1, sum(each[0].numel() for each in found.values())))
    maps = {name: each[:fitting].cpu() for name, each in found.items()}
    return Pictures(tuple(some.labels[:fitting].tolist()), _bytes(some.images[:fitting], (0, 1, 2, 3)).cpu(), maps)


def _small(maps: Float[Tensor, "k units ..."]) -> Float[Tensor, "k units height width"]:
    """Return maps of at most a few places along each side; one of other than two dimensions becomes a row."""
    flat = maps if maps.ndim == 4 else maps.flatten(2)[:, :, None] if maps.ndim > 2 else maps[:, :, None, None]
    height, width = (min(side, _SIDE) for side in flat.shape[2:])
    return functional.adaptive_avg_pool2d(flat, (height, width))


def _bytes(values: Float[Tensor, "k c height width"], over: tuple[int, ...]) -> UInt8[Tensor, "k c height width"]:
    """Return values from 0, the smallest over some dimensions, to 255, the largest."""
    low, high = values.amin(over, keepdim=True), values.amax(over, keepdim=True)
    return (255 * (values - low) / (high - low).clamp_min(1e-12)).round().to(torch.uint8)


def _packed(numbers: UInt8[Tensor, "..."]) -> dict[str, Any]:
    held = zlib.compress(numbers.contiguous().numpy().tobytes(), 9)
    return {"shape": list(numbers.shape), "bytes": base64.b64encode(held).decode()}


def _unpacked(value: Mapping[str, Any]) -> UInt8[Tensor, "..."]:
    held = list(zlib.decompress(base64.b64decode(value["bytes"])))
    return torch.tensor(held, dtype=torch.uint8).reshape(value["shape"])

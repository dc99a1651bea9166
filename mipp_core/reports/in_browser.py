"""Networks that a browser can run by itself: their steps, and test images to run them on."""

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from mipp_core.data import Dataset, Split, card_of
from mipp_core.experiments.given import without_download
from mipp_core.experiments.networks import load_data
from mipp_core.runs.spec import NetworkSpec
from mipp_core.vocabulary import silent

DIGITS = ("mnist", "mnist-sample")
"""Datasets of digits, which can be drawn by hand."""

IMAGES = 1000
"""Test images that a browser is given at most: the first of each class in turn."""


def steps_of(model: nn.Module) -> list[dict[str, Any]] | None:
    """Return a network as a list of steps, each with what it ``does``; None where it is not a plain chain of them."""
    if not isinstance(model, nn.Sequential):
        return None
    found = [_step(name, part) for name, part in model.named_children()]
    return None if None in found else [step for step in found if step is not None]


def for_browser(network: NetworkSpec) -> dict[str, Any] | None:
    """Return what a browser must know to run a network, as plain JSON; None if it cannot."""
    architecture, card = network.architecture, card_of(network.dataset)
    steps = steps_of(architecture.sketch())
    if steps is None:
        return None
    return {
        "steps": steps,
        "mean": list(network.normalisation.mean),
        "std": list(network.normalisation.std),
        "classes": list(card.classes),
        "drawable": card.name in DIGITS and not network.deformation,
    }


def _step(name: str, part: nn.Module) -> dict[str, Any] | None:
    match part:
        case nn.Conv2d():
            return _convolution(name, part)
        case nn.Linear():
            return {"does": "linear", "name": name}
        case nn.ReLU():
            return {"does": "relu", "name": name}
        case nn.Flatten(start_dim=1, end_dim=-1):
            return {"does": "flatten", "name": name}
        case nn.MaxPool2d(kernel_size=int(size), stride=int(stride), padding=0, dilation=1, ceil_mode=False):
            return {"does": "pool", "name": name, "size": size, "stride": stride}
    return None


def _convolution(name: str, part: nn.Conv2d) -> dict[str, Any] | None:
    """Return a convolution with square strides and paddings, over all channels at once."""
    stride, padding = set(part.stride), part.padding
    plain = part.groups == 1 and set(part.dilation) == {1} and part.padding_mode == "zeros"
    if not plain or isinstance(padding, str) or len({*padding}) != 1 or len(stride) != 1:
        return None
    return {"does": "conv", "name": name, "stride": stride.pop(), "padding": padding[0]}


def shown_images(data: Dataset, count: int = IMAGES) -> tuple[UInt8[Tensor, "n c h w"], UInt8[Tensor, " n"]]:
    """Return test images as grey levels or colours from 0 to 255, and their labels; classes take turns."""
    split = in_turns(data.test.in_memory(), count)
    pixels = data.normalisation.undo(split.images)
    return (255 * pixels.clamp(0, 1)).round().to(torch.uint8), split.labels.to(torch.uint8)


def in_turns(split: Split, count: int) -> Split:
    """Return the first images of each class in turn: 0, 1, …, 9, 0, 1, …"""
    nth = torch.zeros_like(split.labels)
    for label in split.labels.unique():
        own = split.labels == label
        nth[own] = torch.arange(int(own.sum()))
    place = (nth * (int(split.labels.max()) + 1) + split.labels).argsort()[:count]
    return Split(split.images[place], split.labels[place])


def images_at_hand(network: NetworkSpec) -> Dataset:
    """Return a network's images without a download: of MNIST, the embedded sample's.

    Raises:
        CancelledError: they would have to be downloaded first.
        DataError: they are missing or damaged.
    """
    embedded = "mnist-sample" if network.dataset == "mnist" else network.dataset
    return load_data(replace(network, dataset=embedded), report=without_download(silent))

"""Digits to look at: the mean one, and one of each class."""

from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from torch import Tensor

from mipp_core.data import Deformation, load_dataset


@dataclass(frozen=True)
class Pictures:
    """Grey levels of images with one channel, 0 is black.

    Attributes:
        mean: over the training images.
        digits: a test image of every class, the first one.
        labels: their class names.
    """

    mean: UInt8[Tensor, "h w"]
    digits: UInt8[Tensor, "classes h w"]
    labels: tuple[str, ...]


def pictures(deformation: float, seed: int) -> Pictures:
    """Return digits of the embedded sample, deformed as a run of that strength and seed has them."""
    data = load_dataset("mnist-sample", deformation=Deformation(deformation, seed) if deformation else None)
    test, train = data.test.in_memory(), data.train.in_memory()
    first = torch.tensor([int((test.labels == label).nonzero()[0]) for label in range(len(data.classes))])
    shown = data.normalisation.undo(torch.cat([train.images.mean(0, keepdim=True), test.images[first]]))
    grey = (shown[:, 0].clamp(0, 1) * 255).round().to(torch.uint8)
    return Pictures(grey[0], grey[1:], data.classes)

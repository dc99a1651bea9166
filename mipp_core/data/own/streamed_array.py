"""Splits too large for memory in one file: images that are read from it when they are needed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.data.dataset import Batch, Samples, Split
from mipp_core.data.own.levels import Levels
from mipp_core.data.own.npz import Array
from mipp_core.data.preparation import Preparation
from mipp_core.errors import SettingError

_AT_ONCE = 256


@dataclass(frozen=True)
class StreamedArray(Samples):
    """Labelled images of a mapped array, at least one.  Making, moving and choosing from a split reads no image.

    Attributes:
        array: as it lies on the disk.
        levels: how it becomes grey levels.
        rows: of the array, shape [n], on the CPU.
        labels: class indices, shape [n], on the device that images are returned on.
        positions: in the whole split, shape [n]; they determine each image's deformation.
        preparation: from grey levels to network inputs, on the device.
    """

    array: Array
    levels: Levels
    rows: Int[Tensor, " n"]
    labels: Int[Tensor, " n"]
    positions: Int[Tensor, " n"]
    preparation: Preparation

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of one image."""
        return self.levels.frame.image_shape

    def to(self, device: torch.device | str) -> "StreamedArray":
        """Return the same images, returned on another device."""
        return replace(self, labels=self.labels.to(device), positions=self.positions.to(device))

    def take(self, index: Int[Tensor, " k"]) -> "StreamedArray":
        """Return the chosen images, in the order given."""
        here = index.to(self.labels.device)
        return replace(self, rows=self.rows[index.cpu()], labels=self.labels[here], positions=self.positions[here])

    def batches(self, batch_size: int, order: Int[Tensor, " k"] | None = None) -> Iterator[Batch]:
        """Yield images and labels."""
        order = torch.arange(len(self)) if order is None else order.cpu()
        for index in order.split(batch_size):
            where = index.to(self.labels.device)
            yield self._prepared(index, where), self.labels[where]

    def in_memory(self) -> Split:
        """Read all these images."""
        return Split(torch.cat([images for images, _ in self.batches(_AT_ONCE)]), self.labels)

    def fixed(self, count: int) -> Split:
        """Draw evenly from the classes with seed 0: an array may be sorted by class."""
        return self.stratified(count, torch.Generator().manual_seed(0))

    def randomly_cropped(self, generator: torch.Generator) -> "StreamedArray":
        """Refuse: see ``Samples.randomly_cropped``."""
        raise SettingError(
            "Random resized crops are made of picture files, but these images are arrays; choose a recipe that crops "
            "with padding, such as paper-cifar10."
        )

    def _prepared(self, index: Int[Tensor, " b"], where: Int[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
        images = self.levels.of(self.array[self.rows[index].numpy()])
        return self.preparation.apply(images.to(self.labels.device), self.positions[where])

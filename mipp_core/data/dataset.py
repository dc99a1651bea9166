"""What a dataset is: two labelled splits, ready for a network, in memory or streamed from files."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.data.drawing import stratified_index
from mipp_core.data.normalisation import Normalisation
from mipp_core.errors import SettingError

Batch = tuple[Float[Tensor, "b c h w"], Int[Tensor, " b"]]
"""Normalised images and their class indices, on the device."""


View = Callable[[Float[Tensor, "n c h w"]], Float[Tensor, "n c h w"]]
"""Selects what a network is shown of its images, such as ``KeepMasks.blank_pixels``."""


def whole(images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Return the images as they are."""
    return images


class Samples(ABC):
    """Labelled images, wherever they are kept.

    Training and measuring go through ``batches``; code that needs images in memory draws a limited number of them.

    Attributes:
        labels: class indices, shape [n], on the device that images are returned on.
    """

    labels: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    @abstractmethod
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of one image."""

    @abstractmethod
    def to(self, device: torch.device | str) -> "Samples":
        """Return the same samples, to be returned on another device."""

    @abstractmethod
    def take(self, index: Int[Tensor, " k"]) -> "Samples":
        """Return the chosen samples, in the order given; reads no file."""

    @abstractmethod
    def batches(self, batch_size: int, order: Int[Tensor, " k"] | None = None) -> Iterator[Batch]:
        """Yield images and labels in the order given, by default all in their own order; the last batch may be smaller.

        Raises:
            DataError: a file cannot be read.
        """

    @abstractmethod
    def in_memory(self) -> "Split":
        """Return all these samples in memory.

        Raises:
            DataError: a file cannot be read.
        """

    @abstractmethod
    def fixed(self, count: int) -> "Split":
        """Return at most ``count`` samples in memory, always the same ones."""

    @abstractmethod
    def randomly_cropped(self, generator: torch.Generator) -> "Samples":
        """Return the samples with a random part of each file instead of its middle.

        Args:
            generator: on the CPU; the parts of all files are fixed by this call.

        Raises:
            SettingError: the images are not read from files.
        """

    def stratified(self, count: int, generator: torch.Generator) -> "Split":
        """Draw samples without replacement, equally many of each class where possible, into memory.

        Args:
            count: how many, at least 1; all are returned if there are fewer.
            generator: on the CPU; the only source of randomness.

        Returns:
            The samples in random order, so that any part of them has mixed classes.

        Raises:
            SettingError: the count is below 1.
            DataError: a file cannot be read.
        """
        return self.take(stratified_index(self.labels, count, generator)).in_memory()


@dataclass(frozen=True)
class Split(Samples):
    """Labelled images in memory.

    Attributes:
        images: normalised images, shape [n, channels, height, width].
        labels: class indices, shape [n].
    """

    images: Float[Tensor, "n c h w"]
    labels: Int[Tensor, " n"]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of one image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def to(self, device: torch.device | str) -> "Split":
        """Return the split on another device."""
        return Split(self.images.to(device), self.labels.to(device))

    def take(self, index: Int[Tensor, " k"]) -> "Split":
        """Return the chosen samples, in the order given."""
        return Split(self.images[index], self.labels[index])

    def batches(self, batch_size: int, order: Int[Tensor, " k"] | None = None) -> Iterator[Batch]:
        """Yield images and labels; without an order they are views, not copies."""
        if order is None:
            yield from zip(self.images.split(batch_size), self.labels.split(batch_size), strict=True)
            return
        for index in order.to(self.labels.device).split(batch_size):
            yield self.images[index], self.labels[index]

    def in_memory(self) -> "Split":
        """Return the split itself."""
        return self

    def fixed(self, count: int) -> "Split":
        """Return the first samples: datasets kept in memory have their classes in mixed order."""
        return Split(self.images[:count], self.labels[:count])

    def randomly_cropped(self, generator: torch.Generator) -> "Split":
        """Refuse: see ``Samples.randomly_cropped``."""
        raise SettingError(
            "Random resized crops are made while files are read, but these images are in memory; choose a recipe that "
            "crops with padding, such as paper-cifar10."
        )


@dataclass(frozen=True)
class Dataset:
    """A named dataset of training and test images.

    Attributes:
        name: the registry name.
        classes: class names, in label order.
        train: the training split.
        test: the test split.
        normalisation: how pixels in [0, 1] became network inputs.
    """

    name: str
    classes: tuple[str, ...]
    train: Samples
    test: Samples
    normalisation: Normalisation

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of one image."""
        return self.train.image_shape

    def to(self, device: torch.device | str) -> "Dataset":
        """Return the dataset with both splits on another device."""
        return replace(self, train=self.train.to(device), test=self.test.to(device))

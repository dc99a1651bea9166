"""What a dataset is: two labelled splits, held in memory, ready for a network."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.data.normalisation import Normalisation
from mipp_core.errors import SettingError


@dataclass(frozen=True)
class Split:
    """Labelled images.

    Attributes:
        images: normalised images, shape [n, channels, height, width].
        labels: class indices, shape [n].
    """

    images: Float[Tensor, "n c h w"]
    labels: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device | str) -> "Split":
        """Return the split on another device."""
        return Split(self.images.to(device), self.labels.to(device))

    def take(self, index: Int[Tensor, " k"]) -> "Split":
        """Return the chosen samples, in the order given."""
        return Split(self.images[index], self.labels[index])

    def stratified(self, count: int, generator: torch.Generator) -> "Split":
        """Draw samples without replacement, equally many of each class where possible.

        Args:
            count: how many, at least 1; all are returned where there are no more.
            generator: on the CPU; the only source of randomness.

        Returns:
            The samples in random order, so that any part of them is mixed.

        Raises:
            SettingError: the count is below 1.
        """
        if count < 1:
            raise SettingError(f"A draw of {count} samples is empty; ask for at least 1.")
        order = torch.randperm(len(self), generator=generator)
        labels = self.labels.cpu()[order]
        rank = torch.empty_like(order)
        for label in labels.unique():
            of_class = (labels == label).nonzero().squeeze(1)
            rank[of_class] = torch.arange(len(of_class))
        drawn = rank.argsort(stable=True)[:count]
        chosen = order[drawn[torch.randperm(len(drawn), generator=generator)]]
        return self.take(chosen.to(self.labels.device))


@dataclass(frozen=True)
class Dataset:
    """A named pair of training and test images.

    Attributes:
        name: the registry name.
        classes: class names, in label order.
        train: the training split.
        test: the test split.
        normalisation: how pixels in [0, 1] became network inputs.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    normalisation: Normalisation

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of one image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    def to(self, device: torch.device | str) -> "Dataset":
        """Return the dataset with both splits on another device."""
        return replace(self, train=self.train.to(device), test=self.test.to(device))

"""From stored grey levels to network inputs: the same steps for whole splits and for single batches."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from mipp_core.data.deformations import Deformation, SplitName
from mipp_core.data.normalisation import Normalisation

_NUMBERS = 2**20  # prepared at once: 4 MB, so that a step finds in the cache what the one before has left there


@dataclass(frozen=True)
class Preparation:
    """What is done to the images of one split.

    Attributes:
        normalisation: the last step.
        deformation: applied to the pixels before normalisation; None for none.
        split: which half of the dataset they belong to.
    """

    normalisation: Normalisation
    deformation: Deformation | None
    split: SplitName

    def apply(
        self, images: UInt8[Tensor, "n c h w"], index: Int[Tensor, " n"] | None = None
    ) -> Float[Tensor, "n c h w"]:
        """Return float32 network inputs; beside them it takes little memory.

        Args:
            images: grey levels in 0..255.
            index: their positions in the split, which determine their deformations; by default 0 to n - 1.
        """
        index = torch.arange(len(images), device=images.device) if index is None else index
        ready = torch.empty(images.shape, device=images.device)
        few = max(1, _NUMBERS // max(1, images[:1].numel()))
        for into, some, where in zip(ready.split(few), images.split(few), index.split(few), strict=True):
            into.copy_(self._prepared(some, where))
        return ready

    def _prepared(self, images: UInt8[Tensor, "n c h w"], index: Int[Tensor, " n"]) -> Float[Tensor, "n c h w"]:
        pixels = images.float() / 255.0
        if self.deformation is not None:
            pixels = self.deformation.apply(pixels, self.split, index)
        return self.normalisation.apply(pixels)

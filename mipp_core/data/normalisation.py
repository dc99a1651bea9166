"""The affine map from pixels in [0, 1] to network inputs."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Normalisation:
    """Per-channel mean and standard deviation.

    The MNIST family uses mean 0 and standard deviation 1, so that black is exactly 0: a removed pixel, which
    the keep-mask multiplies by 0, is then a black pixel, and removing one that was always black changes
    nothing.  Photographs are centred and scaled, as is usual and as pretrained weights require: there a
    removed pixel has the data's mean colour.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def apply(self, pixels: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Turn pixels in [0, 1] into network inputs."""
        return (pixels - self._column(self.mean, pixels)) / self._column(self.std, pixels)

    def undo(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Turn network inputs back into pixels in [0, 1]."""
        return inputs * self._column(self.std, inputs) + self._column(self.mean, inputs)

    @staticmethod
    def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
        return torch.tensor(values, dtype=like.dtype, device=like.device).view(-1, 1, 1)

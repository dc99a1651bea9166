"""The affine map from pixels in [0, 1] to network inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.errors import SettingError


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


def given_normalisation(
    mean: Sequence[float] | None, std: Sequence[float] | None, channels: int
) -> Normalisation | None:
    """Return the normalisation that somebody gave in place of a dataset's; None if both are None.

    Args:
        mean, std: one number per channel, of pixels in [0, 1].
        channels: of the images.

    Raises:
        SettingError: only one of them is given, or a number is missing, too many or out of its range.
    """
    if mean is None and std is None:
        return None
    if mean is None or std is None:
        raise SettingError(f"The {'mean' if std is None else 'std'} is given alone; give mean and std, or neither.")
    for name, values in (("mean", mean), ("std", std)):
        if len(values) != channels:
            raise SettingError(
                f"The {name} has {len(values)} numbers and the images have {channels} channels; give one number per "
                "channel."
            )
        if not all(map(isfinite, values)):
            raise SettingError(f"The {name} {_shown(values)} is not finite; give finite numbers.")
    if not all(value > 0 for value in std):
        raise SettingError(
            f"The std {_shown(std)} is not above 0 in every channel; give numbers above 0, such as 0.25."
        )
    if max(mean) > 1:
        raise SettingError(
            f"The mean {_shown(mean)} is above 1, and pixels here are in [0, 1]; divide the mean and the std of grey "
            "levels from 0 to 255 by 255."
        )
    return Normalisation(tuple(map(float, mean)), tuple(map(float, std)))


def channel_numbers(name: str, text: str) -> tuple[float, ...] | None:
    """Read one number per channel, with blanks or commas between them; None from an empty text.

    Raises:
        SettingError: there is something else in it.
    """
    try:
        return tuple(map(float, text.replace(",", " ").split())) or None
    except ValueError as problem:
        raise SettingError(
            f"The {name} {text[:60]!r} is not numbers; write one per channel, as 0.485 0.456 0.406."
        ) from problem


def _shown(values: Sequence[float]) -> str:
    return " ".join(f"{value:g}" for value in values)

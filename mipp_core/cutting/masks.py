"""Keep-masks: which units of each layer stay."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mipp_core.errors import SettingError
from mipp_core.vocabulary import INPUT


class KeepMasks(Mapping[str, Bool[Tensor, " units"]]):
    """One frozen keep-mask per layer, True = keep, layers in network order.

    The input may be a layer too; its pixels are not units of the network and do not count towards its sparsity.

    Raises:
        SettingError: a mask is not one-dimensional or not boolean, or no mask is given.
    """

    def __init__(self, masks: Mapping[str, Tensor]) -> None:
        for name, mask in masks.items():
            if mask.dtype != torch.bool or mask.ndim != 1:
                raise SettingError(
                    f"The keep-mask of {name} is a {mask.dtype} tensor of {mask.ndim} dimensions; "
                    "give one boolean per unit."
                )
        if not masks:
            raise SettingError("No keep-mask was given; give one for at least one layer.")
        self._masks = {name: mask.detach().cpu().clone() for name, mask in masks.items()}

    def __getitem__(self, name: str) -> Bool[Tensor, " units"]:
        return self._masks[name].clone()

    def __iter__(self) -> Iterator[str]:
        return iter(self._masks)

    def __len__(self) -> int:
        return len(self._masks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeepMasks) and list(self.to_json().items()) == list(other.to_json().items())

    def __hash__(self) -> int:
        return hash(str(self.to_json()))

    def without_input(self) -> "KeepMasks":
        """Return the masks of the network's own layers."""
        return KeepMasks({name: mask for name, mask in self.items() if name != INPUT})

    def blank_pixels(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return the images with removed pixels set to 0; the images themselves if the input has no mask."""
        if INPUT not in self:
            return images
        return images * self[INPUT].view(images.shape[1:]).to(images.device)

    @property
    def kept(self) -> dict[str, int]:
        """Units kept in each layer."""
        return {name: int(mask.sum()) for name, mask in self.items()}

    @property
    def units(self) -> dict[str, int]:
        """Units of each layer before pruning."""
        return {name: len(mask) for name, mask in self.items()}

    @property
    def collapsed(self) -> tuple[str, ...]:
        """Layers with no unit left."""
        return tuple(name for name, kept in self.kept.items() if kept == 0)

    @property
    def sparsity(self) -> float:
        """Units removed / units, over the network's own layers, in [0, 1]."""
        own = self.without_input()
        return 1.0 - sum(own.kept.values()) / sum(own.units.values())

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON: for each layer its width and the units kept."""
        return {
            name: {"units": len(mask), "kept_units": mask.nonzero().flatten().tolist()} for name, mask in self.items()
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Mapping[str, Any]]) -> "KeepMasks":
        """Read what ``to_json`` wrote.

        Raises:
            SettingError: a kept unit is outside its layer.
        """
        return cls({name: _mask(name, entry["units"], entry["kept_units"]) for name, entry in value.items()})


def _mask(name: str, units: int, kept: Sequence[int]) -> Bool[Tensor, " units"]:
    if kept and not 0 <= min(kept) <= max(kept) < units:
        raise SettingError(f"Layer {name} has {units} units; a kept unit must be in 0..{units - 1}, not {kept}.")
    mask = torch.zeros(units, dtype=torch.bool)
    mask[list(kept)] = True
    return mask

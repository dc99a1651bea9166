"""Pixels that were removed: they are masked, since they cannot be cut."""

from collections import OrderedDict

from jaxtyping import Bool
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.network.layers import device_of
from mipp_core.vocabulary import INPUT


class PixelMask(nn.Module):
    """Multiply the image by the pixels' keep-mask, so that removed pixels are 0.

    Pixels cannot be cut out of a convolution's input without changing what it computes, so they are masked.
    """

    keep: Tensor

    def __init__(self, keep: Bool[Tensor, " pixels"], image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("keep", keep.view(image_shape))

    def forward(self, images: Tensor) -> Tensor:
        """Return the images with removed pixels set to 0."""
        return images * self.keep


def with_pixel_mask(model: nn.Module, masks: KeepMasks, image_shape: tuple[int, int, int]) -> nn.Module:
    """Put the pixels' keep-mask in front of a network, if there is one."""
    if INPUT not in masks:
        return model
    return nn.Sequential(OrderedDict(pixels=PixelMask(masks[INPUT].to(device_of(model)), image_shape), network=model))

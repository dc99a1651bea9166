"""Builds torchvision's networks as torchvision builds them, for images of any number of channels."""

from typing import Any

import torchvision
from torch import nn

_CHANNELS = 3

_SETTINGS: dict[str, dict[str, Any]] = {
    # Their auxiliary outputs are for training only, their own initialisation takes minutes, and their pretrained
    # weights expect another normalisation of images than all others.
    "googlenet": {"aux_logits": False, "init_weights": False, "transform_input": True},
    "inception_v3": {"aux_logits": False, "init_weights": False, "transform_input": True},
}


def build(name: str, _: tuple[int, ...], image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Build the network; any image size will do that is not reduced to nothing by its poolings."""
    model = torchvision.models.get_model(name, weights=None, num_classes=classes, **_SETTINGS.get(name, {}))
    if image_shape[0] != _CHANNELS:
        _read_channels(model, image_shape[0])
    return model


def _read_channels(model: nn.Module, channels: int) -> None:
    """Replace the first convolution, in place, by one that reads ``channels`` channels: grey images have one."""
    path, first = next((path, module) for path, module in model.named_modules() if isinstance(module, nn.Conv2d))
    owner, _, name = path.rpartition(".")
    shape = {key: getattr(first, key) for key in ("kernel_size", "stride", "padding", "dilation")}
    reads = nn.Conv2d(channels, first.out_channels, **shape, bias=first.bias is not None)
    setattr(model.get_submodule(owner), name, reads)
    if isinstance(model, torchvision.models.GoogLeNet | torchvision.models.Inception3):  # of red, green and blue
        model.transform_input = False

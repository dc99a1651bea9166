"""A plain multilayer perceptron; its default widths are those of LeNet-300-100."""

from collections import OrderedDict
from math import prod

from torch import nn


def build(widths: tuple[int, ...], image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Flatten the image, then linear layers with ReLU between them."""
    first, second = widths
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            fc1=nn.Linear(prod(image_shape), first),
            relu1=nn.ReLU(),
            fc2=nn.Linear(first, second),
            relu2=nn.ReLU(),
            fc3=nn.Linear(second, classes),
        )
    )

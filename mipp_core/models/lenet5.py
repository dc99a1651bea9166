"""LeNet5 (LeCun et al. 1998) with ReLU and max-pooling, as pruning papers use it."""

from collections import OrderedDict

from torch import nn


def build(widths: tuple[int, ...], image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Two 5x5 convolutions, each pooled, and three linear layers; the first convolution pads its input by 2."""
    conv1, conv2, fc1, fc2 = widths
    channels, height, width = image_shape
    positions = ((height // 2 - 4) // 2) * ((width // 2 - 4) // 2)
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, conv1, 5, padding=2),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(conv1, conv2, 5),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(conv2 * positions, fc1),
            relu3=nn.ReLU(),
            fc2=nn.Linear(fc1, fc2),
            relu4=nn.ReLU(),
            fc3=nn.Linear(fc2, classes),
        )
    )

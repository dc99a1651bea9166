"""Networks that are more than a chain, and how far a slim one is from the dense one."""

from collections.abc import Callable

import torch
from residual import ResNet
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (4, 6)


class Grouped(nn.Module):
    """A grouped convolution between two others."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 12, 3, 2, padding=1, dilation=2, groups=2)
        self.conv3 = nn.Conv2d(12, 5, 1, bias=False)
        self.head = nn.Linear(5, 3)

    def forward(self, images: Tensor) -> Tensor:
        read = torch.relu(self.conv2(torch.relu(self.conv1(images))))
        return self.head(torch.relu(self.conv3(read)).mean((2, 3)))


class Joined(nn.Module):
    """Two convolutions side by side under one normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(12)
        self.conv3 = nn.Conv2d(12, 4, 3, bias=False)
        self.norm3 = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        first = self.conv1(images)
        read = torch.relu(self.norm(torch.cat([first, self.conv2(first)], 1)))
        return self.head(torch.relu(self.norm3(self.conv3(read))).mean((2, 3)))


class Gated(nn.Module):
    """A convolution whose channels are weighed by squeeze-and-excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.squeeze = nn.Conv2d(8, 4, 1)
        self.excite = nn.Conv2d(4, 8, 1)
        self.conv2 = nn.Conv2d(8, 6, 3)
        self.head = nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        read = torch.relu(self.conv1(images))
        weights = torch.sigmoid(self.excite(torch.relu(self.squeeze(functional.adaptive_avg_pool2d(read, 1)))))
        return self.head(torch.relu(self.conv2(read * weights)).mean((2, 3)))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "residual": lambda: ResNet(WIDTHS, classes=3),
    "grouped": Grouped,
    "joined": Joined,
    "gated": Gated,
}


def error(slim: nn.Module, dense: nn.Module, images: Tensor) -> float:
    with torch.no_grad():
        return (slim(images) - dense(images)).square().mean().item()

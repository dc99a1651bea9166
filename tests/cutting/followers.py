"""Networks whose layers have followers, spans and parts that do not run: all that a count can get wrong."""

from collections.abc import Callable

import torch
from graphs import NETWORKS
from torch import Tensor, nn

SHAPE = (3, 12, 12)


class Depthwise(nn.Module):
    """A depthwise convolution and a normalisation behind a layer, and a residual stream round both."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, 2, padding=1, bias=False)
        self.expand = nn.Conv2d(6, 9, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(9)
        self.depth = nn.Conv2d(9, 9, 3, padding=1, groups=9)
        self.norm2 = nn.BatchNorm2d(9)
        self.project = nn.Conv2d(9, 6, 1, bias=False)
        self.head = nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        stream = self.stem(images)
        inner = torch.relu(self.norm2(self.depth(torch.relu(self.norm1(self.expand(stream))))))
        return self.head((stream + self.project(inner)).mean((2, 3)))


class Flattened(nn.Module):
    """A flattened map, a normalised hidden layer, a free parameter, and a head that only runs in training."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, 2)
        self.hidden = nn.Linear(5 * 25, 7)
        self.norm = nn.BatchNorm1d(7)
        self.scale = nn.Parameter(torch.ones(1))
        self.beside = nn.Linear(7, 4)
        self.head = nn.Linear(7, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = torch.relu(self.conv(images * self.scale))
        return self.head(torch.relu(self.norm(self.hidden(maps.flatten(1)))))


class Branches(nn.Module):
    """Two layers side by side, each of which the network lives without, and not without both."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 5, 3)
        self.head = nn.Linear(9, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(torch.cat([torch.relu(self.left(images)), torch.relu(self.right(images))], 1).mean((2, 3)))


COUNTED: dict[str, Callable[[], nn.Module]] = {
    **NETWORKS,
    "depthwise": Depthwise,
    "flattened": Flattened,
    "branches": Branches,
}


def built(name: str, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return COUNTED[name]().eval()

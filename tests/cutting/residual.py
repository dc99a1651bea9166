"""A ResNet as it is used for images of 32x32: a 3x3 stem and four stages; no convolution has a bias."""

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, reads: int, gives: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(reads, gives, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(gives)
        self.conv2 = nn.Conv2d(gives, gives, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(gives)
        self.shortcut = nn.Sequential()
        if stride > 1 or reads != gives:
            self.shortcut = nn.Sequential(nn.Conv2d(reads, gives, 1, stride, bias=False), nn.BatchNorm2d(gives))

    def forward(self, read: Tensor) -> Tensor:
        inner = torch.relu(self.norm1(self.conv1(read)))
        return torch.relu(self.norm2(self.conv2(inner)) + self.shortcut(read))


class ResNet(nn.Module):
    """ResNet18 with its standard widths and two blocks per stage."""

    def __init__(self, widths: tuple[int, ...] = (64, 128, 256, 512), blocks: int = 2, classes: int = 10) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        reads = (widths[0], *widths)
        self.blocks = nn.Sequential(
            *(
                Block(reads[stage] if first else width, width, 2 if first and stage else 1)
                for stage, width in enumerate(widths)
                for first in [True] + [False] * (blocks - 1)
            )
        )
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.blocks(torch.relu(self.norm(self.conv(images)))).mean((2, 3)))


def lived_in(model: nn.Module, seed: int = 7) -> nn.Module:
    """Give every batch normalisation a scale, a shift and statistics of its own; evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
                for tensor, least in ((norm.weight, 0.5), (norm.bias, -0.3), (norm.running_mean, -0.5)):
                    tensor.copy_(torch.rand(len(tensor), generator=generator) + least)
                norm.running_var.copy_(torch.rand(len(norm.weight), generator=generator) * 0.5 + 0.2)
    return model.eval()

"""Parts of the networks in ``benchmarks.kinds_of_networks``."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Forward = Callable[["Net", Tensor], Any]
relu = torch.relu


class Net(nn.Module):
    """Named layers, and a forward method that is given."""

    def __init__(self, forward: Forward, **parts: Any) -> None:
        super().__init__()
        self._run = forward
        for name, part in parts.items():
            if isinstance(part, Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, images: Tensor) -> Any:
        """Return what the forward method returns."""
        return self._run(self, images)


def gap(x: Tensor) -> Tensor:
    """Average every map."""
    return x.mean((2, 3))


def counting(net: Net, x: Tensor) -> Tensor:
    """Return scores, and count the calls in a buffer."""
    net.n.add_(1)
    return net.fc(gap(relu(net.b(relu(net.a(x))))))


class Optional(nn.Module):
    """Arguments beside the images, and a flag."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.fc = nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3), nn.Linear(8, 10)

    def forward(self, x: Tensor, labels: Tensor | None = None, return_features: bool = False, **_: Any) -> Any:
        """Return scores; or a loss too, or features."""
        y = relu(self.b(relu(self.a(x))))
        if return_features:
            return y
        scores = self.fc(gap(y))
        return scores if labels is None else (scores, functional.cross_entropy(scores, labels))


class Excite(nn.Module):
    """Squeeze-and-excitation by linear layers, reshaped by sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze, self.open = nn.Linear(8, 4), nn.Linear(4, 8)

    def forward(self, x: Tensor) -> Tensor:
        """Return weighed maps."""
        b, c, _, _ = x.size()
        y = functional.adaptive_avg_pool2d(x, 1).view(b, c)
        return x * torch.sigmoid(self.open(relu(self.squeeze(y)))).view(b, c, 1, 1).expand_as(x)


class FrozenNorm(nn.Module):
    """A normalisation made of buffers."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.rand(8) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return normalised maps."""
        scale = self.weight.reshape(1, -1, 1, 1) * (self.running_var.reshape(1, -1, 1, 1) + 1e-5).rsqrt()
        return x * scale + (self.bias.reshape(1, -1, 1, 1) - self.running_mean.reshape(1, -1, 1, 1) * scale)


class SamePadding(nn.Conv2d):
    """A subclass with a forward method of its own."""

    def forward(self, x: Tensor) -> Tensor:
        """Pad, then convolve."""
        return functional.conv2d(functional.pad(x, (1, 1, 1, 1)), self.weight, self.bias, self.stride)


class Standardised(nn.Conv2d):
    """A subclass that computes its weights."""

    def forward(self, x: Tensor) -> Tensor:
        """Standardise the weights of each filter, then convolve."""
        w = (self.weight - self.weight.mean((1, 2, 3), keepdim=True)) / self.weight.std((1, 2, 3), keepdim=True)
        return functional.conv2d(x, w, self.bias, padding=1)


class Plain(nn.Conv2d):
    """A subclass that changes nothing."""


class OptionA(nn.Module):
    """A residual block whose shortcut takes every second position and pads the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.one, self.two = nn.Conv2d(8, 16, 3, 2, 1, bias=False), nn.Conv2d(16, 16, 3, padding=1)
        self.norm1, self.norm2, self.fc = nn.BatchNorm2d(16), nn.BatchNorm2d(16), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores."""
        y = relu(self.norm(self.first(x)))
        inner = self.norm2(self.two(relu(self.norm1(self.one(y)))))
        return self.fc(gap(relu(inner + functional.pad(y[:, :, ::2, ::2], (0, 0, 0, 0, 4, 4)))))


class UNet(nn.Module):
    """Down, up by a transposed convolution, and joined, with sizes made to fit."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.up, self.merge, self.out = nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 8, 3), nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map per class."""
        a = relu(self.down(x))
        u = self.up(relu(self.deep(functional.max_pool2d(a, 2))))
        high, wide = a.size()[2] - u.size()[2], a.size()[3] - u.size()[3]
        return self.out(relu(self.merge(torch.cat([a, functional.pad(u, [wide // 2, wide - wide // 2, 0, high])], 1))))

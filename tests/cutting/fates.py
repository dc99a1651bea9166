"""One network per kind of part, and what can be done to each of its parts, and why."""

from collections.abc import Callable

import torch
from followers import SHAPE, built
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

HEAD = ("whole", "the network's answer is made of its units")


class Shortcut(nn.Module):
    """Two convolutions beside one, then a block beside nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.first, self.second = nn.Conv2d(4, 5, 3, padding=1), nn.Conv2d(5, 6, 3, padding=1)
        self.past, self.norm = nn.Conv2d(4, 6, 1), nn.BatchNorm2d(6)
        self.beside = nn.Sequential()
        self.inner = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        read = torch.relu(self.stem(images))
        stream = torch.relu(self.second(torch.relu(self.first(read))) + self.norm(self.past(read)))
        return self.head((torch.relu(self.inner(stream)) + self.beside(stream)).mean((2, 3)))


class Tokens(nn.Module):
    """A transformer of one layer on tokens of six numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.place = nn.Linear(6, 8), nn.Parameter(torch.randn(1, 5, 8))
        self.first, self.attend = nn.LayerNorm(8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.second, self.up, self.down = nn.LayerNorm(8), nn.Linear(8, 12), nn.Linear(12, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        stream = self.embed(tokens) + self.place
        read = self.first(stream)
        stream = stream + self.attend(read, read, read, need_weights=False)[0]
        return self.head((stream + self.down(torch.relu(self.up(self.second(stream))))).mean(1))


class Direct(nn.Module):
    """Parameters of the network itself: a scale, a matrix that mixes channels, one that goes with them, one unused."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.mix = nn.Parameter(torch.ones(1)), nn.Parameter(torch.randn(5, 5))
        self.each, self.centre = nn.Parameter(torch.randn(4, 1, 1)), nn.Parameter(torch.randn(7))
        self.conv, self.mid, self.head = nn.Conv2d(3, 5, 3), nn.Conv2d(5, 4, 3), nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        mixed = torch.einsum("bchw,cd->bdhw", torch.relu(self.conv(images * self.scale)), self.mix)
        return self.head(torch.relu(self.mid(mixed) * self.each).mean((2, 3)))


class Mixed(nn.Module):
    """A depthwise convolution and a normalisation behind a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.inner = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.depth, self.norm = nn.Conv2d(6, 6, 3, groups=6), nn.BatchNorm2d(6)
        self.mid, self.head = nn.Conv2d(6, 4, 1), nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        stream = torch.relu(self.stem(images))
        stream = torch.relu(self.norm(self.depth(stream + self.inner(stream))))
        return self.head(torch.relu(self.mid(stream)).mean((2, 3)))


class Training(nn.Module):
    """An auxiliary answer that only training gives, behind a normalisation that two layers share."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3)
        self.norm, self.head, self.auxiliary = nn.BatchNorm2d(6), nn.Linear(6, 3), nn.Linear(6, 1)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        read = torch.relu(self.norm(self.one(images)))
        answer = self.head(torch.relu(self.norm(self.two(read))).mean((2, 3)))
        return (answer, self.auxiliary(read.mean((2, 3)))) if self.training else answer


class Functions(nn.Module):
    """A convolution called as a function, with weights that are computed first."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(6, 3, 3, 3))
        self.mid, self.head = nn.Conv2d(6, 4, 1), nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        read = torch.relu(functional.conv2d(images, self.kernel * 2))
        return self.head(torch.relu(self.mid(read)).mean((2, 3)))


def normed() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.PReLU(6),
        nn.Conv2d(6, 8, 3),
        nn.GroupNorm(2, 8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 3),
    )


def recurrent() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 6), nn.LSTM(6, 4, batch_first=True))


def reparametrised() -> nn.Module:
    return nn.Sequential(
        parametrizations.weight_norm(nn.Conv2d(3, 6, 3)),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


def goes_with(*layers: str) -> tuple[str, str]:
    return "goes with", f"it goes with the units of {', '.join(layers)}"


NORMALISES = ("whole", "it normalises over channels, so it reads all of them")
UNUSED = ("left out", "evaluation does not use it")

WANTED: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], dict[str, tuple[str, str]]]] = {
    "head": (
        lambda: nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3), nn.LogSoftmax(1)),
        (6,),
        {"0": ("pruned", "read by 2"), "2": HEAD},
    ),
    "shortcut": (
        Shortcut,
        SHAPE,
        {
            "stem": ("pruned", "read by first, past"),
            "first": ("pruned", "read by second"),
            "second": ("pruned", "read by inner, head; added into a stream, which keeps its width"),
            "past": ("whole", "it carries a residual stream past a block"),
            "norm": ("whole", "what it reads keeps its width"),
            "inner": ("pruned", "read by head; added into a stream, which keeps its width"),
            "head": HEAD,
        },
    ),
    "gate": (
        lambda: built("gated"),
        SHAPE,
        {
            "conv1": ("pruned", "read by conv2"),
            "squeeze": ("pruned", "read by excite"),
            "excite": ("goes with", "its units weigh those of conv1 and go with them"),
            "conv2": ("pruned", "read by head"),
            "head": HEAD,
        },
    ),
    "follower": (
        lambda: built("depthwise"),
        SHAPE,
        {
            "stem": ("pruned", "read by expand, head; added into a stream, which keeps its width"),
            "expand": ("pruned", "read by project"),
            "norm1": goes_with("expand"),
            "depth": goes_with("expand"),
            "norm2": goes_with("expand"),
            "project": ("pruned", "read by head; added into a stream, which keeps its width"),
            "head": HEAD,
        },
    ),
    "joined": (
        lambda: built("joined"),
        SHAPE,
        {
            "conv1": ("pruned", "read by conv2, conv3"),
            "conv2": ("pruned", "read by conv3"),
            "norm": goes_with("conv1", "conv2"),
            "conv3": ("pruned", "read by head"),
            "norm3": goes_with("conv3"),
            "head": HEAD,
        },
    ),
    "normalised": (
        normed,
        SHAPE,
        {
            "0": ("pruned", "read by 2"),
            "1": goes_with("0"),
            "2": ("pruned", "read by 6; 3 (GroupNorm) keeps its width"),
            "3": NORMALISES,
            "6": HEAD,
        },
    ),
    "attention": (
        Tokens,
        (5, 6),
        {
            "embed": (
                "pruned",
                "read by up, head; added into a stream, which keeps its width; first (LayerNorm) keeps its width",
            ),
            "place": goes_with("embed"),
            "first": NORMALISES,
            "attend": ("whole", "attention mixes all channels of its projections"),
            "second": NORMALISES,
            "up": ("pruned", "read by down"),
            "down": ("pruned", "read by head; added into a stream, which keeps its width"),
            "head": HEAD,
        },
    ),
    "recurrent": (
        recurrent,
        (5, 6),
        {
            "0": ("pruned", "read by 2"),
            "2": ("pruned", "3 (LSTM) keeps its width"),
            "3": ("whole", "LSTM has no units that can be removed by themselves"),
        },
    ),
    "direct": (
        Direct,
        SHAPE,
        {
            "scale": ("whole", "it is read directly by mul"),
            "conv": ("pruned", "read by mid; einsum keeps its width"),
            "mix": ("whole", "it is read directly by einsum"),
            "mid": ("pruned", "read by head"),
            "each": goes_with("mid"),
            "head": HEAD,
            "centre": UNUSED,
        },
    ),
    "mixed": (
        Mixed,
        SHAPE,
        {
            "stem": ("pruned", "read by inner, mid; added into a stream, which keeps its width"),
            "inner": ("pruned", "read by mid; added into a stream, which keeps its width"),
            "depth": ("whole", "what it reads keeps its width"),
            "norm": ("whole", "what it reads keeps its width"),
            "mid": ("pruned", "read by head"),
            "head": HEAD,
        },
    ),
    "training": (
        Training,
        SHAPE,
        {
            "one": ("pruned", "read by two"),
            "norm": goes_with("one"),
            "two": ("pruned", "read by head"),
            "norm_0": goes_with("two"),
            "head": HEAD,
            "auxiliary": UNUSED,
        },
    ),
    "functions": (
        Functions,
        SHAPE,
        {"layer_0": ("pruned", "read by mid"), "mid": ("pruned", "read by head"), "head": HEAD},
    ),
    "reparametrised": (reparametrised, SHAPE, {"0": ("pruned", "read by 4"), "4": HEAD}),
}
"""Kind -> a network, what it reads, and of every part in order what can be done to it and why."""

"""Networks as people write them, each for one thing that is easily cut wrongly."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune

from benchmarks.parts_of_networks import (
    Excite,
    Forward,
    FrozenNorm,
    Net,
    OptionA,
    Optional,
    Plain,
    SamePadding,
    Standardised,
    UNet,
    counting,
    gap,
    relu,
)


def two(forward: Forward, **more: Any) -> Callable[[], nn.Module]:
    """Return a builder of a network with two convolutions and a head, and more."""
    return lambda: Net(
        forward,
        **{"a": nn.Conv2d(1, 8, 3), "b": nn.Conv2d(8, 8, 3, padding=1), "fc": nn.Linear(8, 10)},
        **deepcopy(more),
    )


def head(end: Forward) -> Callable[[], nn.Module]:
    """Return a builder of a network of one convolution, a head, and something behind it."""
    return lambda: Net(
        lambda s, x: end(s, s.fc(gap(relu(s.a(x))))),
        a=nn.Conv2d(1, 8, 3),
        fc=nn.Linear(8, 10),
        scale=nn.Parameter(torch.ones(1)),
    )


def middle(between: Callable[[Tensor], Tensor]) -> Callable[[], nn.Module]:
    """Return a builder of a network with something between its two convolutions."""
    return two(lambda s, x: s.fc(gap(relu(s.b(between(s.a(x)))))))


def _statement(s: Net, x: Tensor) -> Tensor:
    y = s.a(x)
    s.act(y)
    return s.fc(gap(s.b(y)))


def _in_place_sum(s: Net, x: Tensor) -> Tensor:
    y = relu(s.a(x))
    z = s.b(y)
    z.add_(y)
    return s.fc(gap(z))


def _alias(s: Net, x: Tensor) -> Tensor:
    y = relu(s.a(x))
    z = s.b(y)
    alias = z
    z += y
    return s.fc(gap(alias))


def _clamped(s: Net, x: Tensor) -> Tensor:
    y = s.a(x)
    y.clamp_(min=0)
    y.mul_(2)
    return s.fc(gap(s.b(y)))


def _part_set(s: Net, x: Tensor) -> Tensor:
    y = relu(s.a(x))
    y[:, :4] += 1
    return s.fc(gap(s.b(y)))


def _pyramid(s: Net, x: Tensor) -> Tensor:
    y = relu(s.a(x))
    return s.long(torch.cat([functional.adaptive_max_pool2d(y, k).flatten(1) for k in (1, 2, 4)], 1))


def _features(s: Net, x: Tensor) -> Tensor:
    return relu(s.b(relu(s.a(x))))


def _shared_head(s: Net, x: Tensor) -> Tensor:
    y = relu(s.a(x))
    return s.fc(gap(y)) + s.fc(gap(relu(s.b(y))))


def _joined_to_itself(s: Net, x: Tensor) -> Tensor:
    y = relu(s.a(x))
    return s.fc(gap(relu(s.b(torch.cat([y, y], 1)))))


def _layer_scale(s: Net, x: Tensor) -> Tensor:
    y = s.a(x)
    return s.fc(gap(y + s.scale * s.b(relu(y))))


def _unpooled(s: Net, x: Tensor) -> Tensor:
    y, places = s.p(relu(s.a(x)))
    return s.fc(gap(s.b(s.u(y, places))))


def _width(s: Net, x: Tensor) -> Tensor:
    y = _features(s, x)
    return s.fc(gap(y) * y.shape[1] ** -0.5)


def _tokens(forward: Forward, **more: Any) -> Callable[[], nn.Module]:
    return lambda: Net(
        forward, **{"l": nn.Linear(16, 8), "m": nn.Linear(8, 8), "fc": nn.Linear(8, 10)}, **deepcopy(more)
    )


def _cut(x: Tensor) -> Tensor:
    return x.reshape(len(x), 49, 16)


def _flat_features(s: Net, x: Tensor) -> Tensor:
    y, count = relu(s.a(x)), 1
    for size in y.size()[1:]:
        count *= size
    return s.wide(y.view(-1, count))


def _normed(kind: Callable[[nn.Module], nn.Module]) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        net = two(lambda s, x: s.fc(gap(relu(s.b(relu(s.a(x)))))))()
        net.a, net.b = kind(net.a), kind(net.b)
        return net

    return build


def _pruned(layer: nn.Module) -> nn.Module:
    return prune.ln_structured(layer, "weight", amount=0.3, n=2, dim=0)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "head: log_softmax": head(lambda s, y: functional.log_softmax(y, 1)),
    "head: view": head(lambda s, y: y.view(-1, 10)),
    "head: squeeze": head(lambda s, y: y.unsqueeze(2).squeeze()),
    "head: sigmoid": head(lambda s, y: torch.sigmoid(y)),
    "head: divided": head(lambda s, y: y / 2.0),
    "head: clamp": head(lambda s, y: y.clamp(-1, 1)),
    "head: times a parameter": head(lambda s, y: y * s.scale),
    "head: two, added": two(lambda s, x: s.fc(gap(relu(s.a(x)))) + s.more(gap(relu(s.a(x)))), more=nn.Linear(8, 10)),
    "head: a tuple": two(lambda s, x: (s.fc(gap(relu(s.a(x)))), relu(s.b(relu(s.a(x)))))),
    "in place: z.add_(y)": two(_in_place_sum),
    "in place: z += y behind an alias": two(_alias),
    "in place: clamp_, mul_": two(_clamped),
    "in place: a module as a statement": two(_statement, act=nn.ReLU(inplace=True)),
    "in place: a part": two(_part_set),
    "pyramid, flattened and joined": two(_pyramid, long=nn.Linear(168, 10)),
    "a width that is read": two(lambda s, x: s.fc(gap(relu(s.b(relu(s.a(x)))))) / s.fc.in_features),
    "a width of a tensor": two(_width),
    "optional arguments": Optional,
    "shared normalisation": two(lambda s, x: s.fc(gap(relu(s.n(s.b(relu(s.n(s.a(x)))))))), n=nn.BatchNorm2d(8)),
    "shared depthwise": two(
        lambda s, x: s.fc(gap(relu(s.d(s.b(relu(s.d(s.a(x)))))))), d=nn.Conv2d(8, 8, 3, padding=1, groups=8)
    ),
    "shared head": two(_shared_head),
    "shared excitation": two(lambda s, x: s.fc(gap(s.e(relu(s.b(s.e(relu(s.a(x)))))))), e=Excite()),
    "excitation": two(lambda s, x: s.fc(gap(s.e(relu(s.b(relu(s.a(x))))))), e=Excite()),
    "joined to itself": lambda: Net(
        _joined_to_itself,
        a=nn.Conv2d(1, 8, 3),
        b=nn.Conv2d(16, 8, 3),
        fc=nn.Linear(8, 10),
    ),
    "tokens: flattened": _tokens(lambda s, x: s.all(relu(s.l(_cut(x))).flatten(1)), all=nn.Linear(392, 10)),
    "tokens: joined": _tokens(
        lambda s, x: s.fc(s.m(relu(torch.cat([s.c.expand(len(x), -1, -1), s.l(_cut(x))], 1))).mean(1)),
        c=nn.Parameter(torch.randn(1, 1, 8)),
    ),
    "tokens: normalised": _tokens(lambda s, x: s.fc(relu(s.n(s.l(_cut(x)))).mean(1)), n=nn.BatchNorm1d(49)),
    "tokens: pooled": _tokens(
        lambda s, x: s.fc(functional.adaptive_avg_pool1d(relu(s.l(_cut(x))).transpose(1, 2), 1).squeeze(-1))
    ),
    "tokens: a transformer's layer": _tokens(
        lambda s, x: s.fc(s.t(relu(s.l(_cut(x)))).mean(1)), t=nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    ),
    "tokens: recurrent": _tokens(
        lambda s, x: s.fc(s.t(relu(s.l(_cut(x))), torch.zeros(1, len(x), 8, dtype=x.dtype))[0][:, -1]),
        t=nn.GRU(8, 8, batch_first=True),
    ),
    "grouped behind a shuffle": two(
        lambda s, x: s.fc(gap(relu(s.g(functional.channel_shuffle(relu(s.a(x)), 2))))), g=nn.Conv2d(8, 8, 3, groups=4)
    ),
    "buffers and constants": two(
        lambda s, x: s.fc(gap(relu(s.b(relu(s.a((x - s.m.view(1, -1, 1, 1)) / 2)))))) + torch.arange(10) * 0.1,
        m=torch.tensor([0.1]),
    ),
    "frozen normalisation": two(lambda s, x: s.fc(gap(relu(s.b(relu(s.n(s.a(x))))))), n=FrozenNorm()),
    "permuted by negative dimensions": middle(lambda x: x.permute(0, -2, -1, 1).permute(0, -1, 1, 2)),
    "names: input, output, gate_0": lambda: Net(
        lambda s, x: s.fc(gap(relu(s.gate_0(relu(s.output(relu(s.input(x)))))))),
        input=nn.Conv2d(1, 8, 3),
        output=nn.Conv2d(8, 8, 3),
        gate_0=nn.Conv2d(8, 8, 3),
        fc=nn.Linear(8, 10),
    ),
    "a weight that is read": lambda: Net(
        lambda s, x: s.fc(functional.linear(relu(s.e(gap(relu(s.a(x))))), s.e.weight.t())),
        a=nn.Conv2d(1, 8, 3),
        e=nn.Linear(8, 6),
        fc=nn.Linear(8, 10),
    ),
    "pooling with indices": two(_unpooled, p=nn.MaxPool2d(2, return_indices=True), u=nn.MaxUnpool2d(2)),
    "weight_norm": _normed(parametrizations.weight_norm),
    "spectral_norm, by hooks": _normed(nn.utils.spectral_norm),
    "torch.nn.utils.prune": _normed(_pruned),
    "subclasses of Conv2d": lambda: Net(
        lambda s, x: s.fc(gap(relu(s.c(relu(s.b(relu(s.a(x)))))))),
        a=Plain(1, 8, 3),
        b=SamePadding(8, 8, 3),
        c=Standardised(8, 8, 3),
        fc=nn.Linear(8, 10),
    ),
    "one dimension": lambda: Net(
        lambda s, x: s.fc(relu(s.b(functional.max_pool1d(relu(s.a(x.flatten(2))), 2))).mean(2)),
        a=nn.Conv1d(1, 8, 5),
        b=nn.Conv1d(8, 8, 3),
        fc=nn.Linear(8, 10),
    ),
    "three dimensions": lambda: Net(
        lambda s, x: s.fc(relu(s.b(functional.max_pool3d(relu(s.a(x.view(-1, 1, 4, 14, 14))), 2))).mean((2, 3, 4))),
        a=nn.Conv3d(1, 8, 3, padding=1),
        b=nn.Conv3d(8, 8, (1, 3, 3)),
        fc=nn.Linear(8, 10),
    ),
    "transposed, in groups": two(
        lambda s, x: s.fc(gap(relu(s.b(relu(s.g(relu(s.t(relu(s.a(x)))))))))),
        t=nn.ConvTranspose2d(8, 12, 3, 2),
        g=nn.ConvTranspose2d(12, 8, 2, groups=2),
    ),
    "U-Net": UNet,
    "option A shortcut": OptionA,
    "view(x.size(0), -1)": two(lambda s, x: s.wide(relu(s.a(x)).view(x.size(0), -1)), wide=nn.Linear(5408, 10)),
    "a loop over sizes": two(_flat_features, wide=nn.Linear(5408, 10)),
    "PReLU": middle(lambda x: functional.prelu(x, torch.tensor([0.2], dtype=x.dtype))),
    "padding": middle(lambda x: functional.pad(x, (1, 1, 1, 1))),
    "interpolation": middle(lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear")),
    "clamp": middle(lambda x: x.clamp(-1, 6)),
    "hand-written GELU": middle(lambda x: 0.5 * x * (1 + torch.erf(x / 2**0.5))),
    "instance normalisation": two(
        lambda s, x: s.fc(gap(relu(s.b(relu(s.n(s.a(x))))))), n=nn.InstanceNorm2d(8, affine=True)
    ),
    "slices of channels": middle(lambda x: torch.cat([x[:, 5:], relu(x[:, :5])], 1)),
    "chunks": middle(lambda x: torch.cat(x.chunk(2, 1)[::-1], 1)),
    "a product of two layers": two(lambda s, x: s.fc(gap(relu(s.a(x)) * torch.tanh(s.c(x)))), c=nn.Conv2d(1, 8, 3)),
    "spatial attention": middle(lambda x: x * torch.sigmoid(x.mean(1, keepdim=True))),
    "layer scale": two(_layer_scale, scale=nn.Parameter(torch.rand(8, 1, 1))),
    "sigmoid between layers": middle(torch.sigmoid),
    "channel shuffle": middle(lambda x: functional.channel_shuffle(x, 2)),
    "a boolean index": two(
        lambda s, x: s.fc(gap(relu(s.b(torch.cat([s.a(x)[:, s.k], s.a(x)[:, ~s.k]], 1))))), k=torch.arange(8) % 2 == 0
    ),
    "a counter of its own": two(counting, n=torch.zeros(1)),
    "DataParallel": lambda: nn.DataParallel(two(lambda s, x: s.fc(gap(relu(s.b(relu(s.a(x)))))))()),
}
"""Kind -> a builder of a network of images 1×28×28 that is cut exactly."""

REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "random answers": (middle(lambda x: functional.dropout(x, 0.3)), "answers are random"),
    "values read in Python": (
        two(lambda s, x: s.fc(gap(s.a(x))) if x.mean() > 0 else s.fc(gap(relu(s.a(x))))),
        r"reads the values of its activations in Python \(bool\)",
    ),
    "values through NumPy": (
        two(lambda s, x: s.fc(gap(relu(s.a(torch.from_numpy(x.numpy() * 2)))))),
        r"reads the values of its activations in Python \(numpy\)",
    ),
    "counts its images": (two(lambda s, x: s.fc(gap(relu(s.a(x)))) * (1 / len(x))), "depends on the number of images"),
    "lazy layers": (lambda: nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)), "lazy"),
    "scripted": (lambda: torch.jit.script(nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())), "scripted module"),
    "a part scripted": (
        lambda: nn.Sequential(nn.Conv2d(1, 8, 3), torch.jit.script(nn.ReLU()), nn.Flatten(), nn.Linear(5408, 10)),
        "1 is a scripted module",
    ),
    "half precision": (lambda: two(lambda s, x: s.fc(gap(s.b(s.a(x)))))().half(), "single precision"),
    "a single layer": (lambda: nn.Conv2d(1, 8, 3), "none that can be pruned"),
    "two inputs": (lambda: nn.Bilinear(28, 28, 10), "cannot read images"),
}
"""Kind -> a builder of a network that is refused, and what the sentence says."""

"""A small network composed from a seed; see ``benchmarks.random_networks``."""

from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.random_operations import ACTIVATIONS, POSITIONS, Frozen, Step

IMAGE = (3, 8, 8)


class RandomNetwork(nn.Module):
    """A network composed from a seed.

    Attributes:
        taps: layer -> name of the identity behind it.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._draw, self.taps, self.names = Random(seed), {}, []
        self._steps: list[Step] = []
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.double()
            torch.set_default_dtype(torch.float64)
            try:
                self._compose()
            finally:
                torch.set_default_dtype(torch.float32)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the answers to a batch."""
        x = images
        for step in self._steps:
            x = step(self, x)
        return x

    @torch.no_grad()
    def _compose(self) -> None:
        self.eval()
        shown = torch.randn(2, *IMAGE)
        kinds = [self._layer, self._layer, self._position, self._block, self._join, self._parts, self._gate]
        kinds += [self._shared, self._tokens, self._scale, self._twice, self._mixing]
        shown = self._add(self._layer(shown), shown)
        for _ in range(self._draw.randint(2, 5)):
            shown = self._add(self._draw.choice(kinds)(shown), shown)
            while shown.shape[1] > 24 or max(shown.shape[2:]) > 12:
                shown = (
                    self._add(lambda net, x: functional.adaptive_max_pool2d(x, 4), shown)
                    if (max(shown.shape[2:]) > 12)
                    else self._add(self._layer(shown), shown)
                )
        self._add(self._head(shown), shown)

    def _add(self, step: Step, shown: Tensor) -> Tensor:
        result = step(self, shown.clone())
        self._steps.append(step)
        return result

    def _own(self, module: nn.Module) -> str:
        name = f"m{len(self.names)}"
        self.names.append(name)
        for each in module.modules():
            if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d):
                each.running_mean.normal_(0, 0.3)
                each.running_var.uniform_(0.5, 1.5)
                nn.init.normal_(each.bias)
        setattr(self, name, module.eval())
        return name

    def _conv(self, reads: int, gives: int | None = None) -> tuple[str, str]:
        """Make a convolution, of any kind, and its tap."""
        draw = self._draw
        gives = gives or draw.choice([4, 6, 8])
        groups = draw.choice([1, 1, 1, 2]) if reads % 2 == gives % 2 == 0 else 1
        size, bias = draw.choice([1, 3]), draw.random() < 0.6
        if draw.random() < 0.15:
            conv: nn.Module = nn.ConvTranspose2d(reads, gives, size, padding=size // 2, groups=groups, bias=bias)
        else:
            mode = draw.choice(["zeros", "zeros", "zeros", "reflect"])
            conv = nn.Conv2d(reads, gives, size, padding=size // 2, groups=groups, bias=bias, padding_mode=mode)
        if draw.random() < 0.1:
            conv = nn.utils.parametrizations.weight_norm(conv)
        name = self._own(conv)
        tap = self._own(nn.Identity())
        self.taps[name] = tap
        return name, tap

    def _normed(self, width: int) -> str | None:
        """Make what goes with a layer's units, or nothing."""
        made = self._draw.choice(
            [
                None,
                nn.BatchNorm2d(width),
                nn.BatchNorm2d(width, affine=True),
                nn.InstanceNorm2d(width, affine=True),
                nn.PReLU(width),
                nn.Conv2d(width, width, 3, padding=1, groups=width),
                Frozen(width),
            ]
        )
        return None if made is None else self._own(made)

    def _filtered(self, reads: int, gives: int | None = None) -> Step:
        """Return a layer with what goes with it, its tap and an activation."""
        name, tap = self._conv(reads, gives)
        norm = self._normed(self._width(name))
        act = self._draw.choice(ACTIVATIONS)

        def run(net: RandomNetwork, x: Tensor) -> Tensor:
            y = getattr(net, name)(x)
            y = y if norm is None else getattr(net, norm)(y)
            return act(getattr(net, tap)(y))

        return run

    def _width(self, name: str) -> int:
        module = getattr(self, name)
        return module.out_features if isinstance(module, nn.Linear) else module.out_channels

    def _layer(self, shown: Tensor) -> Step:
        return self._filtered(shown.shape[1])

    def _position(self, shown: Tensor) -> Step:
        step = self._draw.choice(POSITIONS)
        return lambda net, x: step(x)

    def _block(self, shown: Tensor) -> Step:
        width = shown.shape[1]
        first, second = self._filtered(width, 6), self._filtered(6, width)
        how = self._draw.randrange(5)

        def run(net: RandomNetwork, x: Tensor) -> Tensor:
            y = second(net, first(net, x))
            if how == 0:
                return x + y
            if how == 1:
                return y.clone().add_(x)
            if how == 2:
                z = y.clone()
                z += x
                return torch.relu(z)
            if how == 3:
                return torch.add(x, y, alpha=0.5)
            return functional.relu((x - y).clone(), inplace=True)

        return run

    def _join(self, shown: Tensor) -> Step:
        first, second = self._filtered(shown.shape[1]), self._filtered(shown.shape[1])
        with_input, dim = self._draw.random() < 0.5, self._draw.choice([1, -3])
        return lambda net, x: torch.cat([first(net, x), second(net, x), *([x] if with_input else [])], dim)

    def _parts(self, shown: Tensor) -> Step:
        width = shown.shape[1]
        at = self._draw.randint(1, width - 1)
        how = self._draw.randrange(4)

        def run(net: RandomNetwork, x: Tensor) -> Tensor:
            if how == 0:
                return torch.cat([x[:, at:], x[:, :at]], 1)
            if how == 1:
                return torch.cat(torch.split(x, [at, width - at], 1)[::-1], 1)
            if how == 2:
                return torch.cat([torch.tanh(x[:, :at]), x[:, at:]], 1)
            y = x.clone()
            y[:, :at] = 0.5 * y[:, :at]
            return y

        return run

    def _gate(self, shown: Tensor) -> Step:
        width = shown.shape[1]
        squeeze, opened = self._own(nn.Linear(width, 4)), self._own(nn.Linear(4, width))
        self.taps[squeeze], self.taps[opened] = self._own(nn.Identity()), self._own(nn.Identity())
        taps = self.taps[squeeze], self.taps[opened]
        times = self._draw.choice([1, 1, 2])
        between = [self._filtered(width, width) for _ in range(times - 1)]

        def weigh(net: RandomNetwork, x: Tensor) -> Tensor:
            b, c, *_ = x.shape
            small = torch.relu(getattr(net, taps[0])(getattr(net, squeeze)(x.mean((2, 3)))))
            y = getattr(net, taps[1])(getattr(net, opened)(small))
            return x * torch.sigmoid(y).view(b, c, 1, 1).expand_as(x)

        def run(net: RandomNetwork, x: Tensor) -> Tensor:
            x = weigh(net, x)
            for step in between:
                x = weigh(net, step(net, x))
            return x

        return run

    def _shared(self, shown: Tensor) -> Step:
        """Two layers under one normalisation or depthwise convolution."""
        width = shown.shape[1]
        (one, tap), (two, other) = self._conv(width, 6), self._conv(6, 6)
        norm = self._own(self._draw.choice([nn.BatchNorm2d(6), nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.PReLU(6)]))

        def run(net: RandomNetwork, x: Tensor) -> Tensor:
            y = torch.relu(getattr(net, tap)(getattr(net, norm)(getattr(net, one)(x))))
            return torch.relu(getattr(net, other)(getattr(net, norm)(getattr(net, two)(y))))

        return run

    def _tokens(self, shown: Tensor) -> Step:
        name = self._own(nn.Linear(shown.shape[1], 6))
        tap = self._own(nn.Identity())
        self.taps[name] = tap
        token = self._draw.random() < 0.5
        self.register_parameter(f"p{len(self.names)}", nn.Parameter(torch.randn(1, 1, 6)))
        start = f"p{len(self.names)}"

        def run(net: RandomNetwork, x: Tensor) -> Tensor:
            h, w = x.shape[2:]
            t = torch.relu(getattr(net, tap)(getattr(net, name)(x.flatten(2).transpose(1, 2))))
            if token:
                t = torch.cat([getattr(net, start).expand(x.shape[0], -1, -1), t], dim=1)[:, 1:]
            return t.transpose(1, 2).reshape(x.size(0), -1, h, w)

        return run

    def _scale(self, shown: Tensor) -> Step:
        """Parameters that are read directly, and the sizes of other layers."""
        width = shown.shape[1]
        inner = self._filtered(width, width)
        name = f"s{len(self.names)}"
        self.register_parameter(name, nn.Parameter(torch.rand(width, 1, 1)))
        self.register_buffer(f"b{len(self.names)}", torch.rand(width))
        shift = f"b{len(self.names)}"
        how = self._draw.randrange(3)

        def run(net: RandomNetwork, x: Tensor) -> Tensor:
            if how == 0:
                return x + getattr(net, name) * inner(net, x)
            if how == 1:
                return inner(net, x) * x.shape[1] ** -0.5 + getattr(net, shift).view(1, -1, 1, 1)
            return (inner(net, x) - getattr(net, shift).view(1, -1, 1, 1)) / getattr(net, shift)[:, None, None]

        return run

    def _twice(self, shown: Tensor) -> Step:
        """A product of two layers, or one layer called twice."""
        width = shown.shape[1]
        if self._draw.random() < 0.5:
            one, two = self._filtered(width, 6), self._filtered(width, 6)
            return lambda net, x: one(net, x) * two(net, x)
        again = self._filtered(width, width)
        return lambda net, x: again(net, again(net, x))

    def _mixing(self, shown: Tensor) -> Step:
        width = shown.shape[1]
        name = self._own(self._draw.choice([nn.GroupNorm(1, width), nn.LocalResponseNorm(3), nn.Softmax(1)]))
        if width % 2 == 0 and self._draw.random() < 0.4:
            return lambda net, x: functional.channel_shuffle(x, 2)
        return lambda net, x: getattr(net, name)(x)

    def _head(self, shown: Tensor) -> Step:
        """An answer of five classes, in many forms."""
        width, how = shown.shape[1], self._draw.randrange(6)
        area = shown.shape[2] * shown.shape[3]
        reads = {0: width, 1: width * area, 2: width * 5, 3: width, 4: width, 5: width * 4}[how]
        name, other = self._own(nn.Linear(reads, 5)), self._own(nn.Linear(width, 5))
        final = self._draw.choice([lambda y: y, lambda y: functional.log_softmax(y, 1), lambda y: y.clamp(-1, 1) / 2.0])

        def run(net: RandomNetwork, x: Tensor) -> Tensor:
            head = getattr(net, name)
            if how == 0:
                y = head(x.mean((2, 3)))
            elif how == 1:
                y = head(x.contiguous().view(x.size(0), -1))
            elif how == 2:
                y = head(torch.cat([functional.adaptive_max_pool2d(x, k).flatten(1) for k in (1, 2)], 1))
            elif how == 3:
                y = head(x.flatten(2).transpose(1, 2)).mean(1)
            elif how == 4:
                y = head(x.amax((2, 3))) + getattr(net, other)(x.mean((-1, -2)))
            else:
                y = head(functional.adaptive_avg_pool2d(x, 2).flatten(2).transpose(1, 2).reshape(len(x), -1))
            return final(y)

        return run

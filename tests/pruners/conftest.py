"""What the pruners' definitions are checked on: a small network, and the loss expanded densely around its weights."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from mipp_core.data.dataset import Split

Loss = Callable[[Callable[[Tensor], Tensor]], Tensor]
"""A network's loss, given the network as a function of images."""


@dataclass(frozen=True)
class Expansion:
    """Some tensors of a network in a row, and the loss's dense derivatives by them."""

    shapes: dict[str, torch.Size]
    point: Tensor
    gradient: Tensor
    hessian: Tensor

    def apart(self, vector: Tensor) -> dict[str, Tensor]:
        """Cut a vector into tensors again."""
        pieces = vector.split([shape.numel() for shape in self.shapes.values()])
        return {name: piece.view(shape) for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)}


@pytest.fixture
def expand() -> Callable[..., Expansion]:
    """Return the dense gradient and Hessian of ``loss`` by the tensors named."""

    def make(model: nn.Module, names: Iterable[str], loss: Loss) -> Expansion:
        start = {name: parameter.detach() for name, parameter in model.named_parameters()}
        shapes = {name: start[name].shape for name in names}
        point = torch.cat([start[name].flatten() for name in shapes])
        empty = Expansion(shapes, point, point, point)

        def at(vector: Tensor) -> Tensor:
            tensors = {**start, **empty.apart(vector)}
            return loss(lambda images: torch.func.functional_call(model, tensors, (images,)))

        return Expansion(shapes, point, torch.func.grad(at)(point), torch.func.jacrev(torch.func.grad(at))(point))

    return make


@pytest.fixture
def tiny() -> nn.Module:
    """A convolution of 3 filters, pooled, and linear layers of 5 and 3 neurons, on 6x6 images, in float64."""
    torch.manual_seed(4)
    layers = OrderedDict(
        conv=nn.Conv2d(1, 3, 3),
        relu1=nn.ReLU(),
        pool=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(12, 5),
        relu2=nn.ReLU(),
        fc2=nn.Linear(5, 3),
    )
    return nn.Sequential(layers).double().eval()


@pytest.fixture
def gated() -> Callable[[nn.Module, dict[str, Tensor], Split], Tensor]:
    """Return the small network's mean loss with every unit's output multiplied by its gate."""

    def loss(tiny: nn.Module, gates: dict[str, Tensor], split: Split) -> Tensor:
        maps = tiny.pool(torch.relu(tiny.conv(split.images))) * gates["conv"].view(1, -1, 1, 1)
        hidden = torch.relu(tiny.fc1(maps.flatten(1))) * gates["fc1"]
        return nn.functional.cross_entropy(tiny.fc2(hidden), split.labels)

    return loss


@pytest.fixture
def open_gates() -> dict[str, Tensor]:
    """The small network's gates, all open."""
    return {"conv": torch.ones(3, dtype=torch.float64), "fc1": torch.ones(5, dtype=torch.float64)}


@pytest.fixture
def doubles(noise_split: Callable[..., Split]) -> Callable[..., Split]:
    """Return random images in float64 whose classes take turns."""

    def make(count: int = 30, image_shape: tuple[int, int, int] = (1, 6, 6), seed: int = 0) -> Split:
        split = noise_split(count, image_shape, seed)
        return Split(split.images.double(), split.labels)

    return make


@pytest.fixture
def same() -> Callable[..., None]:
    """Compare tensors by name, each to a share of its largest number."""

    def check(found: dict[str, Tensor], expected: dict[str, Tensor], share: float = 1e-8) -> None:
        assert list(found) == list(expected)
        for name, values in expected.items():
            assert values.abs().max() > 0
            torch.testing.assert_close(found[name], values, rtol=0, atol=share * values.abs().max().item())

    return check

"""ThiNet: pruning a filter by what the next layer loses (Luo, Wu and Lin, arXiv 1707.06342)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.data.dataset import Split
from mipp_core.evaluation import evaluating
from mipp_core.layers import Layer, silenced, weighted, wiring_of
from mipp_core.masks import KeepMasks
from mipp_core.pruners.contract import Need, Ranker, Scores, Task, require
from mipp_core.pruners.weight_scores import drawn
from mipp_core.selection import Scope, Selection
from mipp_core.vocabulary import Progress


@dataclass(frozen=True)
class ThiNet(Ranker):
    """Discard the units whose joint contribution to the next layer is smallest.

    Idea: a number the next layer computes is a sum over its input units.  Look at many such numbers, and discard,
    one after another, the unit that keeps the discarded units' share of the sums smallest.  Layers are pruned from the
    input to the output, each reading the already pruned ones, all at the same ratio.
    Formula: grow T greedily to minimise sum_i (sum_{c in T} x_ic)^2 (Equation 6), x_ic what unit c adds to the i-th
    sampled number.  Only the products of the x's columns are needed, so a step costs as many numbers as there are
    units.
    Needs: images.  Cost: one forward pass and one small matrix a layer.

    Departures: the paper then rescales the kept units by least squares (Equation 7); here every pruner's network is
    rebuilt by least squares afterwards (``mipp_core.rebuilding``), which includes that.

    Attributes:
        samples: images, drawn evenly from the classes (10 of each of 1,000 in the paper).
        positions: numbers of the next layer looked at per image, each of a random unit at a random place (10).

    Raises:
        SettingError: a setting is out of its range.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data", "activations"})
    scopes: ClassVar[tuple[Scope, ...]] = ("layer",)
    reads_neighbour: ClassVar[bool] = True

    samples: int = 1000
    positions: int = 10

    def __post_init__(self) -> None:
        for name in ("samples", "positions"):
            require(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")

    def masks(self, task: Task, sparsities: tuple[float, ...], selection: Selection) -> list[KeepMasks]:
        """Prune layer by layer, each reading the already pruned ones, once for every sparsity."""
        found = []
        for done, sparsity in enumerate(sparsities):
            task.report(Progress("Scoring units", done / len(sparsities)))
            found.append(self._prune(task, sparsity, selection))
        return found

    def _prune(self, task: Task, sparsity: float, selection: Selection) -> KeepMasks:
        layers = wiring_of(task.model).layers
        keep = {layer.name: torch.ones(layer.units, dtype=torch.bool) for layer in layers}
        images = drawn(task.data, self.samples, task.seed).images
        for layer in layers:
            scores = {layer.name: self._discard_order(silenced(task.model, keep), layer, images, task.seed)}
            keep[layer.name] = selection.keep(scores, sparsity)[layer.name]
        return KeepMasks(keep)

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Return how late each unit is discarded, layer by layer, in an unpruned network."""
        images = drawn(data, self.samples, seed).images
        return {layer.name: self._discard_order(model, layer, images, seed) for layer in wiring_of(model).layers}

    def _discard_order(self, model: nn.Module, layer: Layer, images: Tensor, seed: int) -> Float[Tensor, " units"]:
        generator = torch.Generator().manual_seed(seed)
        parts = contributions(model, layer, images, self.positions, generator).double()
        order = discard_greedily((parts.T @ parts).cpu())  # one synchronisation, not one a unit
        late = torch.empty(layer.units)
        late[order] = torch.arange(layer.units, dtype=late.dtype)
        return late


def discard_greedily(products: Float[Tensor, "units units"]) -> list[int]:
    """Return all units in the order of discarding: each keeps the discarded units' summed square smallest.

    Args:
        products: X'X for contributions X [numbers, units]; of equal units the first is discarded first.
    """
    cost, order = products.diagonal().clone(), []
    for _ in range(len(products)):
        chosen = int(cost.argmin())
        order.append(chosen)
        cost += 2 * products[chosen]
        cost[chosen] = torch.inf
    return order


@torch.no_grad()
def contributions(
    model: nn.Module, layer: Layer, images: Tensor, positions: int, generator: torch.Generator, batch_size: int = 250
) -> Float[Tensor, "numbers units"]:
    """Return what each unit of a layer adds to sampled numbers of the next layer.

    Args:
        model: left as it was.
        layer: whose units.
        images: on the network's device.
        positions: numbers per image: random units of the next layer, at random places of their maps.
        generator: on the CPU.
        batch_size: images at a time.
    """
    reader = weighted(model, layer.reader)
    heard: list[Tensor] = []
    hook = reader.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    found = []
    try:
        with evaluating(model):
            for batch in images.split(batch_size):
                model(batch)
                found.append(_sampled(reader, layer, heard.pop(), positions, generator))
    finally:
        hook.remove()
    return torch.cat(found)


def _sampled(reader: nn.Module, layer: Layer, read: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Multiply sampled patches with sampled units' weights, unit by unit of the layer read."""
    patches = read.unsqueeze(2) if read.ndim == 2 else _unfold(reader, read)
    images = torch.arange(len(read)).repeat_interleave(count)
    places = torch.randint(patches.shape[2], (len(images),), generator=generator)
    readers = torch.randint(len(reader.weight), (len(images),), generator=generator)
    products = patches[images, :, places] * reader.weight.flatten(1)[readers]
    return products.view(len(images), layer.units, -1).sum(2)


def _unfold(reader: nn.Module, read: Tensor) -> Float[Tensor, "n numbers places"]:
    return functional.unfold(read, reader.kernel_size, reader.dilation, reader.padding, reader.stride)

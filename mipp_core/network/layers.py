"""A wiring of a network as prunable layers: their order, their units and who reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.errors import ModelError
from mipp_core.network.channels import TRANSPOSED, WEIGHTED, Flow, Weighted
from mipp_core.network.finding import Finder, Layer, calls_of
from mipp_core.network.following import follow
from mipp_core.network.recording import followed


@dataclass(frozen=True)
class Wiring:
    """The prunable layers of a network, input to output.

    Attributes:
        network: the network, as it was recorded.
        flow: where every channel goes.
        layers: prunable layers.  Layers that give the classes, that weigh other layers' units (as in
            squeeze-and-excitation) or that carry a residual stream past a block are not among them.
        weighted: paths of all convolutions and linear layers, depthwise ones apart.
        image_readers: paths of those that read the image, in the order in which they run.
        whole: path of every layer that is not prunable -> why.
    """

    network: fx.GraphModule = field(repr=False, compare=False)
    flow: Flow = field(repr=False, compare=False)
    layers: tuple[Layer, ...]
    weighted: tuple[str, ...]
    image_readers: tuple[str, ...]
    whole: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __getitem__(self, name: str) -> Layer:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the prunable layers, input to output."""
        return tuple(layer.name for layer in self.layers)

    @property
    def last(self) -> str:
        """Path of the last layer."""
        return self.weighted[-1]


def wiring_of(model: nn.Module, images: Tensor | None = None) -> Wiring:
    """Follow a network, as it runs in evaluation mode.

    Operations that are not known to keep channels apart are taken to mix them: pruning then stops at them, exactly.

    Args:
        model: one that was recorded (``mipp_core.network.recording``), or any that can be.
        images: to record it on, if it was not; by default of the first usual size that it accepts.

    Raises:
        ModelError: the network cannot be followed, or has no layer that can be pruned.
    """
    network = followed(model, images)
    graph = fx.Graph()
    graph.output(graph.graph_copy(network.graph, {}), network.graph.output_node().type)
    finder = Finder(network, follow(network, graph), calls_of(graph, network))
    layers = tuple(finder.layers())
    if not layers:
        raise ModelError(
            f"This network has {len(finder.calls)} convolution or linear layers and none that can be pruned; pruning "
            "needs at least 2, one reading the other."
        )
    return Wiring(network, finder.flow, layers, tuple(finder.calls), finder.image_readers(), finder.whole())


def weighted(model: nn.Module, name: str) -> Weighted:
    """Return the convolution or linear layer at a path."""
    module = model.get_submodule(name)
    if not isinstance(module, WEIGHTED):
        raise ModelError(f"{name!r} is a {type(module).__name__}; a convolution or a linear layer was expected.")
    return module


def by_unit(layer: Weighted, weights: Float[Tensor, "..."]) -> Float[Tensor, "units ..."]:
    """Return a layer's weights, or anything of their shape, with its units first."""
    if not isinstance(layer, TRANSPOSED):
        return weights
    return weights.unflatten(0, (layer.groups, -1)).movedim(2, 1).flatten(0, 1)


def times_units(layer: Weighted, weights: Float[Tensor, "..."], switches: Float[Tensor, " units"]) -> Tensor:
    """Multiply a layer's weights by one number per unit."""
    if not isinstance(layer, TRANSPOSED):
        return weights * switches.view(-1, *[1] * (weights.ndim - 1))
    grouped = weights.unflatten(0, (layer.groups, -1))
    return (grouped * switches.view(layer.groups, 1, -1, *[1] * (weights.ndim - 2))).flatten(0, 1)


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the network's weights."""
    return next(model.parameters()).device

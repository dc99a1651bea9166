"""A view of a network as prunable layers: their order, their units and who reads them."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import fx, nn

from mipp_core.errors import ModelError

OUTPUT = "output"
"""The name of the network's final result, which no layer reads."""

UNITWISE = (
    nn.ReLU,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Dropout,
    nn.Flatten,
    nn.Identity,
)
"""Modules that keep units apart: each unit's result depends on that unit alone."""


@dataclass(frozen=True)
class Layer:
    """A layer whose units can be removed.

    The activation of a unit is what the next layer reads of it: after the nonlinearity and the pooling.

    Attributes:
        name: its module's path in the network.
        units: filters of a convolution, neurons of a linear layer.
        reader: path of the layer that reads it.
        span: consecutive numbers the reader reads per unit: 1, or the map's size where it is flattened first.
    """

    name: str
    units: int
    reader: str
    span: int


@dataclass(frozen=True)
class Chain:
    """The prunable layers of a feed-forward network, input to output.

    Attributes:
        layers: prunable layers; the last convolution or linear layer gives the classes and is not one of them.
        first: path of the layer that reads the image.
        last: path of the layer that gives the classes.
    """

    layers: tuple[Layer, ...]
    first: str
    last: str

    def __getitem__(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the prunable layers, input to output."""
        return tuple(layer.name for layer in self.layers)


def chain_of(model: nn.Module) -> Chain:
    """Follow a feed-forward network with ``torch.fx``.

    Raises:
        ModelError: the network branches, or contains an operation that cannot be followed.
    """
    try:
        graph = fx.symbolic_trace(model).graph
    except (fx.proxy.TraceError, TypeError, RuntimeError) as problem:
        raise ModelError(
            f"This network cannot be traced ({problem}); only traceable networks can be pruned."
        ) from problem
    names = [node.target for node in graph.nodes if _is_weighted(node, model)]
    if len(set(names)) < len(names):
        raise ModelError(f"A layer is used twice among {names}; only chains of different layers can be followed.")
    if len(names) < 2:
        raise ModelError(f"This network has {len(names)} convolution or linear layers; pruning needs at least 2.")
    layers = tuple(_layer(model, str(name), str(reader)) for name, reader in pairwise(names))
    return Chain(layers, str(names[0]), str(names[-1]))


def _is_weighted(node: fx.Node, model: nn.Module) -> bool:
    """Tell a convolution or linear layer from a unitwise module; refuse everything else."""
    if node.op in {"placeholder", "output"}:
        if len(node.users) > 1 or len(node.all_input_nodes) > 1:
            raise ModelError(f"The {node.op} is read in several places; only chains of layers can be followed.")
        return False
    module = model.get_submodule(str(node.target)) if node.op == "call_module" else None
    if len(node.users) != 1 or len(node.all_input_nodes) != 1:
        raise ModelError(
            f"The result of {node.target!r} is read in several places; only chains of layers can be followed."
        )
    if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1):
        return True
    if isinstance(module, UNITWISE):
        return False
    raise ModelError(
        f"The operation {node.target!r} cannot be followed; use convolutions, linear layers, ReLU and pooling."
    )


def _layer(model: nn.Module, name: str, reader: str) -> Layer:
    units = model.get_submodule(name).weight.shape[0]
    return Layer(name, units, reader, model.get_submodule(reader).weight.shape[1] // units)


def weighted(model: nn.Module, name: str) -> nn.Conv2d | nn.Linear:
    """Return the convolution or linear layer at a path."""
    module = model.get_submodule(name)
    if not isinstance(module, nn.Conv2d | nn.Linear):
        raise ModelError(f"{name!r} is a {type(module).__name__}; a convolution or a linear layer was expected.")
    return module


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the network's weights."""
    return next(model.parameters()).device

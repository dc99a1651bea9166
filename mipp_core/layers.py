"""A view of a network as prunable layers: their order, their units and who reads them."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool
from torch import Tensor, fx, nn

from mipp_core.errors import ModelError

OUTPUT = "output"
"""The name of the network's final result, which no layer reads."""

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)

UNITWISE = (
    nn.ReLU,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Dropout,
    nn.Flatten,
    nn.Identity,
    *BATCH_NORMS,
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
        norms: paths of the batch normalisations between the two, whose channels go with the units.
    """

    name: str
    units: int
    reader: str
    span: int
    norms: tuple[str, ...] = ()


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
        graph = fx.Tracer().trace(model)
    except (fx.proxy.TraceError, TypeError, RuntimeError) as problem:
        raise ModelError(
            f"This network cannot be traced ({problem}); only traceable networks can be pruned."
        ) from problem
    names = [str(node.target) for node in graph.nodes if _is_weighted(node, model)]
    if len(set(names)) < len(names):
        raise ModelError(f"A layer is used twice among {names}; only chains of different layers can be followed.")
    if len(names) < 2:
        raise ModelError(f"This network has {len(names)} convolution or linear layers; pruning needs at least 2.")
    path = [str(node.target) for node in graph.nodes if node.op == "call_module"]
    layers = tuple(_layer(model, name, reader, path) for name, reader in pairwise(names))
    return Chain(layers, names[0], names[-1])


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


def _layer(model: nn.Module, name: str, reader: str, path: list[str]) -> Layer:
    units = model.get_submodule(name).weight.shape[0]
    between = path[path.index(name) + 1 : path.index(reader)]
    norms = tuple(step for step in between if isinstance(model.get_submodule(step), BATCH_NORMS))
    for norm in norms:
        if model.get_submodule(norm).num_features != units:
            raise ModelError(
                f"{norm!r} normalises {model.get_submodule(norm).num_features} numbers but {name!r} has {units} units; "
                "normalise before flattening."
            )
    return Layer(name, units, reader, model.get_submodule(reader).weight.shape[1] // units, norms)


@torch.no_grad()
def silence(model: nn.Module, layer: Layer, keep: Bool[Tensor, " units"]) -> None:
    """Make removed units say 0 always, in place: their weights, biases and normalisations become 0."""
    for path in (layer.name, *layer.norms):
        module = model.get_submodule(path)
        for tensor in (module.weight, module.bias, getattr(module, "running_mean", None)):
            if tensor is not None:
                tensor[~keep.to(tensor.device)] = 0


def silenced(model: nn.Module, masks: Mapping[str, Tensor]) -> nn.Module:
    """Return a copy of a network whose removed units say 0."""
    copy = deepcopy(model)
    for layer in chain_of(model).layers:
        silence(copy, layer, masks[layer.name])
    return copy


def weighted(model: nn.Module, name: str) -> nn.Conv2d | nn.Linear:
    """Return the convolution or linear layer at a path."""
    module = model.get_submodule(name)
    if not isinstance(module, nn.Conv2d | nn.Linear):
        raise ModelError(f"{name!r} is a {type(module).__name__}; a convolution or a linear layer was expected.")
    return module


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the network's weights."""
    return next(model.parameters()).device

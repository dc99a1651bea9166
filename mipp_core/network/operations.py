"""Which operations keep channels apart, and which turn a channel of zeros into zeros.

An operation that is not listed here is assumed to mix channels: it is given all of them, so that pruning stays exact.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import torch
from torch import fx, nn
from torch.nn import functional

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d

_T = TypeVar("_T")

_SILENT_MODULES = (
    nn.Identity,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
    nn.Tanh,
    nn.Softsign,
    nn.Dropout,
    nn.Dropout2d,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
)
"""Modules that work on each channel alone and turn zeros into zeros."""

_SILENT_FUNCTIONS: frozenset[Any] = frozenset(
    {
        torch.relu,
        torch.relu_,
        torch.tanh,
        functional.relu,
        functional.relu6,
        functional.leaky_relu,
        functional.elu,
        functional.gelu,
        functional.silu,
        functional.mish,
        functional.hardswish,
        functional.tanh,
        functional.dropout,
        functional.dropout2d,
        functional.max_pool2d,
        functional.avg_pool2d,
        functional.adaptive_avg_pool2d,
        functional.adaptive_max_pool2d,
        "relu",
        "relu_",
        "tanh",
        "contiguous",
        "clone",
    }
)
"""Functions, and methods by name, that do the same."""

_LOUD_MODULES = (nn.Sigmoid, nn.Hardsigmoid, nn.Softplus)
_LOUD_FUNCTIONS: frozenset[Any] = frozenset(
    {torch.sigmoid, functional.sigmoid, functional.hardsigmoid, functional.softplus, "sigmoid"}
)
"""These keep channels apart too, but do not turn zeros into zeros."""

_ADDITIONS: frozenset[Any] = frozenset({operator.add, operator.iadd, torch.add, "add", "add_"})
_PRODUCTS: frozenset[Any] = frozenset({operator.mul, operator.imul, torch.mul, "mul", "mul_"})
_JOINS: frozenset[Any] = frozenset({torch.cat, torch.concat})


def called(node: fx.Node, model: nn.Module) -> Any:
    """Return what a node calls: a module, a function, or a method's name."""
    return model.get_submodule(str(node.target)) if node.op == "call_module" else node.target


def is_silent(node: fx.Node, model: nn.Module) -> bool:
    """Tell whether each channel of the result depends on that channel alone, and zeros give zeros."""
    return isinstance(called(node, model), _SILENT_MODULES) or _is(node, _SILENT_FUNCTIONS) or _drops_depth(node)


def is_loud(node: fx.Node, model: nn.Module) -> bool:
    """Tell whether each channel of the result depends on that channel alone, but zeros give something else."""
    return isinstance(called(node, model), _LOUD_MODULES) or _is(node, _LOUD_FUNCTIONS)


def is_normalisation(node: fx.Node, model: nn.Module) -> bool:
    """Tell whether this normalises over the channels of each sample: it mixes them but keeps their number."""
    return isinstance(called(node, model), nn.LayerNorm | nn.GroupNorm) or _is(node, {functional.layer_norm})


def is_sum(node: fx.Node) -> bool:
    """Tell whether tensors are added."""
    return _is(node, _ADDITIONS) and len(node.all_input_nodes) == len(node.args)


def is_product(node: fx.Node) -> bool:
    """Tell whether two tensors are multiplied."""
    return _is(node, _PRODUCTS) and len(node.all_input_nodes) == 2


def is_scaling(node: fx.Node) -> bool:
    """Tell whether a tensor is multiplied by a plain number."""
    numbers = [argument for argument in node.args if isinstance(argument, int | float)]
    return _is(node, _PRODUCTS) and len(node.all_input_nodes) == len(numbers) == 1


def is_join(node: fx.Node) -> bool:
    """Tell whether tensors are concatenated along their channels."""
    return _is(node, _JOINS) and _argument(node, "dim", 1, 0) == 1


def joined(node: fx.Node) -> Sequence[fx.Node]:
    """Return the tensors that a concatenation joins."""
    return cast("Sequence[fx.Node]", node.args[0] if node.args else node.kwargs["tensors"])


def flattened_from(node: fx.Node, model: nn.Module) -> int | None:
    """Return the first of the dimensions that are flattened, up to the last; None if this is no such flattening."""
    module = called(node, model)
    if isinstance(module, nn.Flatten):
        return int(module.start_dim) if module.end_dim == -1 else None
    if _is(node, {torch.flatten, "flatten"}):
        return _argument(node, "start_dim", 1, 0) if _argument(node, "end_dim", 2, -1) == -1 else None
    return None


def averaged_over(node: fx.Node) -> tuple[tuple[int, ...], bool] | None:
    """Return the dimensions that are averaged and whether they are kept with size 1; None if this is no average."""
    if not _is(node, {torch.mean, "mean"}):
        return None
    over: int | list[int] | tuple[int, ...] = _argument(node, "dim", 1, ())
    return (tuple(over) if isinstance(over, list | tuple) else (over,)), _argument(node, "keepdim", 2, False)


def permuted(node: fx.Node) -> tuple[int, ...] | None:
    """Return the new order of the dimensions; None if this is no permutation."""
    if not _is(node, {torch.permute, "permute"}):
        return None
    order: int | Sequence[int] = _argument(node, "dims", 1, ())
    return tuple(order) if isinstance(order, Sequence) else cast("tuple[int, ...]", node.args[1:])


def _argument(node: fx.Node, name: str, place: int, usual: _T) -> _T:
    """Return an argument given by name or by place, or what it usually is; the graph does not say its kind."""
    return cast("_T", node.kwargs.get(name, node.args[place] if len(node.args) > place else usual))


def _is(node: fx.Node, known: frozenset[Any] | set[Any]) -> bool:
    target: str | Callable[..., Any] = node.target
    return node.op in {"call_function", "call_method"} and target in known


def _drops_depth(node: fx.Node) -> bool:
    """Recognise torchvision's stochastic depth, which drops a branch in training and does nothing in evaluation."""
    return node.op == "call_function" and getattr(node.target, "__name__", "") == "stochastic_depth"

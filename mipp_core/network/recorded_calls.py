"""The calls that a recording consists of, as a graph without changes in place can hold them."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._pytree import tree_leaves

from mipp_core.errors import ModelError

_VALUES = frozenset(
    {
        "item",
        "tolist",
        "numpy",
        "equal",
        "allclose",
        "is_nonzero",
        "__bool__",
        "__int__",
        "__float__",
        "__complex__",
        "__index__",
        "__contains__",
        "__array__",
    }
)
"""Functions that turn tensors into values of Python's."""

_RANDOM = frozenset({"uniform_", "normal_", "bernoulli_", "random_", "exponential_", "geometric_", "cauchy_"})

_METHODS = "torch._tensor"
"""Where PyTorch defines the tensors' methods that are written in Python."""

_IDLE = ("out", "_stacklevel")
"""Keyword arguments that do not change a result."""


@dataclass(frozen=True)
class Call:
    """A node of a graph to be: its kind and target as ``torch.fx`` names them, and its arguments."""

    op: str
    target: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def set_part(tensor: Tensor, place: Any, values: Any) -> Tensor:
    """Return a copy of a tensor with other values in some places."""
    copy = tensor.clone()
    copy[place] = values
    return copy


def pure(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call:
    """Return the call that gives the same result and changes nothing in place.

    Raises:
        ModelError: it draws random numbers.
    """
    name, kept = func.__name__, {key: value for key, value in kwargs.items() if key not in _IDLE}
    if kept.get("inplace"):
        kept["inplace"] = False
    if name in _RANDOM:
        raise ModelError(f"This network draws random numbers in evaluation mode ({name}); it cannot be pruned.")
    if name in _SPECIAL:
        return _SPECIAL[name](func, args, kept)
    if name.endswith("_") and not name.endswith("__"):
        return _renamed(name[:-1], args, kept)
    if getattr(Tensor, name, None) == func or func.__module__ == _METHODS:
        return Call("call_method", name, args, kept)
    return Call("call_function", func, args, kept)


def _attribute(func: Any, args: tuple[Any, ...], _: Any) -> Call:
    return Call("call_function", getattr, (*args[:1], func.__self__.__name__), {})


def _calls(target: Callable[..., Any]) -> Callable[..., Call]:
    return lambda _, args, kwargs: Call("call_function", target, args, kwargs)


_SPECIAL: dict[str, Callable[..., Call]] = {
    "__get__": _attribute,
    "__getitem__": _calls(operator.getitem),
    "__setitem__": _calls(set_part),
    "zero_": _calls(torch.zeros_like),
    "fill_": _calls(torch.full_like),
    "copy_": lambda _, args, __: Call("call_method", "expand_as", (args[1], args[0]), {}),
}
"""Functions that are called in another way."""


def _renamed(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    if hasattr(Tensor, name):
        return Call("call_method", name, args, kwargs)
    return Call("call_function", getattr(functional, name, None) or getattr(torch, name), args, kwargs)


def reads_values(func: Callable[..., Any]) -> bool:
    """Tell whether a function turns a tensor's values into values of Python's."""
    return func.__name__ in _VALUES


def without_tensors(made: Any) -> bool:
    """Tell whether a result holds no tensor."""
    return not any(isinstance(leaf, Tensor) for leaf in tree_leaves(made))


def is_leaf(module: nn.Module) -> bool:
    """Tell whether a module is one of PyTorch's own: it is called as a whole, and what it does is known.

    A subclass counts if it computes what its parent computes.  Containers do not.
    """
    kind = type(module)
    own_forward = "forward" in vars(module) or not _is_torchs(kind.forward)
    own_convolution = not _is_torchs(getattr(kind, "_conv_forward", kind.forward))
    children = [child for name, child in module.named_children() if name != "parametrizations"]
    if isinstance(module, nn.MultiheadAttention):
        return not own_forward
    return not (own_forward or own_convolution or children) and kind.forward is not nn.Module.forward


def _is_torchs(function: Callable[..., Any]) -> bool:
    return (function.__module__ or "").startswith("torch.nn.modules.")

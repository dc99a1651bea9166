"""Ordinary layers in place of functions with weights, and of layers whose weights are parametrised."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from mipp_core.network.channels import WEIGHTED

_CONVOLUTIONS: dict[Any, type[nn.Module]] = {
    torch.conv1d: nn.Conv1d,
    torch.conv2d: nn.Conv2d,
    torch.conv3d: nn.Conv3d,
    torch.conv_transpose1d: nn.ConvTranspose1d,
    torch.conv_transpose2d: nn.ConvTranspose2d,
    torch.conv_transpose3d: nn.ConvTranspose3d,
}

_GEOMETRY = ("stride", "padding", "dilation", "groups")
_TRANSPOSED_GEOMETRY = ("stride", "padding", "output_padding", "groups", "dilation")

_PRODUCTS = (torch.matmul, "matmul", torch.mm, "mm", "__matmul__")


def as_layer(node: fx.Node, tensor: Callable[[str], Any]) -> tuple[nn.Module, str] | None:
    """Return the layer that does what a function with weights does, and its weight's path; None for other functions.

    Args:
        node: calls the function.
        tensor: gives the tensor at a path.
    """
    kind = _CONVOLUTIONS.get(node.target)
    names = ("input", "weight", "bias")
    if kind is not None:
        shape = _TRANSPOSED_GEOMETRY if "Transpose" in kind.__name__ else _GEOMETRY
        return _layer(kind, _arguments(node, (*names, *shape)), tensor, shape)
    if node.target is functional.linear:
        return _layer(nn.Linear, _arguments(node, names), tensor, ())
    if node.target in _PRODUCTS and len(node.args) == 2:
        return _product(node, tensor)
    return None


def _arguments(node: fx.Node, names: tuple[str, ...]) -> dict[str, Any]:
    return {**dict(zip(names, node.args, strict=False)), **node.kwargs}


def _layer(
    kind: type[nn.Module], given: dict[str, Any], tensor: Callable[[str], Any], shape: tuple[str, ...]
) -> tuple[nn.Module, str] | None:
    weight, bias = given["weight"], given.get("bias")
    fixed = all(read is None or (isinstance(read, fx.Node) and read.op == "get_attr") for read in (weight, bias))
    if not fixed or weight is None or not isinstance(given["input"], fx.Node) or given["input"].op == "get_attr":
        return None
    geometry = {name: given[name] for name in shape if name in given}
    numbers = tensor(str(weight.target))
    if kind is nn.Linear and numbers.ndim != 2:
        return None
    return made(kind, numbers, None if bias is None else tensor(str(bias.target)), geometry), str(weight.target)


def _product(node: fx.Node, tensor: Callable[[str], Any]) -> tuple[nn.Module, str] | None:
    """Return the linear layer that a product with a fixed matrix is."""
    read, matrix = cast("tuple[Any, Any]", node.args)
    fixed = isinstance(matrix, fx.Node) and matrix.op == "get_attr" and isinstance(read, fx.Node)
    if not fixed or read.op == "get_attr":
        return None
    numbers = tensor(str(matrix.target))
    return (made(nn.Linear, numbers.mT, None, {}), str(matrix.target)) if numbers.ndim == 2 else None


def made(kind: type[nn.Module], weight: Tensor, bias: Tensor | None, geometry: dict[str, Any]) -> nn.Module:
    """Make a layer with these weights; parameters stay the same objects, so that networks go on sharing them."""
    sizes = _sizes(kind, weight, geometry.get("groups", 1))
    with torch.device("meta"):
        layer: Any = kind(*sizes, bias=bias is not None, **geometry)
    layer.weight = weight if isinstance(weight, nn.Parameter) else nn.Parameter(weight.detach().clone())
    if bias is not None:
        layer.bias = bias if isinstance(bias, nn.Parameter) else nn.Parameter(bias.detach().clone())
    return layer


def _sizes(kind: type[nn.Module], weight: Tensor, groups: int) -> tuple[Any, ...]:
    if kind is nn.Linear:
        return weight.shape[1], weight.shape[0]
    if "Transpose" in kind.__name__:
        return weight.shape[0], weight.shape[1] * groups, tuple(weight.shape[2:])
    return weight.shape[1] * groups, weight.shape[0], tuple(weight.shape[2:])


def is_parametrised(module: nn.Module) -> bool:
    """Tell whether a layer computes its weight from something else, as by ``weight_norm`` or ``torch.nn.utils.prune``.

    All forms count: parametrisations, and the older hooks that set the weight before every call.
    """
    return isinstance(module, WEIGHTED) and not isinstance(vars(module)["_parameters"].get("weight"), nn.Parameter)


def plain_layer(module: Any) -> nn.Module:
    """Return an ordinary layer with the weights that a parametrised one has computed."""
    kind = next(each for each in type(module).__mro__ if each.__module__.startswith("torch.nn.modules."))
    names = _TRANSPOSED_GEOMETRY if "Transpose" in kind.__name__ else _GEOMETRY
    geometry = {} if kind is nn.Linear else {name: getattr(module, name) for name in (*names, "padding_mode")}
    layer = made(kind, module.weight.detach(), module.bias, geometry)
    layer.training = module.training
    return layer

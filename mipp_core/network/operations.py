"""Which operations treat every channel alone, by the names of PyTorch's functions, methods and modules.

An operation that is not listed here is assumed to mix channels: it is given all of them, so that pruning stays exact.
"""

from typing import Any

import torch
from torch import fx, nn

from mipp_core.network.plain_shapes import argument, name_of

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
_INSTANCE_NORMS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)

_POINTWISE = frozenset(
    """
    abs acos acosh alpha_dropout asin asinh atan atanh ceil celu clamp clamp_max clamp_min clip clone contiguous cos
    cosh cpu detach double dropout dropout1d dropout2d dropout3d elu erf erfc exp exp2 expm1 feature_alpha_dropout
    float floor floor_divide frac gelu half hardshrink hardsigmoid hardswish hardtanh leaky_relu log log10 log1p
    log2 logit logsigmoid mish nan_to_num neg negative positive pow reciprocal relu relu6 round rrelu rsqrt selu
    sigmoid sign silu sin sinh softplus softshrink softsign special_expit sqrt square swish tan tanh tanhshrink
    threshold to trunc type add sub rsub mul multiply subtract div divide true_divide rdiv rpow eq ne gt ge lt le
    iadd isub imul itruediv truediv rtruediv stochastic_depth zeros_like
    """.split()  # noqa: SIM905
)
"""Functions of every number by itself; those of two tensors are told apart by their number of inputs."""

_DROPOUTS = (
    nn.AlphaDropout,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.FeatureAlphaDropout,
)
_POINTWISE_MODULES = (
    *_DROPOUTS,
    nn.CELU,
    nn.ELU,
    nn.GELU,
    nn.Hardshrink,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Hardtanh,
    nn.Identity,
    nn.LeakyReLU,
    nn.LogSigmoid,
    nn.Mish,
    nn.RReLU,
    nn.ReLU,
    nn.ReLU6,
    nn.SELU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Softplus,
    nn.Softshrink,
    nn.Softsign,
    nn.Tanh,
    nn.Tanhshrink,
    nn.Threshold,
)

_POOLINGS = ("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool", "lp_pool", "fractional_max_pool")
_PADDINGS = ("ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad")

_REDUCTIONS = frozenset(
    """
    mean sum amax amin max min std var norm prod nansum nanmean median logsumexp argmax argmin all any
    """.split()  # noqa: SIM905
)
_ALONG = frozenset(
    """
    cumsum softmax log_softmax softmin normalize flip roll cumprod sort
    """.split()  # noqa: SIM905
)
"""Functions along one dimension that keep the shape."""

_SUMS = frozenset({"add", "iadd", "sub", "isub", "subtract"})
_PRODUCTS = frozenset({"mul", "imul", "multiply"})
_QUOTIENTS = frozenset({"div", "divide", "true_divide", "truediv", "itruediv"})


def called(node: fx.Node, model: nn.Module) -> Any:
    """Return what a node calls: a module, a function, or a method's name."""
    if node.op != "call_module":
        return node.target
    found: Any = model  # looked up by hand: ``get_submodule`` takes ten times as long, and this is asked all the time
    for name in str(node.target).split("."):
        found = found._modules[name]
    return found


def is_pointwise(node: fx.Node, model: nn.Module) -> bool:
    """Tell whether every number of the result depends on one number alone."""
    module = called(node, model)
    if isinstance(module, _POINTWISE_MODULES):
        return True
    if isinstance(module, nn.PReLU):
        return module.num_parameters == 1
    return name_of(node) in _POINTWISE and len(node.all_input_nodes) == 1


def keeps_zero(node: fx.Node, model: nn.Module) -> bool:
    """Tell whether a function of every number by itself turns 0 into 0, by trying."""
    function: Any = called(node, model)
    if isinstance(function, (*_DROPOUTS, nn.RReLU, nn.PReLU)):  # some of which draw random numbers in training
        return True
    zeros = torch.zeros(2, dtype=node.all_input_nodes[0].meta.get("dtype", torch.float32))
    asked: Any = fx.node.map_arg((node.args, node.kwargs), lambda _: zeros)
    try:
        found = result_of(function, node.op == "call_method", *asked)
    except Exception:  # an operation that cannot be tried is taken to wake units
        return False
    return isinstance(found, torch.Tensor) and not found.is_meta and not found.any()


def result_of(function: Any, is_method: bool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function, or the first argument's method of a name."""
    return getattr(args[0], function)(*args[1:], **kwargs) if is_method else function(*args, **kwargs)


def pooled_dimensions(node: fx.Node, model: nn.Module) -> int:
    """Return how many of the last dimensions a pooling works along; 0 if this is none."""
    module = called(node, model)
    name = type(module).__name__ if node.op == "call_module" else name_of(node)
    plain = name.lower().replace("_", "")
    for each in _POOLINGS:
        stem = each.replace("_", "")
        if plain.startswith(stem) and plain[len(stem) : len(stem) + 2] in {"1d", "2d", "3d"}:
            return int(plain[len(stem)])
    return 0


def resizes(node: fx.Node, model: nn.Module) -> bool:
    """Tell whether maps are brought to another size, all behind the second dimension."""
    module = called(node, model)
    return isinstance(module, nn.Upsample) or name_of(node) in {"interpolate", "upsample"}


def padding_of(node: fx.Node, model: nn.Module) -> tuple[list[int], bool] | None:
    """Return the margins, from the last dimension on, and whether they are 0 or copies; None if this pads nothing."""
    module = called(node, model)
    if node.op == "call_module":
        if not type(module).__name__.startswith(_PADDINGS):
            return None
        return list(module.padding), not getattr(module, "value", 0)
    if name_of(node) != "pad":
        return None
    mode, value = argument(node, "mode", 2, "constant"), argument(node, "value", 3, None)
    return list(argument(node, "pad", 1, ())), mode != "constant" or not value


def is_instance_norm(module: object) -> bool:
    """Tell whether a module normalises every channel of every image by itself."""
    return isinstance(module, _INSTANCE_NORMS)


def is_normalisation(node: fx.Node, model: nn.Module) -> bool:
    """Tell whether this normalises over the channels of each sample: it mixes them but keeps their number."""
    kinds = nn.LayerNorm | nn.GroupNorm | nn.LocalResponseNorm | nn.RMSNorm
    return isinstance(called(node, model), kinds) or name_of(node) in {"layer_norm", "group_norm", "rms_norm"}


def reduced_over(node: fx.Node, rank: int) -> tuple[int, ...] | None:
    """Return the dimensions, at least 0, that are reduced; None if this is no reduction, or one of everything."""
    if name_of(node) not in _REDUCTIONS:
        return None
    place = 2 if name_of(node) == "norm" else 1
    return _dimensions(argument(node, "dim", place, None), rank)


def along(node: fx.Node, model: nn.Module, rank: int) -> tuple[int, ...] | None:
    """Return the dimensions that a function works along while it keeps the shape; None if this is none."""
    module = called(node, model)
    if isinstance(module, nn.Softmax | nn.LogSoftmax | nn.Softmin):
        return _dimensions(module.dim, rank)
    name = name_of(node)
    if name not in _ALONG:
        return None
    names = {"flip": ("dims", 1), "roll": ("dims", 2), "normalize": ("dim", 2)}
    return _dimensions(argument(node, *names.get(name, ("dim", 1)), None), rank)


def _dimensions(given: Any, rank: int) -> tuple[int, ...] | None:
    if given is None or given == ():
        return None
    many = given if isinstance(given, list | tuple) else (given,)
    return tuple(int(each) % rank for each in many) if all(isinstance(each, int) for each in many) else None


def is_sum(node: fx.Node) -> bool:
    """Tell whether two tensors are added, or one is taken from the other."""
    return name_of(node) in _SUMS and len(node.all_input_nodes) == 2


def is_product(node: fx.Node) -> bool:
    """Tell whether two tensors are multiplied."""
    return name_of(node) in _PRODUCTS and len(node.all_input_nodes) == 2


def is_quotient(node: fx.Node) -> bool:
    """Tell whether one tensor is divided by another."""
    return name_of(node) in _QUOTIENTS and len(node.all_input_nodes) == 2


def is_choice(node: fx.Node) -> bool:
    """Tell whether each number of the result is one of two tensors' numbers at its place."""
    return name_of(node) in {"where", "maximum", "minimum"}


def joined_along(node: fx.Node, rank: int) -> int | None:
    """Return the dimension that tensors are concatenated along; None if this is no concatenation."""
    if name_of(node) not in {"cat", "concat", "concatenate"}:
        return None
    return int(argument(node, "dim", 1, 0)) % rank


def joined(node: fx.Node) -> list[fx.Node]:
    """Return the tensors that a concatenation joins."""
    return list(argument(node, "tensors", 0, ()))

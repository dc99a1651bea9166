"""Operations that hold one number or filter per channel and go with the units: normalisations, scales and the like.

What is added to a layer's results, channel by channel, goes with its units where nothing but scales is in between, as
in a normalisation written by hand.  Further on it is not the unit's, and stays when the unit goes.
"""

from collections.abc import Collection, Mapping
from typing import Any

from torch import fx, nn

from mipp_core.network.channels import Carrier, Channels, has_units, is_depthwise
from mipp_core.network.operations import BATCH_NORMS, called, is_instance_norm, is_product, is_quotient, is_sum
from mipp_core.network.plain_shapes import name_of, shape_of

_ADDED = frozenset({"weight", "bias", "running_mean"})
_FUNCTIONS = frozenset({"batch_norm", "instance_norm", "prelu"})


def carriers_of(
    node: fx.Node, module: object, model: nn.Module, known: Mapping[fx.Node, Channels], behind: Collection[fx.Node]
) -> tuple[Carrier, ...] | None:
    """Return the tensors with an entry per channel that a node applies to each channel alone; None if it is no such.

    Args:
        node: of the graph.
        module: what it calls.
        model: the network.
        known: the channels of the tensors it reads, as far as they are known.
        behind: earlier such nodes.
    """
    if len(known) != 1:
        return None
    ((tensor, given),) = known.items()
    if node.op == "call_module":
        return _of_module(str(node.target), module, given) if _width(module) == given.numbers else None
    fixed = [other for other in node.all_input_nodes if other is not tensor]
    if not fixed or any(other.op != "get_attr" for other in fixed):
        return None
    if name_of(node) == "prelu" and shape_of(fixed[0]) == (1,):
        return ()  # one slope for all channels
    if name_of(node) in _FUNCTIONS:
        return _of_function(node, tensor, fixed, given)
    directly = tensor in behind or has_units(called(tensor, model))
    return _of_operand(node, tensor, fixed[0], given) if directly or not is_sum(node) else None


def _width(module: Any) -> int:
    """Return how many channels a module treats each by itself; 0 for other modules."""
    if isinstance(module, BATCH_NORMS) or is_instance_norm(module):
        return int(module.num_features)
    if is_depthwise(module):
        return module.in_channels
    return module.num_parameters if isinstance(module, nn.PReLU) and module.num_parameters > 1 else 0


def _of_module(path: str, module: Any, given: Channels) -> tuple[Carrier, ...] | None:
    if given.dim != 1:
        return None
    named = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    return tuple(Carrier(f"{path}.{name}", 0, name in _ADDED) for name, tensor in named if tensor.ndim)


def _of_function(node: fx.Node, tensor: fx.Node, fixed: list[fx.Node], given: Channels) -> tuple[Carrier, ...] | None:
    fits = all(shape_of(other) == (given.numbers,) for other in fixed)
    if not fits or given.dim != 1 or node.args[0] is not tensor:
        return None
    return tuple(Carrier(str(other.target), 0, added=True) for other in fixed)


def _of_operand(node: fx.Node, tensor: fx.Node, other: fx.Node, given: Channels) -> tuple[Carrier, ...] | None:
    """Return the other operand of a sum or product, if it has a number per channel."""
    shape, rank = shape_of(other), len(shape_of(node) or ())
    if shape is None or rank != given.rank or not (is_sum(node) or is_product(node) or is_quotient(node)):
        return None
    dim = given.dim - rank + len(shape)
    if (
        dim < 0
        or shape[dim] != given.numbers
        or given.numbers == 1
        or (is_quotient(node) and node.args[0] is not tensor)
    ):
        return None
    return (Carrier(str(other.target), dim, is_sum(node)),)

"""Where channels are after operations on dimensions: poolings, paddings, reductions, permutations and the like."""

from dataclasses import replace

import torch
from torch import fx, nn

from mipp_core.network import operations
from mipp_core.network.channels import Channels, Part
from mipp_core.network.plain_shapes import argument, name_of, shape_of
from mipp_core.network.reshaping import reshaped

_RESHAPES = frozenset({"reshape", "flatten", "squeeze", "unsqueeze", "view", "unflatten", "ravel"})
_PERMUTES = frozenset({"permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "adjoint"})
_TURNS = frozenset({"T", "mT", "H", "mH"})
_REPEATS = frozenset({"expand", "repeat", "tile", "repeat_interleave"})
_SIZES = (2, 3, 5, 7, 11, 13, 17, 19)
"""All different, so that each dimension can be told by its size."""


def moved(node: fx.Node, model: nn.Module, given: Channels) -> tuple[Channels | None, bool]:
    """Return the channels after an operation on one tensor, and whether it may turn zeros into something else.

    None if it mixes channels, or is none of these operations.
    """
    spatial = _spatial(node, model, given)
    if spatial is not None:
        return spatial
    return _rearranged(node, model, given), False


def _rearranged(node: fx.Node, model: nn.Module, given: Channels) -> Channels | None:
    """Follow what gives the same numbers other places, or takes some of them."""
    name, before, after = name_of(node), shape_of(node.all_input_nodes[0]), shape_of(node)
    if name in _RESHAPES or isinstance(operations.called(node, model), nn.Flatten):
        return None if before is None or after is None else reshaped(given, before, after)
    if name in _PERMUTES or (name == "getattr" and node.args[1] in _TURNS):
        return _permuted(node, given)
    if name in _TAKES:
        return _TAKES[name](node, given)
    return _repeated(node, given) if name in _REPEATS else None


def _spatial(node: fx.Node, model: nn.Module, given: Channels) -> tuple[Channels | None, bool] | None:
    """Follow what works along other dimensions than the channels'; None if this is no such operation."""
    pooled, padding = operations.pooled_dimensions(node, model), operations.padding_of(node, model)
    if pooled:
        return (given if given.dim < given.rank - pooled else None), False
    if operations.resizes(node, model):
        return (given if given.dim == 1 else None), False
    if padding is not None:
        return _padded(node, given, *padding)
    along = operations.along(node, model, given.rank)
    if along is not None:
        return (None if given.dim in along else given), "soft" in _title(node, model)
    over = operations.reduced_over(node, given.rank)
    return None if over is None else _reduced(node, given, over)


def _title(node: fx.Node, model: nn.Module) -> str:
    return type(operations.called(node, model)).__name__.lower() if node.op == "call_module" else name_of(node)


def _padded(node: fx.Node, given: Channels, margins: list[int], quiet: bool) -> tuple[Channels | None, bool]:
    """Follow a padding; channels that it adds are a space of their own."""
    pairs = list(zip(margins[::2], margins[1::2], strict=True))
    at = given.rank - 1 - given.dim
    if at >= len(pairs) or pairs[at] == (0, 0):
        return given, not quiet
    before, after = pairs[at]
    if min(before, after) < 0:
        return None, False
    ends = [
        (Part(f"+{node.name} {side}", count),) if count else ()
        for side, count in (("before", before), ("after", after))
    ]
    return replace(given, parts=(*ends[0], *given.parts, *ends[1])), not quiet


def _reduced(node: fx.Node, given: Channels, over: tuple[int, ...]) -> tuple[Channels | None, bool]:
    name, wakes = name_of(node), name_of(node) in {"logsumexp", "argmax", "argmin", "all", "prod"}
    if given.dim in over or 0 in over:
        return None, False
    shape = shape_of(node)
    several = shape is None  # values and their places
    kept = argument(node, "keepdim", 3 if name == "norm" else 2, False) if several else (len(shape or ()) == given.rank)
    if kept:
        return given, wakes
    dim = given.dim - sum(each < given.dim for each in over)
    return replace(given, rank=given.rank - len(over), dim=dim), wakes


def _permuted(node: fx.Node, given: Channels) -> Channels | None:
    """Try the permutation on a tensor whose dimensions can be told apart."""
    tried = torch.empty(_SIZES[: given.rank], device="meta")
    target, rest = node.target, node.args[1:]
    if name_of(node) == "getattr":
        order = getattr(tried, str(rest[0])).shape
    elif isinstance(target, str):
        order = getattr(tried, target)(*rest, **node.kwargs).shape
    else:
        kwargs = {key: value for key, value in node.kwargs.items() if key != "input"}
        order = target(tried, *rest, **kwargs).shape
    return replace(given, dim=list(order).index(_SIZES[given.dim]))


def _taken(node: fx.Node, given: Channels) -> Channels | None:
    """Follow ``narrow`` and ``select`` along one dimension."""
    dim = int(argument(node, "dim", 1, 0)) % given.rank
    if name_of(node) == "select":
        if dim in {given.dim, 0}:
            return None
        return replace(given, rank=given.rank - 1, dim=given.dim - (dim < given.dim))
    if dim != given.dim:
        return given
    start, length = (argument(node, *each, None) for each in (("start", 2), ("length", 3)))
    if not isinstance(start, int) or not isinstance(length, int):
        return None
    parts = _between(given.parts, start % given.numbers if given.numbers else 0, length)
    return None if parts is None else replace(given, parts=parts)


def _between(parts: tuple[Part, ...], start: int, length: int) -> tuple[Part, ...] | None:
    """Return the parts that some consecutive numbers belong to; None if a channel would be split."""
    found, at = [], 0
    for part in parts:
        first, last = max(start - at, 0), min(start + length - at, part.numbers)
        if first < last:
            if first % part.span or last % part.span:
                return None
            units = (last - first) // part.span
            found.append(replace(part, start=part.start + first // part.span, units=units))
        at += part.numbers
    return tuple(found) or None


def _indexed(node: fx.Node, given: Channels) -> Channels | None:
    """Follow an index that leaves the channels' dimension and the samples alone."""
    place = node.args[1]
    entries = list(place) if isinstance(place, tuple) else [place]
    if not all(each is None or each is Ellipsis or isinstance(each, int | slice) for each in entries):
        return None
    missing = given.rank - sum(each is not None and each is not Ellipsis for each in entries)
    at = entries.index(Ellipsis) if Ellipsis in entries else len(entries)
    entries = [*entries[:at], *[slice(None)] * missing, *entries[at + 1 :]]
    read = made = 0
    found = None
    for each in entries:
        if each is not None and read in {0, given.dim} and each != slice(None):
            return None
        if each is not None and read == given.dim:
            found = made
        read += each is not None
        made += not isinstance(each, int) or isinstance(each, bool)
    return None if found is None else replace(given, rank=made, dim=found)


def _repeated(node: fx.Node, given: Channels) -> Channels | None:
    """Follow copies along dimensions in front, along others, or of the channels themselves."""
    shape = shape_of(node)
    if shape is None:
        return None
    dim = given.dim + len(shape) - given.rank
    times, rest = divmod(shape[dim], given.numbers)
    if rest or times < 1 or (times > 1 and name_of(node) == "expand"):
        return None
    if name_of(node) == "repeat_interleave":
        along = argument(node, "dim", 2, None)
        if not isinstance(along, int):
            return None
        parts = tuple(replace(part, span=part.span * times) for part in given.parts)
    else:
        parts = given.parts * times
    return replace(given, parts=parts, rank=len(shape), dim=dim)


_TAKES = {"narrow": _taken, "select": _taken, "getitem": _indexed}
"""Functions that take some of the numbers."""

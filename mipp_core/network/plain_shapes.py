"""Reshapings and parts of tensors, in the few forms that the rules for channels know."""

from typing import Any

from torch import fx, nn

Shape = tuple[int, ...]
"""Sizes of a tensor; -k where one is k times the number of images."""

_RESHAPED = frozenset({"view", "reshape", "squeeze", "unflatten", "view_as", "reshape_as", "resize"})
_EXPANDED = frozenset({"expand", "expand_as", "broadcast_to"})
_PARTED = frozenset({"split", "chunk", "split_with_sizes", "tensor_split", "hsplit"})


def name_of(node: fx.Node) -> str:
    """Return the name of the function or method that a node calls, without underscores at its ends."""
    if node.op not in {"call_function", "call_method"}:
        return ""
    return (node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")).strip("_")


def tensors_read(node: fx.Node) -> list[fx.Node]:
    """Return the tensors that a node reads, without the sizes that it is told."""
    return [read for read in node.all_input_nodes if "shape" in read.meta] or list(node.all_input_nodes)


def shape_of(node: Any) -> Shape | None:
    """Return a tensor's shape where it is known."""
    return node.meta.get("shape") if isinstance(node, fx.Node) else None


def state_shapes(graph: fx.Graph) -> None:
    """Write reshapings as ``reshape`` with all sizes, expansions as ``expand``, and parts as ``narrow``, in place."""
    for node in list(graph.nodes):
        name = name_of(node)
        if shape_of(node) is None or not node.all_input_nodes:
            continue
        source = node.all_input_nodes[0]
        if name in _RESHAPED:
            _reshaped(node, source)
        elif name in _EXPANDED:
            _expanded(node, source)
        elif name == "getitem":
            _getitem(node, source)


def state_unflattening(node: fx.Node, module: nn.Module) -> None:
    """Write a call of ``nn.Unflatten`` as ``reshape``."""
    if isinstance(module, nn.Unflatten) and shape_of(node) is not None:
        _reshaped(node, node.all_input_nodes[0])


def _reshaped(node: fx.Node, source: fx.Node) -> None:
    """State all sizes of a reshaping: one that is free as -1, others by those of the tensor that is reshaped."""
    shape = shape_of(node) or ()
    open_at = [dim for dim, size in enumerate(shape) if size < 0 or _is_free(node, dim)]
    unknown = [dim for dim in open_at if _like(node, dim) is None] or open_at[:1]
    if len(unknown) < 2:
        sizes = (-1 if dim in unknown else _stated(node, dim) for dim in range(len(shape)))
        _call(node, "reshape", source, tuple(sizes))


def _stated(node: fx.Node, dim: int) -> int | fx.Node:
    """Return a size of a node's result: a number, or a node that reads it off an earlier tensor where it is free."""
    shape, like = shape_of(node) or (), _like(node, dim)
    if like is None or not (shape[dim] < 0 or _is_free(node, dim)):
        return shape[dim]
    with node.graph.inserting_before(node):
        return node.graph.call_method("size", like)


def _like(node: fx.Node, dim: int) -> tuple[fx.Node, int] | None:
    """Return an earlier tensor, and its dimension, of the same size for all images."""
    found: list[tuple[fx.Node, int] | None] = node.meta.get("like", [])
    return found[dim] if dim < len(found) else None


def _is_free(node: fx.Node, dim: int) -> bool:
    """Tell whether a size depends on the images' size."""
    free = node.meta.get("free", ())
    return dim < len(free) and bool(free[dim])


def _expanded(node: fx.Node, source: fx.Node) -> None:
    """Write -1 for every size that stays, so that an expansion only states those that it makes."""
    own, shape = shape_of(source), shape_of(node) or ()
    if own is None:
        return
    start = len(shape) - len(own)
    stays = [at >= start and own[at - start] == size for at, size in enumerate(shape)]
    made = [at for at, kept in enumerate(stays) if not kept]
    if all(_like(node, at) is not None for at in made if shape[at] < 0 or _is_free(node, at)):
        sizes = (-1 if kept else _stated(node, at) for at, kept in enumerate(stays))
        _call(node, "expand", source, tuple(sizes))


def _getitem(node: fx.Node, source: fx.Node) -> None:
    """Turn one of several parts, or a slice along one dimension, into a narrowed tensor."""
    place = node.args[1]
    if isinstance(place, int) and name_of(source) in _PARTED:
        _part(node, source, place)
    elif name_of(source) == "unbind" and isinstance(place, int):
        _call(node, "select", source.all_input_nodes[0], argument(source, "dim", 1, 0), place)
    elif shape_of(source) is not None:
        _sliced(node, source, place if isinstance(place, tuple) else (place,))


def argument(node: fx.Node, name: str, place: int, usual: Any) -> Any:
    """Return an argument given by name or by place, or what it usually is."""
    return node.kwargs.get(name, node.args[place] if len(node.args) > place else usual)


def _part(node: fx.Node, source: fx.Node, place: int) -> None:
    """Narrow to one of several parts, which starts where the parts before it end."""
    whole, shape = source.all_input_nodes[0], shape_of(node)
    if shape is None:
        return
    dim = int(argument(source, "dim", 2, 0)) % len(shape)
    sizes: dict[int, int] = source.meta.setdefault("parts", {})
    for part in source.users:
        sizes[part.args[1]] = part.meta["shape"][dim]  # type: ignore[index]
    before = [sizes.get(at, -1) for at in range(place)]
    if min([*before, shape[dim]]) >= 0 and not _is_free(whole, dim):
        _call(node, "narrow", whole, dim, sum(before), shape[dim])


def _sliced(node: fx.Node, source: fx.Node, place: tuple[Any, ...]) -> None:
    """Take contiguous slices by ``narrow``, one dimension at a time; what else an index does stays."""
    shape = shape_of(source)
    if shape is None or not all(each is None or each is Ellipsis or isinstance(each, int | slice) for each in place):
        return
    rest, dim = [], 0
    for each in _spelled_out(place, len(shape)):
        slices = _contiguous(each, shape[dim]) if isinstance(each, slice) and not _is_free(source, dim) else None
        if slices is not None:
            source = _narrowed(node, source, dim, *slices)
        rest.append(slice(None) if slices is not None else each)
        dim += each is not None
    if all(each == slice(None) for each in rest):
        node.replace_all_uses_with(source)
        node.graph.erase_node(node)
    else:
        node.args = (source, tuple(rest))


def _spelled_out(place: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """Return an index with one entry per dimension, and None per new one."""
    missing = rank - sum(each is not None and each is not Ellipsis for each in place)
    at = next((at for at, each in enumerate(place) if each is Ellipsis), len(place))
    return (*place[:at], *[slice(None)] * missing, *place[at + 1 :])


def _contiguous(part: slice, size: int) -> tuple[int, int] | None:
    """Return the start and the length of a slice that takes every number of some; None for other slices."""
    if size < 0 or part == slice(None) or any(isinstance(end, fx.Node) for end in (part.start, part.stop)):
        return None
    start, stop, step = part.indices(size)
    return (start, max(0, stop - start)) if step == 1 and (start, stop) != (0, size) else None


def _narrowed(node: fx.Node, source: fx.Node, dim: int, start: int, length: int) -> fx.Node:
    with node.graph.inserting_before(node):
        part = node.graph.call_method("narrow", (source, dim, start, length))
    own = shape_of(source) or ()
    part.meta = {**source.meta, "shape": (*own[:dim], length, *own[dim + 1 :])}  # a size that is not free
    return part


def _call(node: fx.Node, method: str, source: fx.Node, *args: Any) -> None:
    """Let a node call another method; its result stays what it was."""
    node.op, node.target, node.args, node.kwargs = "call_method", method, (source, *args), {}

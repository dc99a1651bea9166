"""One graph out of several recordings of a network: what differs between them is what depends on the images' sizes."""

import operator
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx

from mipp_core.errors import ModelError
from mipp_core.network.plain_shapes import Shape
from mipp_core.network.recorder import Recorder

BATCHES = (2, 3)
"""Images in the two runs that are told apart by their number."""


def merge(first: Recorder, more: Recorder, larger: Recorder | None = None) -> None:
    """Leave the number of images, and their size, free in the first of several recordings.

    Afterwards every node's ``meta["shape"]`` says which sizes grow with the number of images, ``meta["free"]`` which
    depend on the images' size, and ``meta["like"]`` which earlier tensor's dimension has each size.

    Args:
        first: of ``BATCHES[0]`` images; changed in place.
        more: of ``BATCHES[1]`` images.
        larger: of as many as the first, but larger; None if their size is fixed.

    Raises:
        ModelError: they differ in what cannot be expressed by the sizes of tensors.
    """
    runs = [run for run in (first, more, larger) if run is not None]
    listed = [list(run.graph.nodes) for run in runs]
    if any([_kind(node) for node in nodes] != [_kind(node) for node in listed[0]] for nodes in listed):
        raise ModelError(
            "This network does something else for another number of images; its forward pass must be the same for all."
        )
    merger = _Merger(first.graph, [dict(zip(listed[0], nodes, strict=True)) for nodes in listed])
    for node in listed[0]:
        merger.read(node)
    for node in listed[0]:
        if node.op == "get_attr" and node.target in first.constants:
            merger.free(node, first.constants, [run.constants[str(node.target)] for run in runs])


def _kind(node: fx.Node) -> tuple[str, Any, int]:
    return node.op, node.target, len(node.meta.get("shape", ()))


class _Merger:
    """Compares the arguments of recordings and replaces those that depend on sizes.

    Args:
        graph: of the first recording.
        twins: for every recording, the node of the first -> its own.
    """

    def __init__(self, graph: fx.Graph, twins: list[Mapping[fx.Node, fx.Node]]) -> None:
        self._graph, self._twins = graph, twins
        self._image = next(node for node in graph.nodes if node.op == "placeholder")
        self._sizes: dict[tuple[fx.Node, int], fx.Node] = {}
        self._multiples: dict[int, fx.Node] = {}
        self._seen: dict[tuple[int, ...], tuple[fx.Node, int]] = {}

    def read(self, node: fx.Node) -> None:
        """Merge a node's arguments and shapes."""
        twins = [each[node] for each in self._twins]
        node.args = self._merged(*(twin.args for twin in twins))
        node.kwargs = dict(self._merged(*(twin.kwargs for twin in twins)))
        shapes = [twin.meta["shape"] for twin in twins] if "shape" in node.meta else []
        node.meta["like"] = [self._seen.get(sizes) for sizes in zip(*shapes, strict=True)]
        for dim, sizes in enumerate(zip(*shapes, strict=True)):
            self._seen.setdefault(sizes, (node, dim))
        if shapes:
            node.meta["free"] = tuple(sizes[0] != sizes[-1] and len(sizes) > 2 for sizes in zip(*shapes, strict=True))
            node.meta["shape"] = _shape(shapes[0], shapes[1])

    def _merged(self, one: Any, *others: Any) -> Any:
        """Return the first recording's arguments with the sizes left free."""
        if isinstance(one, fx.Node):
            alike = all(twins[one] is other for twins, other in zip(self._twins[1:], others, strict=True))
            return one if alike else self._refuse()
        if isinstance(one, dict):
            return {key: self._merged(value, *(other[key] for other in others)) for key, value in one.items()}
        if isinstance(one, list | tuple):
            if any(len(other) != len(one) for other in others):
                self._refuse()
            parts = [self._merged(*each) for each in zip(one, *others, strict=True)]
            return parts if isinstance(one, list) else tuple(parts)
        if isinstance(one, slice):
            ends = ([getattr(each, at) for each in (one, *others)] for at in ("start", "stop", "step"))
            return slice(*(self._merged(*each) for each in ends))
        if type(one) is int and any(other != one for other in others):
            return self._size(one, *others)
        return one if all(other is one or other == one for other in others) else self._refuse()

    def _size(self, one: int, other: int, larger: int | None = None) -> fx.Node:
        """Return a node that gives a number which is the size of a tensor, or a multiple of the number of images."""
        times = _times(one, other)
        if times and larger in {None, one}:
            return self._multiple(times)
        sizes = (one, other) if larger is None else (one, other, larger)
        if sizes not in self._seen:
            self._refuse()
        return self._size_of(*self._seen[sizes])

    def _size_of(self, tensor: fx.Node, dim: int) -> fx.Node:
        if (tensor, dim) not in self._sizes:
            with self._graph.inserting_after(tensor):
                self._sizes[tensor, dim] = self._graph.call_method("size", (tensor, dim))
        return self._sizes[tensor, dim]

    def _multiple(self, times: int) -> fx.Node:
        images = self._size_of(self._image, 0)
        if times not in self._multiples:
            with self._graph.inserting_after(images):
                product = images if times == 1 else self._graph.call_function(operator.mul, (images, times))
            self._multiples[times] = product
        return self._multiples[times]

    def free(self, node: fx.Node, constants: dict[str, Tensor], found: list[Tensor]) -> None:
        """Check a constant; one with an equal row per image, such as a recurrent layer's first state, is expanded."""
        one, other = found[:2]
        if all(each.shape == one.shape and (one.is_meta or torch.equal(each, one)) for each in found):
            return
        along = [dim for dim, sizes in enumerate(zip(one.shape, other.shape, strict=True)) if sizes == BATCHES]
        row = one.narrow(along[0], 0, 1) if len(along) == 1 else one[:0]
        if one.is_meta or not all(_repeats(row, each) for each in found):
            raise ModelError(
                "This network makes a tensor from its images, or from their number, outside of PyTorch's functions, "
                "which cannot be followed; compute it with PyTorch's functions from the tensor it depends on."
            )
        constants[str(node.target)] = row.clone()
        sizes = [self._multiple(1) if dim == along[0] else -1 for dim in range(one.ndim)]
        with self._graph.inserting_after(node):
            rows = self._graph.call_method("expand", (node, *sizes))
        node.replace_all_uses_with(rows, delete_user_cb=lambda user: user is not rows)
        rows.meta.update(node.meta)
        node.meta["shape"] = tuple(row.shape)

    def _refuse(self) -> Any:
        raise ModelError(
            "This network's forward pass depends on the number of images other than by a multiple of it; it must be "
            "the same for all."
        )


def _repeats(row: Tensor, whole: Tensor) -> bool:
    """Tell whether a tensor is one row, repeated."""
    fits = all(size in {1, other} for size, other in zip(row.shape, whole.shape, strict=True))
    return row.numel() > 0 and fits and torch.equal(row.expand_as(whole), whole)


def _shape(one: tuple[int, ...], other: tuple[int, ...]) -> Shape | None:
    """Return a shape with -k where a size is k times the number of images; None if one is no such multiple."""
    sizes = [size if size == twin else -_times(size, twin) for size, twin in zip(one, other, strict=True)]
    return None if 0 in [size for size, given in zip(sizes, one, strict=True) if given] else tuple(sizes)


def _times(one: int, other: int) -> int:
    """Return how many times the number of images two sizes are; 0 if they are no such multiple."""
    times, rest = divmod(one, BATCHES[0])
    return times if not rest and other == times * BATCHES[1] else 0

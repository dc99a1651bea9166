"""From a network as somebody wrote it to a graph that computes the same and that pruning can follow.

``recorded`` runs the network on two batches of different sizes.  What differs between the two graphs must be the number
of images, which then stays free; anything else is refused.  The graph is brought into a plain form (``plain``), and
compared with the network itself before anybody relies on it.
"""

import operator
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.errors import ModelError
from mipp_core.evaluation import evaluating
from mipp_core.network.guessing import guessed_images
from mipp_core.network.outputs import largest_difference
from mipp_core.network.plain import made_plain
from mipp_core.network.plain_shapes import Shape
from mipp_core.network.recorder import Recorder
from mipp_core.network.unwrapping import unwrapped

RECORDED = "recorded"
"""Key in a graph module's ``meta`` that says that its graph was recorded, with shapes, and is in the plain form."""

_BATCHES = (2, 3)
"""Images in the two runs."""

_ROUNDING = {torch.float32: 1e-6, torch.float64: 1e-10}
"""Number type -> largest relative difference that counts as rounding."""


def is_recorded(model: nn.Module) -> bool:
    """Tell whether a network came from ``recorded``, or is a copy of one that did."""
    return isinstance(model, fx.GraphModule) and RECORDED in model.meta


def followed(model: nn.Module) -> fx.GraphModule:
    """Return a network that was recorded as it is, and another recorded on images of the first usual size it can read.

    Where images are at hand, ``recorded`` should be given those.

    Raises:
        ModelError: see ``recorded``.
    """
    return model if is_recorded(model) else recorded(model, guessed_images(model))  # type: ignore[return-value]


def written(model: nn.Module, images: Float[Tensor, "n ..."]) -> fx.GraphModule:
    """Return a network that ``torch.fx`` wrote, such as a cut one, as it is, and any other recorded."""
    return model if isinstance(model, fx.GraphModule) else recorded(model, images)


@torch.no_grad()
def recorded(model: nn.Module, images: Float[Tensor, "n ..."]) -> fx.GraphModule:
    """Return a network that computes the same in evaluation mode and whose graph can be followed.

    It shares the weights of the one given, whose training flag it has.  The number of images stays free; if forward
    uses other sizes, they are those of the images given.  Parametrised weights (as by ``weight_norm``) are folded in;
    layers that only run in training are left out.

    Args:
        model: any network with one tensor of images as its input; a network that was recorded is returned as it is.
        images: at least one, on the network's device.

    Raises:
        ModelError: names what cannot be followed, or is random, or depends on the images or their number.
    """
    if is_recorded(model):
        return model  # type: ignore[return-value]
    plain = unwrapped(model)
    with evaluating(plain):
        runs = [_run(plain, _as_many(images, count)) for count in _BATCHES]
        _merge(*runs)
        network = made_plain(plain, runs[0].graph, runs[0].constants)
        network.eval()
        if images.device.type != "meta":
            check_same(plain, network, images)
    network.meta[RECORDED] = True
    for module in network.modules():
        module.training = model.training
    return network


@torch.no_grad()
def check_same(model: nn.Module, network: nn.Module, images: Float[Tensor, "n ..."]) -> None:
    """Refuse a recording that does not compute what the network computes, on one and on several images.

    Raises:
        ModelError: the network's answers are random, or the recording's are others.
    """
    limit = _ROUNDING.get(images.dtype, 1e-6)
    for count in (1, 5):
        shown = _as_many(images.flip(0), count)
        with torch.random.fork_rng(devices=[]):
            answer, again = model(shown.clone()), model(shown.clone())
        if not largest_difference(again, answer) <= limit:
            raise ModelError(
                "This network's answers are random: the same images gave two answers in evaluation mode, as by "
                "F.dropout(x) without training=self.training; make it deterministic before pruning."
            )
        found = largest_difference(network(shown.clone()), answer)
        if not found <= limit:
            raise ModelError(
                f"This network cannot be followed: what was recorded of it differs from its own answers by {found:.1e} "
                f"of the largest on {count} other images, which is more than rounding ({limit:.0e}); its forward pass "
                "must do the same for all images and any number of them."
            )


def _as_many(images: Tensor, count: int) -> Tensor:
    """Return a number of images, some of them twice if there are too few."""
    return images[torch.arange(count, device=images.device) % len(images)].clone()


def _run(model: nn.Module, images: Tensor) -> Recorder:
    recorder = Recorder(model)
    try:
        recorder.run(images)
    except ModelError:
        raise
    except Exception as problem:  # whatever somebody's forward method raises
        words = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        shape = "×".join(map(str, images.shape))
        raise ModelError(
            f"This network cannot be run on {shape} images ({words}); give images of the size it was made for."
        ) from problem
    return recorder


def _merge(first: Recorder, second: Recorder) -> None:
    """Leave the number of images free in the first of two recordings, and mark which sizes grow with it."""
    nodes, others = list(first.graph.nodes), list(second.graph.nodes)
    twins = dict(zip(nodes, others, strict=False))
    if [_kind(node) for node in nodes] != [_kind(node) for node in others]:
        raise ModelError(
            "This network does something else for another number of images; its forward pass must be the same for all."
        )
    merger = _Merger(first.graph, twins)
    for node, twin in twins.items():
        node.args = merger.merged(node.args, twin.args)
        node.kwargs = dict(merger.merged(node.kwargs, twin.kwargs))
        if "shape" in node.meta:
            node.meta["shape"] = _shape(node.meta["shape"], twin.meta["shape"])
    for node in nodes:
        if node.op == "get_attr" and node.target in first.constants:
            merger.free(node, first.constants, second.constants[str(node.target)])


def _kind(node: fx.Node) -> tuple[str, Any, int]:
    return node.op, node.target, len(node.meta.get("shape", ()))


def _shape(one: tuple[int, ...], other: tuple[int, ...]) -> Shape | None:
    """Return a shape with -k where a size is k times the number of images; None if one is no such multiple."""
    sizes = [size if size == twin else -_times(size, twin) for size, twin in zip(one, other, strict=True)]
    return None if 0 in [size for size, given in zip(sizes, one, strict=True) if given] else tuple(sizes)


def _times(one: int, other: int) -> int:
    """Return how many times the number of images two sizes are; 0 if they are no such multiple."""
    times, rest = divmod(one, _BATCHES[0])
    return times if not rest and other == times * _BATCHES[1] else 0


class _Merger:
    """Compares the arguments of two recordings and replaces multiples of the number of images."""

    def __init__(self, graph: fx.Graph, twins: Mapping[fx.Node, fx.Node]) -> None:
        self._graph, self._twins = graph, twins
        self._image = next(node for node in graph.nodes if node.op == "placeholder")
        self._multiples: dict[int, fx.Node] = {}

    def merged(self, one: Any, other: Any) -> Any:
        """Return the first recording's arguments with the number of images left free."""
        if isinstance(one, fx.Node):
            return one if self._twins.get(one) is other else self._refuse()
        if isinstance(one, dict):
            return {key: self.merged(value, other[key]) for key, value in one.items()}
        if isinstance(one, list | tuple):
            if len(one) != len(other):
                self._refuse()
            parts = [self.merged(*pair) for pair in zip(one, other, strict=True)]
            return parts if isinstance(one, list) else tuple(parts)
        if isinstance(one, slice):
            return slice(*(self.merged(getattr(one, at), getattr(other, at)) for at in ("start", "stop", "step")))
        if type(one) is int and type(other) is int and one != other:
            return self._multiple(one, other)
        return one if one == other or (one is other) else self._refuse()

    def free(self, node: fx.Node, constants: dict[str, Tensor], other: Tensor) -> None:
        """Check a constant; one with an equal row per image, such as a recurrent layer's first state, is expanded."""
        name = str(node.target)
        one = constants[name]
        if one.shape == other.shape and (one.is_meta or torch.equal(one, other)):
            return
        along = [dim for dim, sizes in enumerate(zip(one.shape, other.shape, strict=True)) if sizes == _BATCHES]
        row = one.narrow(along[0], 0, 1) if len(along) == 1 else one[:0]
        if one.is_meta or not torch.equal(row.expand_as(other), other) or not torch.equal(row.expand_as(one), one):
            raise ModelError(
                "This network makes a tensor from its images, or from their number, outside of PyTorch's functions, "
                "which cannot be followed; compute it with PyTorch's functions from the tensor it depends on."
            )
        constants[name] = row.clone()
        sizes = [self._multiple(*_BATCHES) if dim == along[0] else -1 for dim in range(one.ndim)]
        with self._graph.inserting_after(node):
            rows = self._graph.call_method("expand", (node, *sizes))
        node.replace_all_uses_with(rows, delete_user_cb=lambda user: user is not rows)
        rows.meta.update(node.meta)
        node.meta["shape"] = tuple(row.shape)

    def _multiple(self, one: int, other: int) -> fx.Node:
        times = _times(one, other)
        if not times:
            self._refuse()
        if 1 not in self._multiples:
            with self._graph.inserting_after(self._image):
                self._multiples[1] = self._graph.call_method("size", (self._image, 0))
        if times not in self._multiples:
            with self._graph.inserting_after(self._multiples[1]):
                self._multiples[times] = self._graph.call_function(operator.mul, (self._multiples[1], times))
        return self._multiples[times]

    def _refuse(self) -> Any:
        raise ModelError(
            "This network's forward pass depends on the number of images other than by a multiple of it; it must be "
            "the same for all."
        )

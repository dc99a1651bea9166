"""Rebuilding: new weights for a cut network in closed form, without labels and without training.

Theorem 1 of the MIPP paper says that if information is preserved, a function exists that rebuilds the next layer
from the kept units.  This finds a linear one, layer by layer: a least-squares fit from what the slim network's
layer reads (for convolutions, its patches) to what the dense network's layer gives, before normalisation and
nonlinearity.  It is not in the paper.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from threading import Lock

import torch
from jaxtyping import Bool, Float
from torch import Tensor, fx, nn

from mipp_core.cutting.least_squares import can_be_fitted, fitted
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import carried_units
from mipp_core.evaluation import evaluating, quick_pools
from mipp_core.network.channels import sizes_of
from mipp_core.network.layers import Wiring, weighted, wiring_of
from mipp_core.network.lockstep import Walk, held_at_once
from mipp_core.network.operations import BATCH_NORMS, BatchNorm, called
from mipp_core.network.recording import written
from mipp_core.vocabulary import INPUT

_KEPT = 50_000_000
"""Numbers that are kept of what a dense network's layers give: 200 MB in float32."""


@torch.no_grad()
def rebuild(
    dense: nn.Module,
    slim: nn.Module,
    masks: KeepMasks,
    images: Float[Tensor, "n c h w"],
    batch_size: int | None = None,
    aims: "Aims | None" = None,
) -> None:
    """Refit the slim network's layers in place, input to output, to what the dense network's layers give.

    Each layer is fitted on what the earlier, already rebuilt layers give, so it makes up for their errors.  Both
    networks run once, side by side.

    A layer whose inputs have not changed is left alone.  So are collapsed layers, depthwise convolutions,
    layers called more than once, layers that pad with anything but zeros, and layers with fewer than two rows (samples
    times positions) per regressor.  If a layer has no bias, the intercept goes into the running mean of the batch
    normalisation that is its only reader; without one, the fit goes through the origin.

    Args:
        dense: the network that was cut; left untouched.
        slim: the network after ``shrink``; its training flags are restored.
        masks: what was kept.
        images: unlabelled samples, on the networks' device; only as many of the first as fit in a few GB are used.
        batch_size: images at once, by default see ``evaluation.at_once``; it does not change the result.
        aims: what the dense network gives for these images, if several slim networks are rebuilt one after another.

    Raises:
        ModelError: a network cannot be followed, or the masks do not fit it.
    """
    aims = aims or Aims(dense, images, batch_size)
    wiring, slim = aims.wiring, written(slim, images)
    dense, graph = wiring.network, slim.graph
    carried = carried_units(dense, wiring, masks)
    with evaluating(slim), quick_pools(slim):
        reads = Walk(slim, graph, masks.blank_pixels(aims.images), batch_size)
        wanted = aims.in_order()
        for node in _to_refit(slim, graph, wiring, masks):
            name = str(node.target)
            rows = carried.get(name, torch.ones(sizes_of(weighted(dense, name))[1], dtype=torch.bool))
            _refit(slim, node, (reads.read_by(node), wanted(name)), rows, masks.get(name, rows))


class Aims:
    """What a dense network's layers give for some images, computed once for all slim networks that are rebuilt.

    Several threads may ask at once.  What a layer gives is kept while there is room; of a large network, it is computed
    again for every rebuild.

    Args:
        dense: the network; it must not change meanwhile.
        images: unlabelled samples on its device; only as many of the first are used as fit in a few GB.
        batch_size: images at once.
    """

    def __init__(self, dense: nn.Module, images: Float[Tensor, "n c h w"], batch_size: int | None = None) -> None:
        self.wiring = wiring_of(dense)
        graph = self.wiring.flow.graph
        self.images = held_at_once(self.wiring.network, graph, images)
        self._batch_size = batch_size
        self._nodes = {str(node.target): node for node in graph.nodes if node.op == "call_module"}
        self._kept: dict[str, list[Tensor]] = {}
        self._room = _KEPT
        self._turn = Lock()

    def in_order(self) -> Callable[[str], list[Tensor]]:
        """Return what gives a layer's results, batch by batch; it is asked for layers from the input to the output."""
        walks: list[Walk] = []

        def wanted(name: str) -> list[Tensor]:
            with self._turn:
                return self._kept[name] if name in self._kept else self._walked(name, walks)

        return wanted

    def _walked(self, name: str, walks: list[Walk]) -> list[Tensor]:
        """Go on to a layer with the one walk, which is begun if there is none, and keep what the layer gives."""
        network = self.wiring.network
        with evaluating(network), quick_pools(network):
            if not walks:
                walks.append(Walk(network, self.wiring.flow.graph, self.images, self._batch_size))
            made = walks[0].made_by(self._nodes[name])
        size = sum(batch.numel() for batch in made)
        if size <= self._room:
            self._room -= size
            self._kept[name] = made
        return made


def _to_refit(slim: nn.Module, graph: fx.Graph, wiring: Wiring, masks: KeepMasks) -> Iterator[fx.Node]:
    """Yield the layers, input to output, that read something changed by the cut and can be refitted."""
    owners = Counter(id(weighted(slim, str(node.target)).weight) for node in _calls(graph, wiring))
    layers, complete = set(_calls(graph, wiring)), INPUT not in masks or bool(masks[INPUT].all())
    changed = {node for node in graph.nodes if node.op == "placeholder" and not complete}
    for node in graph.nodes:
        behind = not changed.isdisjoint(node.all_input_nodes)
        keep = masks.get(str(node.target)) if node in layers else None
        if behind and node in layers and (keep is None or keep.any()):
            layer = weighted(slim, str(node.target))
            if owners[id(layer.weight)] == 1:
                yield node
        if behind or not (keep is None or keep.all()):
            changed.add(node)


def _calls(graph: fx.Graph, wiring: Wiring) -> Iterator[fx.Node]:
    """Yield the nodes that call a layer with units."""
    return (node for node in graph.nodes if node.op == "call_module" and str(node.target) in wiring.weighted)


def _refit(
    slim: nn.Module,
    node: fx.Node,
    heard: tuple[list[Tensor], list[Tensor]],
    rows: Bool[Tensor, " dense_units"],
    keep: Bool[Tensor, " dense_units"],
) -> None:
    """Refit the kept units of a layer; ``rows`` are the units it still has, some of which may only fill up a group."""
    layer = weighted(slim, str(node.target))
    if not can_be_fitted(layer):
        return
    device = layer.weight.device
    norm = None if layer.bias is not None else _only_norm_behind(slim, node)
    fit = fitted(
        layer,
        *heard,
        rows.nonzero().flatten().to(device),
        through_origin=layer.bias is None and norm is None,
        normalised=any(isinstance(module, BATCH_NORMS) for module in slim.modules()),
    )
    if fit is None:
        return
    here, (weights, intercept) = keep[rows].to(device), fit
    layer.weight[here] = weights[here].to(layer.weight)
    if layer.bias is not None:
        layer.bias[here] = intercept[here].to(layer.bias)
    elif norm is not None and norm.running_mean is not None:
        norm.running_mean[here] -= intercept[here].to(norm.running_mean)


def _only_norm_behind(slim: nn.Module, node: fx.Node) -> BatchNorm | None:
    """Return the batch normalisation that is a layer's only reader and reads nothing else."""
    reader = next(iter(node.users), None)
    if reader is None or len(node.users) > 1 or not isinstance(called(reader, slim), BATCH_NORMS):
        return None
    norm = called(reader, slim)
    once = sum(other.target == reader.target for other in node.graph.nodes) == 1
    return norm if once and norm.running_mean is not None else None

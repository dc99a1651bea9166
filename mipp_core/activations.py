"""One pass over the data: what every unit of every layer says about every sample."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.errors import SettingError
from mipp_core.evaluation import evaluating
from mipp_core.layers import OUTPUT, Layer, Wiring, wiring_of
from mipp_core.memory import halving
from mipp_core.vocabulary import INPUT, Collapse

Activations = dict[str, Float[Tensor, "n units"]]
"""Layer name -> one number per sample and unit."""


def collapse_maps(maps: Float[Tensor, "n units positions"], how: Collapse) -> Float[Tensor, "n units"]:
    """Turn each unit's map into one number (MIPP paper, Table 3).

    ``l1`` is the sum of magnitudes, ``l2`` the root of the sum of squares, ``mean`` the mean magnitude and ``std``
    the standard deviation over positions.  ``mean`` is ``l1`` divided by the map's size; MIPP standardises
    activations, so these two always decide alike.  A neuron has a single position and is left as it is.

    Raises:
        SettingError: the function is not one of the four.
    """
    if maps.shape[2] == 1:
        return maps.squeeze(2)
    if how == "l1":
        return maps.abs().sum(2)
    if how == "l2":
        return maps.square().sum(2).sqrt()
    if how == "mean":
        return maps.abs().mean(2)
    if how == "std":
        return maps.std(2, correction=0)
    raise SettingError(f"Filters cannot be collapsed by {how!r}; choose l1, l2, mean or std.")


@torch.no_grad()
def record(
    model: nn.Module, images: Float[Tensor, "n c h w"], how: Collapse = "l1", batch_size: int = 1000
) -> Activations:
    """Run the network once and return the activations of the input, of every prunable layer and of the output.

    A unit's activation is what is read of it (see ``mipp_core.layers.Voice``).  The input's units are its pixels
    (channels taken together are kept apart: one unit per channel and position); the output is the logits.

    Args:
        model: its training flags are restored and no hook stays behind.
        images: on the network's device.
        how: collapses a filter's map into one number.
        batch_size: samples per forward pass; it does not change the result.
    """
    return halving(lambda size: _record(model, images, how, size), batch_size, "images")


def _record(model: nn.Module, images: Tensor, how: Collapse, batch_size: int) -> Activations:
    parts: dict[str, list[Tensor]] = {name: [] for name in (INPUT, *wiring_of(model).names, OUTPUT)}

    def hear(name: str, maps: Tensor) -> None:
        parts[name].append(collapse_maps(maps.flatten(2) if maps.ndim > 2 else maps[..., None], how))

    for batch in images.split(batch_size):
        parts[INPUT].append(batch.flatten(1))
        parts[OUTPUT].append(listen(model, batch, hear))
    return {name: torch.cat(pieces) for name, pieces in parts.items()}


def listen(
    model: nn.Module, images: Float[Tensor, "n c h w"], hear: Callable[[str, Float[Tensor, "n units ..."]], None]
) -> Tensor:
    """Run a network in evaluation mode and tell ``hear`` each prunable layer's name and what is read of its units.

    Returns:
        The network's output.
    """
    wiring = wiring_of(model)
    with evaluating(model):
        return _Listener(model, wiring, hear).run(images)


class _Listener(fx.Interpreter):
    """Runs a graph and passes on the voices of its layers; a tensor is dropped after its last use."""

    def __init__(self, model: nn.Module, wiring: Wiring, hear: Callable[[str, Tensor], None]) -> None:
        super().__init__(model, graph=wiring.flow.graph)
        self._hear = hear
        self._channels = {node.name: known for node, known in wiring.flow.channels.items()}
        self._at: dict[str, list[Layer]] = {}
        for layer in wiring.layers:
            self._at.setdefault(layer.voice.tensor, []).append(layer)

    def run_node(self, node: fx.Node) -> object:
        """Run one node; channels that lie along another dimension are told along the first."""
        result = super().run_node(node)
        for layer in self._at.get(node.name, []):
            maps = result.movedim(self._channels[node.name].dim - self._channels[node.name].rank, 1)
            self._hear(layer.name, maps[:, layer.voice.start : layer.voice.start + layer.units])
        return result

"""One pass over the data: the activation of every unit of every layer on every sample."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.errors import SettingError
from mipp_core.evaluation import evaluating
from mipp_core.memory import halving
from mipp_core.network.channels import Channels, Use
from mipp_core.network.finding import OUTPUT, Layer
from mipp_core.network.layers import Wiring, wiring_of
from mipp_core.network.outputs import tensors_of
from mipp_core.network.streams import Stream, streams_of
from mipp_core.vocabulary import INPUT, Collapse

Activations = dict[str, Float[Tensor, "n units"]]
"""Layer name -> one number per sample and unit."""

_NUMBERS = 40_000_000  # of one batch's images: limits the memory taken by maps where images are large


def without(layer: str) -> str:
    """Return the name under which ``record`` gives what a stream holds when a layer adds nothing to it."""
    return f"without {layer}"


def collapse_maps(maps: Float[Tensor, "n units positions"], how: Collapse) -> Float[Tensor, "n units"]:
    """Turn each unit's map into one number (MIPP paper, Table 3).

    ``l1`` is the sum of magnitudes, ``l2`` the root of the sum of squares, ``mean`` the mean magnitude and ``std``
    the standard deviation over positions.  ``mean`` is ``l1`` divided by the map's size; MIPP standardises
    activations, so these two always give the same decisions.  A neuron has a single position and is left as it is.

    Raises:
        SettingError: ``how`` is not one of the four.
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

    A unit's activation is what the next layer reads of it.  The input's units are its pixels (one unit per channel and
    position); the output is the logits.  If a layer is added into a residual stream, the next layer reads the sum:
    the result then holds the stream's channels with the layer, under its name, and without it, under
    ``without(name)``.  Layers that are not prunable but read prunable ones are recorded too, by their results.

    Args:
        model: its training flags are restored and no hooks are left on it.
        images: on the network's device.
        how: the function that collapses a filter's map into one number.
        batch_size: samples per forward pass, fewer if images are large; it does not change the result.
    """
    fitting = max(1, min(batch_size, _NUMBERS // images[0].numel()))
    return halving(lambda size: _record(model, images, how, size), fitting, "images")


def _record(model: nn.Module, images: Tensor, how: Collapse, batch_size: int) -> Activations:
    wiring = wiring_of(model, images)
    network, streams = wiring.network, streams_of(wiring)
    alone = [_voice(wiring, layer) for layer in wiring.layers if not layer.in_stream]
    places = [*alone, *map(_sum, streams), *_other_readers(wiring)]
    names = [*(place.name for place in places), *(without(stream.layer.name) for stream in streams)]
    parts: dict[str, list[Tensor]] = {name: [] for name in (INPUT, *names, OUTPUT)}

    def hear(name: str, maps: Tensor) -> None:
        collapsed = collapse_maps(maps.flatten(2) if maps.ndim > 2 else maps[..., None], how)
        parts[name].append(collapsed.clone())  # otherwise a view of a tensor that a later operation may overwrite

    with evaluating(network):
        for batch in images.split(batch_size):
            parts[INPUT].append(batch.flatten(1))
            answer = _Listener(network, wiring, places, hear, streams).run(batch)
            parts[OUTPUT].append(torch.cat([_as_units(tensor, how) for tensor in tensors_of(answer)], 1))
    return {name: torch.cat(pieces) for name, pieces in parts.items()}


def _as_units(answer: Tensor, how: Collapse) -> Float[Tensor, "n outputs"]:
    """Return one number per sample and output of the network."""
    rows = answer.reshape(len(answer), -1) if answer.ndim < 3 else answer
    return rows if rows.ndim == 2 else collapse_maps(rows.flatten(2), how)


@dataclass(frozen=True)
class _Place:
    """A place to record: some channels of a node's result."""

    name: str
    tensor: str
    channels: Channels
    start: int
    units: int
    span: int = 1

    def of(self, result: Tensor) -> Float[Tensor, "n units ..."]:
        """Return these channels of the node's result, along the second dimension."""
        rows = result.movedim(self.channels.dim - self.channels.rank, 1)
        own = rows[:, self.start :][:, : self.units * self.span]
        return own.unflatten(1, (self.units, self.span)) if self.span > 1 else own


def _voice(wiring: Wiring, layer: Layer) -> _Place:
    channels = next(known for node, known in wiring.flow.channels.items() if node.name == layer.voice.tensor)
    return _Place(layer.name, layer.voice.tensor, channels, layer.voice.start, layer.units)


def _sum(stream: Stream) -> _Place:
    name, tensor, units = stream.layer.name, stream.between[-1].name, stream.layer.units
    return _Place(name, tensor, stream.channels, stream.start, units, stream.span)


def _other_readers(wiring: Wiring) -> Iterator[_Place]:
    """Yield the layers that read prunable layers or the image, but are neither prunable nor the output."""
    first_call = {str(node.target): node for node in reversed(wiring.flow.graph.nodes)}
    read = (reader for layer in wiring.layers for reader in layer.readers)
    for name in dict.fromkeys([*wiring.image_readers, *read]):
        if name not in (*wiring.names, wiring.last, OUTPUT):
            channels = wiring.flow.channels[first_call[name]]
            yield _Place(name, first_call[name].name, channels, 0, channels.numbers)


def listen(
    model: nn.Module, images: Float[Tensor, "n c h w"], hear: Callable[[str, Float[Tensor, "n units ..."]], None]
) -> Tensor:
    """Run a network in evaluation mode and call ``hear`` with each prunable layer's name and what is read of its units.

    Returns:
        The network's output.
    """
    wiring = wiring_of(model, images)
    places = [_voice(wiring, layer) for layer in wiring.layers]
    with evaluating(wiring.network):
        return _Listener(wiring.network, wiring, places, hear).run(images)


@torch.no_grad()
def listen_to_reads(
    wiring: Wiring,
    images: Float[Tensor, "n c h w"],
    uses: Mapping[str, Use],
    streams: Sequence[Stream],
    hear: Callable[[str, Float[Tensor, "n numbers ..."]], None],
) -> None:
    """Run a network in evaluation mode and call ``hear`` with what its layers read, channels second, under their names.

    Before that it is called, for every layer that is added into a stream, with the same tensor's channels of that layer
    as they are without it, [n, units, span, ...], under ``without(name)``.

    Args:
        wiring: the network's.
        images: on its device.
        uses: what to hear, by any name.
        streams: those to hear the network without.
        hear: must not change what it is given.
    """
    places = [_Place(name, use.tensor.name, use.channels, 0, use.channels.numbers) for name, use in uses.items()]
    with evaluating(wiring.network):
        _Listener(wiring.network, wiring, places, hear, streams).run(images)


class _Listener(fx.Interpreter):
    """Runs a graph and passes on the results at some places; a tensor is freed after its last use."""

    def __init__(
        self,
        model: nn.Module,
        wiring: Wiring,
        places: list[_Place],
        hear: Callable[[str, Tensor], None],
        streams: Sequence[Stream] = (),
    ) -> None:
        super().__init__(model, graph=wiring.flow.graph)
        self._hear = hear
        self._at: dict[str, list[_Place]] = {}
        for place in places:
            self._at.setdefault(place.tensor, []).append(place)
        self._echoes: dict[str, list[_Echo]] = {}
        for stream in streams:
            echo = _Echo(self, wiring.flow.channels, stream)
            for node in stream.between:
                self._echoes.setdefault(node.name, []).append(echo)

    def run_node(self, node: fx.Node) -> object:
        """Run one node, and pass on its result if it is one of the places."""
        for echo in self._echoes.get(node.name, []):
            echo.run(node)  # first, because an operation may overwrite its inputs
        result = super().run_node(node)
        for place in self._at.get(node.name, []):
            self._hear(place.name, place.of(result))
        return result

    def tell_without(self, stream: Stream, result: Tensor) -> None:
        """Pass on what the next layer would read of a stream if a layer added nothing to it."""
        self._hear(without(stream.layer.name), _sum(stream).of(result))


class _Echo:
    """A second run from a stream's sum to the next layer, without what one layer adds."""

    def __init__(self, listener: _Listener, channels: dict[fx.Node, Channels], stream: Stream) -> None:
        self._listener, self._channels, self._stream = listener, channels, stream
        self._results: dict[fx.Node, Tensor] = {}

    def run(self, node: fx.Node) -> None:
        """Run one node on this run's results, and on copies of the first run's where this one has none."""
        args, kwargs = (fx.node.map_arg(each, self._result) for each in (node.args, node.kwargs))
        result = getattr(self._listener, node.op)(node.target, args, kwargs)
        self._results[node] = result
        if node is self._stream.between[-1]:
            self._listener.tell_without(self._stream, result)
            self._results.clear()

    def _result(self, node: fx.Node) -> Tensor:
        if node in self._results:
            return self._results[node]
        copy = self._listener.env[node].clone()
        known = self._channels.get(node)
        if known is None:
            return copy
        start, name = 0, self._stream.layer.name
        rows = copy.movedim(known.dim - known.rank, 1)
        for part in known.parts:
            if part.space == name:
                rows[:, start : start + part.numbers] = 0
            start += part.numbers
        return copy

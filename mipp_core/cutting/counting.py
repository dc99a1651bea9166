"""What a slim network will have, counted without making it: units, parameters and multiply-accumulates."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import fx, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import cut_shapes
from mipp_core.evaluation import matrices, on_meta, uses
from mipp_core.network.layers import wiring_of
from mipp_core.network.recording import RECORDED, followed
from mipp_core.vocabulary import Counted


@dataclass(frozen=True)
class Size:
    """What a network has, in whole numbers.

    Attributes:
        units: of the prunable layers.
        parameters: weights and biases of the whole network.
        macs: multiply-accumulates of all its convolutions and linear layers, for one image.
    """

    units: int
    parameters: int
    macs: int


class Counter:
    """Counts slim networks exactly, as ``parameters`` and ``macs`` of ``mipp_core.evaluation`` count what is made.

    Args:
        model: the network before pruning.
        image_shape: of one image, such as channels, height and width.

    Raises:
        ModelError: the network cannot be followed, or has no layer that can be pruned.
    """

    def __init__(self, model: nn.Module, image_shape: tuple[int, ...]) -> None:
        network = followed(model)
        self.wiring = wiring_of(network)
        self._ghost = on_meta(self.wiring.network)
        self._uses = uses(network, image_shape)
        """Module -> how often each of its weights is used for one image."""
        self.dense = Size(
            sum(layer.units for layer in self.wiring.layers), network.meta[RECORDED], self._macs(self._ghost)
        )

    def size(self, masks: KeepMasks) -> Size:
        """Count what is left; a mask of the input is ignored."""
        slim = cut_shapes(self._ghost, self.wiring, masks)
        used = {id(tensor): tensor.numel() for tensor in _used(slim, self.wiring.flow.graph)}
        return Size(self.left(masks, "units"), sum(used.values()), self._macs(slim))

    def left(self, masks: KeepMasks, what: Counted) -> int:
        """Count one thing of what is left."""
        return sum(masks.without_input().kept.values()) if what == "units" else getattr(self.size(masks), what)

    def removed(self, masks: KeepMasks) -> dict[Counted, float]:
        """Return the shares that are gone, each in [0, 1]."""
        left = self.size(masks)
        return {
            "units": 1 - left.units / self.dense.units,
            "parameters": 1 - left.parameters / self.dense.parameters,
            "macs": 1 - left.macs / self.dense.macs,
        }

    def _macs(self, model: nn.Module) -> int:
        return sum(matrices(model.get_submodule(name)) * times for name, times in self._uses.items())


def _used(model: nn.Module, graph: fx.Graph) -> Iterator[nn.Parameter]:
    """Yield the parameters of all that runs in evaluation mode; some may come twice."""
    for node in graph.nodes:
        if node.op == "call_module":
            yield from model.get_submodule(str(node.target)).parameters()
        elif node.op == "get_attr":
            owner, _, name = str(node.target).rpartition(".")
            found = getattr(model.get_submodule(owner), name)
            if isinstance(found, nn.Parameter):
                yield found

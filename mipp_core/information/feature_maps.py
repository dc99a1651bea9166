"""Units as random variables: the kernels of their feature maps, and of what layers read, from one pass over images.

Squared distances are held, not kernels, so that a kernel's width may depend on how many variables are looked at
together; they are symmetric, so the pairs above the diagonal are enough.

What a layer reads.  In a plain network these are the units of the layer before.  In a residual network it is the
stream: a sum of several layers' units, which no single layer explains.  The labels' information passes to a layer
through what it reads and through nothing else, whatever came before, so conditioning on what it reads is what the
paper's Markov chain means there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.errors import ModelError
from mipp_core.information.renyi import Width, gaussian, squared_distances, squared_widths
from mipp_core.network.activations import listen, listen_to_reads
from mipp_core.network.channels import Use
from mipp_core.network.layers import Wiring

_NUMBERS = 30_000_000
"""Numbers of maps in double precision at once: 240 MB."""

_AVERAGES = {1: functional.adaptive_avg_pool1d, 2: functional.adaptive_avg_pool2d, 3: functional.adaptive_avg_pool3d}


@dataclass(frozen=True)
class Variables:
    """Some variables on the same samples.

    Attributes:
        pairs: squared distances between samples, those above the diagonal.
        numbers: of one sample of a variable.
        samples: n.
    """

    pairs: Float[Tensor, "k pairs"]
    numbers: int
    samples: int

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, which: Bool[Tensor, " k"] | list[int]) -> "Variables":
        return Variables(self.pairs[which], self.numbers, self.samples)

    @property
    def living(self) -> Bool[Tensor, " k"]:
        """Which of them vary at all."""
        return self.pairs.any(1)

    def kernels(self, width: Width, factor: float, together: int) -> Float[Tensor, "k n n"]:
        """Return their kernels; see ``mipp_core.information.renyi.squared_widths``."""
        n = self.samples
        row, column = torch.triu_indices(n, n, 1, device=self.pairs.device)
        whole = self.pairs.new_zeros(len(self), n, n)
        whole[:, row, column] = self.pairs
        whole[:, column, row] = self.pairs
        return gaussian(whole, squared_widths(whole, self.numbers, width, factor, together))


@dataclass
class FeatureMaps:
    """What the units of a network show on some images.

    Attributes:
        units: of every prunable layer, by its name.
        shared: what a layer reads that is no single unit's: channels of a stream, by the reader's name.
        owners: the prunable layers whose units a layer reads as they are, by the reader's name.
    """

    units: dict[str, Variables] = field(default_factory=dict)
    shared: dict[str, list[Variables]] = field(default_factory=dict)
    owners: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def retained(self, kept: Mapping[str, Bool[Tensor, " units"]], names: Sequence[str]) -> list[Variables]:
        """Return the units of some layers that are kept, layer by layer."""
        found = [self.units[name][kept[name].to(self.units[name].pairs.device)] for name in names if name in kept]
        return [each for each in found if len(each)]


@torch.no_grad()
def feature_maps(
    model: nn.Module, wiring: Wiring, images: Float[Tensor, "n c h w"], pooled: int = 0, scaled: bool = True
) -> FeatureMaps:
    """Run a network twice over the same images and measure the distances between its maps.

    Args:
        model: left as it is.
        wiring: its own.
        images: n of them, at once: distances are between all.
        pooled: average maps to so many places along each dimension; 0 leaves them whole.
        scaled: see ``mipp_core.information.renyi.squared_distances``.

    Raises:
        ModelError: an activation is not a finite number.
    """
    found = FeatureMaps()

    def hear(name: str, maps: Tensor) -> None:
        found.units[name] = variables(_pooled(maps, pooled), scaled)
        if not found.units[name].pairs.isfinite().all():
            raise ModelError(f"The activations of {name} are not all finite; check the weights and the images.")

    listen(model, images, hear)
    uses = {str(use.node.target): use for use in wiring.flow.reads if str(use.node.target) in wiring.names}
    own = {name: tuple(part.space for part in use.channels.parts) for name, use in uses.items()}
    found.owners = {name: tuple(dict.fromkeys(s for s in own[name] if s in found.units)) for name in own}
    strange = {name: use for name, use in uses.items() if name not in wiring.image_readers and _streams(use, wiring)}

    def hear_read(name: str, maps: Tensor) -> None:
        found.shared[name] = [variables(_pooled(part, pooled), scaled) for part in _parts(strange[name], maps, wiring)]

    if strange:
        listen_to_reads(wiring, images, strange, (), hear_read)
    return found


def variables(maps: Float[Tensor, "n k ..."], scaled: bool = True) -> Variables:
    """Measure the distances between samples of k variables."""
    n, count = maps.shape[:2]
    rows = maps.reshape(n, count, -1).movedim(0, 1)
    row, column = torch.triu_indices(n, n, 1, device=maps.device)
    step = max(1, _NUMBERS // (n * max(rows.shape[2], n)))
    parts = [squared_distances(some, scaled)[:, row, column] for some in rows.split(step)]
    return Variables(torch.cat(parts), rows.shape[2], n)


def _pooled(maps: Float[Tensor, "n k ..."], places: int) -> Tensor:
    """Average maps to a few places along each dimension."""
    rank = maps.ndim - 2
    if not places or rank not in _AVERAGES or max(maps.shape[2:]) <= places:
        return maps
    average: Callable[..., Tensor] = _AVERAGES[rank]
    return average(maps, [min(size, places) for size in maps.shape[2:]])


def _streams(use: Use, wiring: Wiring) -> bool:
    return any(part.space not in wiring.names for part in use.channels.parts)


def _parts(use: Use, maps: Float[Tensor, "n numbers ..."], wiring: Wiring) -> Iterator[Float[Tensor, "n k ..."]]:
    """Yield the channels that are no prunable layer's own."""
    start = 0
    for part in use.channels.parts:
        if part.space not in wiring.names:
            own = maps[:, start : start + part.numbers]
            yield own.unflatten(1, (part.units, part.span)) if part.span > 1 else own
        start += part.numbers

"""Random small networks, and twins of them that know nothing of graphs.

Every network is composed, from a seed, of the operations that networks people write are made of: convolutions of all
kinds, normalisations, residual sums in place and not, joins, slices, gates, attention, tokens, shared layers, scales,
reshapings, and heads of many forms.  After each layer, once what goes with its units has been applied, the network
calls an ``nn.Identity`` of its own, a tap.  The twin sets removed units to 0 by forward hooks on the taps: "all that is
read of them", without any knowledge of where they are read.

    python -m benchmarks.random_networks 3000

prints how many networks were cut, how many were refused, and the largest difference between a cut network and its twin.
"""

import sys
from collections import Counter
from copy import deepcopy

import torch
from torch import Tensor, nn

from benchmarks.random_network import IMAGE, RandomNetwork
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import shrink
from mipp_core.errors import ModelError
from mipp_core.network.layers import wiring_of
from mipp_core.network.outputs import largest_difference
from mipp_core.network.recording import recorded

EXACT = 1e-10
"""The largest relative difference in float64 that counts as rounding."""


def twin(model: RandomNetwork, masks: KeepMasks) -> RandomNetwork:
    """Return a copy whose removed units are 0 behind their layers, by hooks."""
    copy = deepcopy(model)
    for name, mask in masks.items():

        def hook(_: nn.Module, __: object, result: Tensor, keep: Tensor = mask, name: str = name) -> Tensor:
            last = isinstance(getattr(copy, name), nn.Linear)
            shape = [1] * result.ndim
            shape[-1 if last else 1] = -1
            return result * keep.to(result).view(shape)

        getattr(copy, model.taps[name]).register_forward_hook(hook)
    return copy


@torch.no_grad()
def difference(seed: int) -> float | None:
    """Return how far a random network, cut by random masks, is from its twin; None if it was refused."""
    model, generator = RandomNetwork(seed), torch.Generator().manual_seed(seed)
    images = torch.randn(5, *IMAGE, dtype=torch.float64, generator=generator)
    try:
        network = recorded(model, images)
        layers = wiring_of(network).layers
    except ModelError:
        return None
    share = 0.3 + 0.6 * torch.rand(1, generator=generator).item()
    masks = KeepMasks({layer.name: torch.rand(layer.units, generator=generator) < share for layer in layers})
    unseen = torch.randn(3, *IMAGE, dtype=torch.float64, generator=generator)
    return largest_difference(shrink(network, masks)(unseen), twin(model, masks)(unseen))


def main(count: int, first: int = 0) -> None:
    """Print how many networks were cut exactly, how many were refused, and the largest difference."""
    found = {seed: difference(seed) for seed in range(first, first + count)}
    cut = {seed: gap for seed, gap in found.items() if gap is not None}
    wrong = [seed for seed, gap in cut.items() if not gap <= EXACT]
    kinds = Counter("refused" if gap is None else "cut" for gap in found.values())
    print(
        f"{count} networks: {kinds['cut']} cut, {kinds['refused']} refused; largest difference {max(cut.values()):.1e}"
    )
    print(f"wrong: {wrong}" if wrong else "none wrong")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3] or ["3000"]))

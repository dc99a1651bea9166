"""What pruning does with every kind of network that is easily cut wrongly.

    python -m benchmarks.kinds

prunes half of the units of every layer by magnitude, in float64, and prints for each kind: the largest difference
between the slim network and the dense one with the removed units multiplied by 0, on images that were not used; the
parameters before and after; or the sentence by which it is refused.
"""

import warnings

import torch
from torch import nn

from benchmarks.kinds_of_networks import NETWORKS, REFUSED
from mipp_core import MippError, Pruned, prune
from mipp_core.cutting.surgery import masked
from mipp_core.network.outputs import largest_difference
from mipp_core.network.recording import recorded

SHAPE = (1, 28, 28)


def built(kind: str) -> nn.Module:
    """Return a network of a kind, in float64 and evaluation mode, with normalisations that have seen data."""
    torch.manual_seed(0)
    model = NETWORKS[kind]().double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.normal_(module.bias)
    return model


@torch.no_grad()
def cut(kind: str) -> tuple[nn.Module, Pruned, float]:
    """Prune half of every layer: the network, what came of it, and its difference on unseen images."""
    model, generator = built(kind), torch.Generator().manual_seed(1)
    images, unseen = (torch.randn(count, *SHAPE, dtype=torch.float64, generator=generator) for count in (9, 4))
    pruned = prune(model, images, pruner="magnitude", sparsity=0.5, scope="layer")
    wanted = masked(recorded(model, images), pruned.masks)(unseen.clone())
    return model, pruned, largest_difference(pruned.network.eval()(unseen), wanted)


def main() -> None:
    """Print one line per kind."""
    warnings.simplefilter("ignore")
    for kind in NETWORKS:
        model, pruned, gap = cut(kind)
        before, after = (sum(each.numel() for each in net.parameters()) for net in (model, pruned.network))
        print(f"{kind:36}exact: {gap:.0e}, parameters {before:,} -> {after:,}")
    for kind, (build, _) in REFUSED.items():
        try:
            prune(build(), torch.randn(4, *SHAPE), pruner="magnitude", sparsity=0.5)
            print(f"{kind:36}NOT REFUSED")
        except MippError as problem:
            print(f"{kind:36}refused: {problem}")


if __name__ == "__main__":
    main()

"""Cutting every second unit out of torchvision's ResNet50, beside torch-pruning, both from the network alone.

Torch-pruning cuts a residual stream in all its layers at once, and ours layer by layer; so both cut inside the blocks.
It is given the very units: what each cuts is the same network, so both outputs are compared.  It changes a
network in place, so it is given a copy, as ours makes one; its dependency graph and our wiring are both made anew.
"""

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn

from benchmarks.side_by_side.peers import torch_pruning
from benchmarks.side_by_side.rows import How, Row
from mipp_core import KeepMasks, architecture, shrink
from mipp_core.network.layers import wiring_of


def measure(how: How) -> Iterator[Row]:
    """Time ResNet50; in full at 224×224."""
    if torch_pruning is None:
        return
    side = 224 if how.full else 64
    model = architecture("torchvision:resnet50", (3, side, side), 1000).build().eval().to(how.device)
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0)).to(how.device)
    masks = KeepMasks(
        {layer.name: (torch.arange(layer.units) % 2 == 0) | layer.in_stream for layer in wiring_of(model).layers}
    )

    def ours() -> nn.Module:
        return shrink(model, masks)

    def theirs() -> nn.Module:
        return plainly(model, masks, images[:1])

    mine, other, our, their = how.compare(ours, theirs)
    yield Row(f"cut {masks.sparsity:.0%} out of ResNet50", "torch-pruning", mine, other, 1.0, same(our, their, images))


def plainly(model: nn.Module, masks: KeepMasks, images: Tensor) -> nn.Module:
    """Cut with torch-pruning."""
    copy = deepcopy(model)
    graph = torch_pruning.DependencyGraph().build_dependency(copy, images)
    for name, keep in masks.without_input().items():
        gone = (~keep).nonzero().flatten().tolist()
        if not gone:
            continue
        layer = copy.get_submodule(name)
        cut = getattr(torch_pruning, f"prune_{'conv' if isinstance(layer, nn.Conv2d) else 'linear'}_out_channels")
        graph.get_pruning_group(layer, cut, idxs=gone).prune()
    return copy


def same(one: object, other: object, images: Tensor) -> str:
    """Say how far outputs are apart."""
    assert isinstance(one, nn.Module) and isinstance(other, nn.Module)
    with torch.no_grad():
        mine, theirs = one(images), other(images)
    apart = ((mine - theirs).abs().max() / theirs.abs().max()).item()
    return f"outputs within {apart:.0e} of the largest"

"""Rebuilding a cut network, beside the plain way that the package had before (``benchmarks.measuring``)."""

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import nn

from benchmarks.measuring import rebuilt_plainly
from benchmarks.side_by_side.rows import How, Row
from mipp_core import KeepMasks, architecture, rebuild, shrink
from mipp_core.network.layers import wiring_of
from mipp_core.network.recording import recorded


def measure(how: How) -> Iterator[Row]:
    """Time ResNet20, and in full ResNet18 of full width, on random images of 32×32."""
    for name, count in (("resnet20", 2000), *([("resnet18", 4000)] if how.full else [])):
        yield _row(how, name, count)


def _row(how: How, name: str, count: int) -> Row:
    images = torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(how.device)
    dense = recorded(architecture(name, (3, 32, 32), 10).build().eval().to(how.device), images[:8])
    masks = KeepMasks({layer.name: torch.arange(layer.units) % 2 == 0 for layer in wiring_of(dense).layers})
    slim = shrink(dense, masks)

    def ours() -> nn.Module:
        copy = deepcopy(slim)
        rebuild(dense, copy, masks, images)
        return copy

    def theirs() -> nn.Module:
        copy = deepcopy(slim)
        rebuilt_plainly(dense, copy, masks, images)
        return copy

    mine, other, our, their = how.compare(ours, theirs)
    assert isinstance(our, nn.Module) and isinstance(their, nn.Module)
    pairs = zip(our.state_dict().values(), their.state_dict().values(), strict=True)
    apart = max(((a.double() - b).abs().max() / b.double().abs().max().clamp_min(1e-9)).item() for a, b in pairs)
    same = f"weights within {apart:.0e} of the largest"
    return Row(f"rebuild {name} on {count:,} images", "patches unfolded", mine, other, 3.0, same)

"""A small network of every family for every pruner, and data for it."""

from collections import OrderedDict

import pytest
import torch
from quick_pruners import FAMILIES, NORMALISED, Make
from torch import nn

from mipp_core.data.dataset import Split
from mipp_core.network.layers import wiring_of
from mipp_core.pruners.network_slimming import scales


@pytest.fixture(params=FAMILIES)
def subject(request: pytest.FixtureRequest, small_architecture: Make, noise_split) -> tuple[nn.Module, Split]:
    """One small network of every family, normalised for a pruner that needs it, and data for it."""
    found = small_architecture(request.param)
    model = found.build(seed=1).eval()
    if request.node.callspec.params.get("name") in NORMALISED and not all_normalised(model):
        model = with_normalisation(model)
    return model, noise_split(240, found.image_shape)


def all_normalised(model: nn.Module) -> bool:
    wiring = wiring_of(model)
    return set(scales(model, wiring)) >= set(wiring.names)


def with_normalisation(model: nn.Module) -> nn.Module:
    """The same chain with a batch normalisation behind every layer, for pruners that need one."""
    names = wiring_of(model).names
    parts: dict[str, nn.Module] = OrderedDict()
    for name, module in model.named_children():
        parts[name] = module
        if name in names:
            kind = nn.BatchNorm2d if isinstance(module, nn.Conv2d) else nn.BatchNorm1d
            norm = parts[f"norm_{name}"] = kind(len(module.weight))
            nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(len(parts)))
    return nn.Sequential(parts).eval()

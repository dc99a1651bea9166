"""Rebuilding agrees with a slow twin that gathers every patch and solves by group."""

import pytest
import torch
from graphs import NETWORKS, Joined, error
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.cutting import least_squares
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.surgery import shrink
from mipp_core.network.layers import wiring_of


def heard(model: nn.Module, name: str, images: Tensor) -> tuple[Tensor, Tensor]:
    found: list[tuple[Tensor, Tensor]] = []
    hook = model.get_submodule(name).register_forward_hook(lambda _, i, o: found.append((i[0], o)))
    model(images)
    hook.remove()
    return found[0]


def norm_of(model: nn.Module, name: str) -> nn.Module | None:
    """The name of the normalisation that is a layer's only reader."""
    modules = dict(model.named_modules())
    follower = name.replace("shortcut.0", "shortcut.1") if "shortcut" in name else name.replace("conv", "norm")
    return (
        modules.get(follower if follower != name else "")
        if not isinstance(model, Joined)
        else modules.get({"conv3": "norm3"}.get(name, "-"))
    )


@torch.no_grad()
def slowly(dense: nn.Module, slim: nn.Module, masks: KeepMasks, images: Tensor, rows: dict[str, Tensor]) -> None:
    """The twin: all patches of all images gathered one by one, and an ordinary solver, group by group."""
    for name in wiring_of(dense).weighted[1:]:
        layer, read, wanted = slim.get_submodule(name), heard(slim, name, images)[0], heard(dense, name, images)[1]
        wanted = wanted[:, masks.get(name, rows.get(name, torch.ones(wanted.shape[1]) > 0))]
        groups = getattr(layer, "groups", 1)
        norm = norm_of(dense, name) and norm_of(slim, name)
        for group, (part, aim) in enumerate(zip(read.chunk(groups, 1), wanted.chunk(groups, 1), strict=True)):
            table = torch.stack([patch for image in part for patch in patches(layer, image)])
            if layer.bias is not None or norm is not None:
                table = torch.cat([table, torch.ones(len(table), 1, dtype=table.dtype)], 1)
            targets = aim.flatten(2).movedim(1, 2).flatten(0, 1) if aim.ndim == 4 else aim
            solution = torch.linalg.lstsq(table, targets, driver="gelsd").solution
            size = layer.weight[0].numel()
            own = slice(group * aim.shape[1], (group + 1) * aim.shape[1])
            layer.weight[own] = solution[:size].T.reshape_as(layer.weight[own])
            if layer.bias is not None:
                layer.bias[own] = solution[-1]
            elif norm is not None:
                norm.running_mean -= solution[-1]


def patches(layer: nn.Module, image: Tensor) -> list[Tensor]:
    if isinstance(layer, nn.Linear):
        return [image]
    (high, wide), reach = layer.kernel_size, layer.dilation[0]
    padded = functional.pad(image, (layer.padding[0],) * 4)
    return [
        padded[:, y : y + reach * (high - 1) + 1 : reach, x : x + reach * (wide - 1) + 1 : reach].flatten()
        for y in range(0, padded.shape[1] - reach * (high - 1), layer.stride[0])
        for x in range(0, padded.shape[2] - reach * (wide - 1), layer.stride[1])
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_it_agrees_with_a_slow_twin(name: str, network, images: Tensor, masks_for, monkeypatch):
    monkeypatch.setattr(least_squares, "_RIDGE", 1e-12)
    monkeypatch.setattr(least_squares, "_SHARED_RIDGE", 0.0)
    dense = network(name)
    masks = masks_for(dense, lambda _, units: torch.arange(units) % 3 > 0)
    quick, slow = shrink(dense, masks), shrink(dense, masks)
    rebuild(dense, quick, masks, images)
    slowly(dense, slow, masks, images, {"excite": masks["conv1"]} if name == "gated" else {})
    torch.testing.assert_close(quick(images), slow(images), rtol=0, atol=1e-5)
    assert error(quick, dense, images) < error(shrink(dense, masks), dense, images)

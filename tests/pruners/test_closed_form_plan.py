"""The plan of the closed form: sizes are those of the regressions that are really made."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from mipp_core.information.next_layers import NextLayers
from mipp_core.information.regressions import RIDGE
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import ClosedForm, closed_form_plan, plan, plans
from mipp_core.pruners.closed_form_plan import Size, _sizes


@pytest.mark.parametrize("family", ["mlp", "lenet5", "vgg11", "resnet18", "resnet50"])
def test_the_sizes_are_those_of_the_regressions(family: str, small_architecture: Callable):
    model = small_architecture(family).build(seed=0).eval()
    images = torch.randn(20, *small_architecture(family).image_shape, generator=torch.Generator().manual_seed(0))
    wiring = wiring_of(model, images[:2])
    following = NextLayers(wiring, images, RIDGE, 0)
    for layer in wiring.layers:
        problems, _ = following.of(layer.name, layer.reader)
        sizes = _sizes(wiring, layer.name, len(images))
        assert len(sizes) == len(problems)
        for size, problem in zip(sizes, problems, strict=True):
            assert size.columns == len(problem.covariance)
            assert size.targets == problem.weights.shape[1]
            assert size.units == len(problem.units)
            assert size.span == problem.columns.shape[1] * (2 if problem.in_stream else 1)


def test_the_time_is_made_of_the_parts_that_were_timed(mlp: nn.Module, monkeypatch: pytest.MonkeyPatch):
    for module in (closed_form_plan, plans):
        monkeypatch.setattr(module, "seconds_of", lambda work, device: work() is None or 1.0)
    found = plan(ClosedForm(), mlp, (1, 4, 4), samples=100, levels=20)
    sizes = [Size(8, 1, 6, 8, 100), Size(6, 1, 3, 6, 100)]
    first = 100 / 4 + sum(size.products for size in sizes) * 1.6 / 512**3
    assert found.least_seconds == pytest.approx(first)
    every = first + sum(size.removals for size in sizes) * 1.6 / 512**3 + 14e-3
    assert found.usual_seconds == found.most_seconds == pytest.approx(every)
    assert found.bytes == 4 * 100 * 16 + 8 * (8**2 + 6**2 + 3 * 8**2)
    assert "14 units of 2 layers at 20 levels; 100 samples, regressions on up to 8 columns, 0 MB" in str(found)


def test_pixels_take_time_and_memory_too(mlp: nn.Module):
    without, found = (plan(ClosedForm(pixels=asked), mlp, (1, 4, 4), 1000, 20) for asked in (False, True))
    assert found.how == "regressions on up to 16 columns"
    assert found.bytes > without.bytes

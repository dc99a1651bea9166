"""What every pruner, the surgery and a whole run promise on an accelerator: the answer of the processor."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from quick_pruners import DECIDERS, RANKERS, Make, answer, quick
from torch import nn

from mipp_core import RunSpec, Store
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.recalibration import recalibrate
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.data.dataset import Split
from mipp_core.experiments import run
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import PRUNERS
from mipp_core.runs.result import device_name
from mipp_core.training import Recipe, train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

Subject = tuple[nn.Module, Split]
GPU = torch.device("cuda")
DRAWN = ("imp", "prospr")
"""They train on the way: there rounding grows, so that only what they promise is checked."""


@pytest.fixture(autouse=True)
def full_floats() -> Iterator[None]:
    """Take no shortcut in convolutions, so that both devices can be compared."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def on_gpu(model: nn.Module, split: Split) -> Subject:
    """Return copies on the device."""
    return deepcopy(model).to(GPU), split.to(GPU)


def half_of(model: nn.Module) -> KeepMasks:
    """Return masks that keep every second unit."""
    return KeepMasks({layer.name: torch.arange(layer.units) % 2 == 0 for layer in wiring_of(model).layers})


@pytest.mark.parametrize("name", RANKERS)
def test_a_ranker_gives_the_same_scores(name: str, subject: Subject):
    model, split = subject
    found, wanted = answer(quick(name), *on_gpu(model, split)), answer(quick(name), model, split)
    assert {values.device.type for values in found.values()} == {"cpu"}
    assert all(values.isfinite().all() for values in found.values())
    if name not in DRAWN:
        for layer, scores in wanted.items():
            torch.testing.assert_close(found[layer], scores, rtol=2e-3, atol=2e-3 * float(scores.abs().max() + 1e-12))


@pytest.mark.parametrize("name", DECIDERS)
def test_a_decider_decides_alike(name: str, subject: Subject):
    model, split = subject
    found, wanted = answer(quick(name), *on_gpu(model, split)), answer(quick(name), model, split)
    agree = [(found[layer] == keep).float().mean().item() for layer, keep in wanted.items()]
    assert sum(agree) / len(agree) >= (0.98 if name == "mipp-closed-form" else 0.5)
    assert all(keep.device.type == "cpu" for keep in found.values())


@pytest.mark.parametrize("name", PRUNERS)
def test_the_network_stays_on_the_device_and_bit_identical(name: str, subject: Subject):
    model, split = on_gpu(*subject)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    answer(quick(name), model, split)
    after = model.state_dict()
    assert all(value.device.type == "cuda" and torch.equal(value, after[key]) for key, value in before.items())


def test_surgery_is_exact_and_rebuilding_is_that_of_the_processor(subject: Subject):
    model, split = subject
    there, images = deepcopy(model).to(GPU), split.images.to(GPU)
    keep = half_of(model)
    slim, twin = shrink(there, keep), shrink(model, keep)
    doubled = shrink(deepcopy(there).double(), keep)(images.double())
    torch.testing.assert_close(doubled, masked(deepcopy(there).double(), keep)(images.double()), rtol=0, atol=1e-9)
    with torch.no_grad():
        rebuild(there, slim, keep, images)
        rebuild(model, twin, keep, split.images)
    torch.testing.assert_close(slim(images).cpu(), twin(split.images), rtol=2e-2, atol=2e-3)
    recalibrate(slim, images)
    assert slim(images).isfinite().all()


def test_training_learns_what_the_processor_learns(small_architecture: Make, noise_split):
    found = small_architecture("lenet5")
    split = noise_split(200, found.image_shape)
    model, there = found.build(seed=1), found.build(seed=1).to(GPU)
    train(model, split, Recipe(1, batch_size=50))
    train(there, split.to(GPU), Recipe(1, batch_size=50))
    for wanted, weights in zip(model.parameters(), there.parameters(), strict=True):
        torch.testing.assert_close(weights.cpu(), wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("pruner", ["mipp", "mipp-closed-form", "magnitude"])
def test_a_whole_run_is_made_and_says_where(pruner: str, tiny_spec: RunSpec, tmp_path):
    spec = tiny_spec if pruner == "mipp" else replace(tiny_spec, pruner=pruner, settings=PRUNERS[pruner]())
    result, _ = run(spec, Store(tmp_path), device="cuda")
    assert result.device == device_name(GPU)
    assert all(0 <= level.accuracy_rebuilt <= 1 for level in result.levels)

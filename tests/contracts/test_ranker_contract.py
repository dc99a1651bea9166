"""What every pruner that ranks units promises, on every family of models."""

import sys
from itertools import pairwise

import pytest
import torch
from quick_pruners import FAMILIES, NORMALISED, QUICK, RANKERS, Make, answer, quick
from torch import nn
from torch.nn import functional

from mipp_core.cutting.selection import Selection, keep_counts, keep_global
from mipp_core.data.dataset import Split
from mipp_core.errors import ModelError
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import PRUNERS, Task, pruner
from mipp_core.pruners.network_slimming import scales
from mipp_core.vocabulary import Progress, Report

ONCE = [name for name in RANKERS if name not in ("synflow", "iter-snip", "iter-grasp", "thinet")]
EQUIVARIANT = [name for name in RANKERS if name not in ("random", "thinet")]
"""Of ThiNet, which looks at the next layer's units at random, the theorems are in tests/pruners."""


@pytest.mark.parametrize("name", RANKERS)
def test_a_ranker_scores_every_unit_and_masks_are_exact_and_nested(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    scores = quick(name).scores(model, split, 0)
    assert {layer: len(values) for layer, values in scores.items()} == {
        layer.name: layer.units for layer in wiring_of(model).layers
    }
    assert list(scores) == list(wiring_of(model).names)
    assert all(values.isfinite().all() and not values.requires_grad for values in scores.values())
    assert {values.device.type for values in scores.values()} == {"cpu"}
    before = None
    for sparsity in (0.0, 0.3, 0.5, 0.9, 1.0):
        masks = keep_global(scores, sparsity)
        units = sum(masks.units.values())
        assert sum(masks.kept.values()) == units - round(sparsity * units)
        flat = torch.cat(list(masks.values()))
        assert before is None or not (flat & ~before).any()
        before = flat
    counts = {layer.name: layer.units // 2 for layer in wiring_of(model).layers}
    assert keep_counts(scores, counts).kept == counts


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", NORMALISED)
def test_a_network_with_layers_it_cannot_score_is_refused_and_they_are_named(
    name: str, family: str, small_architecture: Make, noise_split
):
    found = small_architecture(family)
    model, split = found.build(seed=1).eval(), noise_split(20, found.image_shape)
    lacking = set(wiring_of(model).names) - set(scales(model, wiring_of(model)))
    if lacking:
        with pytest.raises(ModelError, match=r"have none .*; choose a network") as refusal:
            quick(name).scores(model, split, 0)
        assert any(layer in str(refusal.value) for layer in lacking)
    else:
        assert quick(name).scores(model, split, 0)


def task(model: nn.Module, split: Split) -> Task:
    """What a ranker is given; training is three steps down the gradient."""

    def train(network: nn.Module, report: Report) -> None:
        for done in range(3):
            report(Progress("Training", done / 3))
            loss = functional.cross_entropy(network(split.images), split.labels)
            slopes = torch.autograd.grad(loss, list(network.parameters()))
            with torch.no_grad():
                for parameter, slope in zip(network.parameters(), slopes, strict=True):
                    parameter.sub_(0.1 * slope)

    return Task(model, split, 0, train)


@pytest.mark.parametrize("name", RANKERS)
def test_a_rankers_masks_reach_every_sparsity_exactly(name: str, subject: tuple[nn.Module, Split], state_of):
    model, split = subject
    before = state_of(model)
    found = quick(name)
    wanted = (0.0, 0.3, 0.5, 0.9, 1.0) if found.scores_once else (0.0, 0.5, 1.0)
    for scope in found.scopes:
        masks = found.masks(task(model, split), wanted, Selection(scope))
        for sparsity, each in zip(wanted, masks, strict=True):
            units = each.units
            if scope == "global":
                assert sum(each.kept.values()) == sum(units.values()) - round(sparsity * sum(units.values()))
            else:
                assert each.kept == {layer: width - round(sparsity * width) for layer, width in units.items()}
        if name in ONCE:
            flat = [torch.cat(list(each.values())) for each in masks]
            assert all(not (later & ~earlier).any() for earlier, later in pairwise(flat))
    assert state_of(model) == before


@pytest.mark.parametrize("name", RANKERS)
def test_a_floor_keeps_every_layer_alive(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    found = quick(name)
    (masks,) = found.masks(task(model, split), (0.7,), Selection(found.scopes[0], floor=1))
    assert not masks.collapsed


@pytest.mark.parametrize("name", RANKERS)
def test_its_card_says_what_it_is(name: str):
    card = type(quick(name)).__doc__
    assert all(word in card for word in ("Idea:", "Formula:", "Needs:", "Cost:"))
    assert set(PRUNERS[name].scopes) <= {"global", "layer"}
    assert "arXiv" in sys.modules[PRUNERS[name].__module__].__doc__ or name == "random"


@pytest.mark.parametrize("name", ["snip", "iter-snip", "sosp-h"])
def test_its_batch_size_changes_nothing(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    whole, parts = (
        pruner(name, **{**QUICK.get(name, {}), "samples": 7, "batch_size": size}).scores(model, split, 0)
        for size in (7, 3)
    )
    for layer in whole:
        torch.testing.assert_close(whole[layer], parts[layer], rtol=1e-4, atol=1e-7)


def test_another_seed_draws_another_random_order(subject: tuple[nn.Module, Split]):
    model, split = subject
    first, second = (answer(quick("random"), model, split, seed) for seed in (0, 1))
    assert not any(torch.equal(first[layer], second[layer]) for layer in first)
    assert all(0 <= values.min() <= values.max() < 1 for values in first.values())


@pytest.mark.parametrize("name", EQUIVARIANT)
def test_permuting_a_layers_units_permutes_its_scores(name: str, subject: tuple[nn.Module, Split], permute):
    model, split = subject
    before = answer(quick(name), model, split)
    layers = wiring_of(model).layers
    for layer in layers[:: 1 + len(layers) // 8]:
        order = torch.randperm(layer.units, generator=torch.Generator().manual_seed(2))
        if not permute(model, layer.name, order):
            continue
        after = answer(quick(name), model, split)
        for other, values in after.items():
            expected = before[other][order] if other == layer.name else before[other]
            torch.testing.assert_close(values, expected, rtol=1e-3, atol=1e-6 * float(expected.abs().max()))
        before = after

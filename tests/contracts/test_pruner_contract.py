"""What every entry of the registry of pruners promises, on every family of models."""

import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, is_dataclass
from itertools import pairwise
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.cutting.selection import Selection, keep_counts, keep_global
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.data.dataset import Split
from mipp_core.errors import CancelledError, ModelError, SettingError, UnknownNameError
from mipp_core.information.terc import Decision, keep_masks
from mipp_core.models import Architecture
from mipp_core.network.layers import Layer, wiring_of
from mipp_core.network.silencing import silence
from mipp_core.pruners import PRUNERS, Decider, Pruner, Ranker, Task, pruner
from mipp_core.pruners.contract import Need
from mipp_core.pruners.network_slimming import scales
from mipp_core.vocabulary import Progress, Report, silent

CONFIDENCES = (0.5, 0.875, 0.984375, 0.999999)
QUICK = {
    "synflow": {"rounds": 5},
    "conductance": {"samples": 30, "steps": 4},
    "chip": {"samples": 30},
    "prospr": {"batch_size": 40},
    "iter-snip": {"rounds": 4},
    "iter-grasp": {"rounds": 3, "per_class": 5},
    "mipp": {
        "members": 2,
        "hidden": (16,),
        "fit_steps": 30,
        "refit_steps": 5,
        "unit_steps": 3,
        "rank_steps": 5,
        "batch_size": 20,
        "samples": 200,
    },
}
RANKERS = [name for name, kind in PRUNERS.items() if issubclass(kind, Ranker)]
DECIDERS = [name for name, kind in PRUNERS.items() if issubclass(kind, Decider)]
ONCE = [name for name in RANKERS if name not in ("synflow", "iter-snip", "iter-grasp", "thinet")]
NORMALISED = [name for name, kind in PRUNERS.items() if "normalisation" in kind.needs]
EQUIVARIANT = [name for name in RANKERS if name not in ("random", "thinet")]
"""Of ThiNet, which looks at the next layer's units at random, the theorems are in tests/pruners."""

FAMILIES = ("lenet5", "mlp", "vgg11", "resnet18")
"""One of every builder; bottlenecks and torchvision's networks are in tests/pruners/test_other_networks.py."""

Make = Callable[[str], Architecture]


def quick(name: str) -> Pruner:
    return pruner(name, **QUICK.get(name, {}))


def answer(found: Pruner, model: nn.Module, split: Split, seed: int = 0) -> dict[str, Tensor]:
    """A ranker's scores, or a decider's keep-masks at every confidence."""
    if isinstance(found, Ranker):
        return found.scores(model, split, seed)
    return gathered(model, found.decide(model, split, seed, CONFIDENCES, silent))


def gathered(model: nn.Module, decisions: list[Decision]) -> dict[str, Tensor]:
    return {
        layer.name: keep_masks([d for d in decisions if d.layer == layer.name], layer.units, len(CONFIDENCES))
        for layer in wiring_of(model).layers
    }


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


@pytest.mark.parametrize("name", PRUNERS)
def test_a_pruner_is_frozen_settings_and_says_what_it_needs(name: str):
    found = quick(name)
    assert is_dataclass(found)
    assert isinstance(found, Ranker) != isinstance(found, Decider)
    assert found.needs <= set(get_args(Need))
    for field in fields(found):
        with pytest.raises(FrozenInstanceError):
            setattr(found, field.name, None)
    assert hash(found) == hash(quick(name))
    assert type(found).__doc__


@pytest.mark.parametrize("name", RANKERS)
def test_a_ranker_scores_every_unit_of_every_layer(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    scores = quick(name).scores(model, split, 0)
    assert {layer: len(values) for layer, values in scores.items()} == {
        layer.name: layer.units for layer in wiring_of(model).layers
    }
    assert list(scores) == list(wiring_of(model).names)
    assert all(values.isfinite().all() and not values.requires_grad for values in scores.values())
    assert {values.device.type for values in scores.values()} == {"cpu"}


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


@pytest.mark.parametrize("name", RANKERS)
def test_a_rankers_masks_have_exact_counts_and_are_nested(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    scores = quick(name).scores(model, split, 0)
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
    wanted = (0.0, 0.3, 0.5, 0.9, 1.0)
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


@pytest.mark.parametrize("name", DECIDERS)
def test_a_decider_decides_every_unit_at_every_confidence_once(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    decisions = quick(name).decide(model, split, 0, CONFIDENCES, silent)
    for layer in wiring_of(model).layers:
        decided = torch.zeros(len(CONFIDENCES), layer.units, dtype=torch.int64)
        for d in decisions:
            if d.layer == layer.name:
                decided[d.first_level : d.last_level + 1, d.unit] += 1
        assert (decided == 1).all()
    assert {d.layer for d in decisions} == set(wiring_of(model).names)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", PRUNERS)
def test_the_network_and_the_global_random_state_are_bit_identical_afterwards(
    name: str, subject: tuple[nn.Module, Split], state_of, training: bool
):
    model, split = subject
    model.train(training)
    next(model.children()).train(not training)
    model(split.images[:4]).sum().backward()
    model.get_submodule(wiring_of(model).last).weight.requires_grad_(False)
    hook = next(model.children()).register_forward_hook(lambda *_: None)
    before, images = state_of(model), split.images.clone()
    answer(quick(name), model, split)
    assert state_of(model) == before
    assert torch.equal(split.images, images)
    hook.remove()


@pytest.mark.parametrize("name", PRUNERS)
def test_the_same_seed_gives_the_same_answer(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    first = answer(quick(name), model, split)
    torch.manual_seed(99)
    second = answer(quick(name), model, split)
    assert all(torch.equal(first[layer], second[layer]) for layer in first)


@pytest.mark.parametrize("name", DECIDERS)
def test_the_same_seed_gives_the_same_decisions_to_the_last_digit(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    first, second = (quick(name).decide(model, split, 3, CONFIDENCES, silent) for _ in range(2))
    assert first == second


def test_another_seed_draws_another_random_order(subject: tuple[nn.Module, Split]):
    model, split = subject
    first, second = (answer(quick("random"), model, split, seed) for seed in (0, 1))
    assert not any(torch.equal(first[layer], second[layer]) for layer in first)
    assert all(0 <= values.min() <= values.max() < 1 for values in first.values())


@pytest.mark.parametrize("name", EQUIVARIANT)
def test_permuting_a_layers_units_permutes_its_scores(name: str, subject: tuple[nn.Module, Split], permute):
    model, split = subject
    before = answer(quick(name), model, split)
    for layer in wiring_of(model).layers:
        order = torch.randperm(layer.units, generator=torch.Generator().manual_seed(2))
        if not permute(model, layer.name, order):
            continue
        after = answer(quick(name), model, split)
        for other, values in after.items():
            expected = before[other][order] if other == layer.name else before[other]
            torch.testing.assert_close(values, expected, rtol=1e-3, atol=1e-6 * float(expected.abs().max()))
        before = after


@pytest.mark.parametrize("name", PRUNERS)
def test_its_masks_cut_exactly(name: str, subject: tuple[nn.Module, Split], small_architecture: Make):
    model, split = subject
    model, images = model.double(), split.images[:5].double()
    split = Split(split.images.double(), split.labels)
    found = answer(quick(name), model, split)
    if isinstance(quick(name), Ranker):
        several = [keep_global(found, sparsity) for sparsity in (0.3, 0.8)]
    else:
        several = [keep_counts({n: m[i].float() for n, m in found.items()}, counts(found, i)) for i in (0, 2)]
    for masks in several:
        slim = shrink(model, masks)
        torch.testing.assert_close(slim(images), masked(model, masks)(images), rtol=0, atol=1e-10)


def counts(found: dict[str, Tensor], level: int) -> dict[str, int]:
    return {name: int(masks[level].sum()) for name, masks in found.items()}


@pytest.mark.parametrize("name", DECIDERS)
def test_dead_units_are_removed_at_every_confidence(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    wiring = wiring_of(model)
    for layer in wiring.layers:
        silence(model, wiring, layer.name, ~torch.isin(torch.arange(layer.units), torch.tensor([0, 2])))
    found = answer(quick(name), model, split)
    assert all(not keep[:, [0, 2]].any() for keep in found.values())
    assert len(found[wiring.names[0]]) == len(CONFIDENCES)


def nobody_reads(found: dict[str, Tensor], layer: Layer, level: int) -> bool:
    """Whether all layers that read a layer have no unit left."""
    return all(reader in found and not found[reader][level].any() for reader in layer.readers)


@pytest.mark.parametrize("name", DECIDERS)
def test_a_layer_whose_readers_collapsed_is_removed_whole(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    wiring = wiring_of(model)
    reader = wiring.layers[-1]
    silence(model, wiring, reader.name, torch.zeros(reader.units, dtype=torch.bool))
    found = answer(quick(name), model, split)
    assert not found[reader.name].any()
    unread = [layer.name for layer in wiring.layers if nobody_reads(found, layer, 0)]
    assert len(unread) == len(wiring.layers) - 1 or any(layer.in_stream for layer in wiring.layers)
    assert unread
    assert all(not found[layer][0].any() for layer in unread)


@pytest.mark.parametrize("name", DECIDERS)
def test_a_collapse_at_some_confidences_cascades_at_those(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    found = answer(quick(name), model, split)
    for level in range(len(CONFIDENCES)):
        for layer in wiring_of(model).layers:
            assert not (nobody_reads(found, layer, level) and found[layer.name][level].any())


@pytest.mark.parametrize("name", DECIDERS)
def test_a_report_can_stop_it_and_the_network_is_as_it_was(name: str, subject: tuple[nn.Module, Split], state_of):
    model, split = subject
    before = state_of(model)

    def stop(progress: Progress) -> None:
        raise CancelledError(f"stopped while {progress.stage}")

    with pytest.raises(CancelledError, match="stopped while Testing"):
        quick(name).decide(model, split, 0, CONFIDENCES, stop)
    assert state_of(model) == before


def test_an_unknown_pruner_lists_the_known_ones():
    known = ", ".join(PRUNERS)
    with pytest.raises(UnknownNameError, match=f"There is no pruner called 'snap'; choose one of: {known}"):
        pruner("snap")


@pytest.mark.parametrize("name", PRUNERS)
def test_an_unknown_setting_lists_the_known_ones(name: str):
    known = ", ".join(field.name for field in fields(PRUNERS[name])) or "none"
    with pytest.raises(SettingError, match=f"{name} has no setting 'strength'; it has: {known}"):
        pruner(name, strength=3)


@pytest.mark.parametrize("name", PRUNERS)
def test_settings_given_by_name_are_its_settings(name: str):
    assert quick(name) == PRUNERS[name](**QUICK.get(name, {}))

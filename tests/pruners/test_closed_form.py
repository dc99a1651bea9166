"""MIPP in closed form: what it removes, what it keeps, where it is blind, and that levels are nested."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from mipp_core import prune
from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.information import LEVELS, confidence_of, fine_schedule, quantiles
from mipp_core.information.next_layers import collapsed
from mipp_core.information.regressions import RIDGE
from mipp_core.information.terc import keep_masks
from mipp_core.models.families import MODELS
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import ClosedForm, Mipp
from mipp_core.pruners.deciding import masks_at_levels
from mipp_core.vocabulary import INPUT

CONFIDENCES = tuple(map(confidence_of, range(LEVELS)))
SETTINGS = ClosedForm(samples=400)


def images(count: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def split(*shape: int, count: int = 400) -> Split:
    return Split(images(count, *shape), torch.arange(count) % 4)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 20), nn.ReLU()
    ).append(nn.Linear(20, 4))


def masks(pruner: ClosedForm, model: nn.Module, data: Split) -> dict[str, Tensor]:
    decisions = pruner.decide(model, data, 0, CONFIDENCES)
    levels = masks_at_levels(model, decisions, LEVELS, data)
    return {name: torch.stack([level[name] for level in levels]) for name in levels[0]}


def test_a_copy_goes_without_loss_and_one_of_the_two_stays():
    model = network()
    with torch.no_grad():
        model[2].weight[3], model[2].bias[3] = model[2].weight[5], model[2].bias[5]
    kept = masks(SETTINGS, model, split(1, 8, 8))["2"][0]
    assert int(kept[3]) + int(kept[5]) == 1
    assert kept.sum() == 7


@pytest.mark.parametrize("weighing", ["alike", "heard", "outputs"])
@pytest.mark.parametrize("budget", ["alike", "parameters", "macs"])
def test_what_a_level_removes_all_higher_ones_remove(weighing: str, budget: str):
    for seed in range(3):
        pruner = replace(SETTINGS, weighing=weighing, budget=budget)
        for kept in masks(pruner, network(seed), split(1, 8, 8)).values():
            assert not (kept[1:] & ~kept[:-1]).any()


def test_levels_span_the_range():
    found = masks(SETTINGS, network(), split(1, 8, 8))
    left = torch.stack([kept.double().sum(1) for kept in found.values()]).sum(0) / 34
    assert left[0] > 0.9
    assert left[-1] < 0.75
    assert (left[1:] <= left[:-1]).all()


def test_on_the_fine_schedule_no_step_of_lenet5_removes_more_than_a_tenth_of_the_units():
    """On a LeNet5 at initialisation, with pruned layers of 6, 16, 120 and 84 units."""
    torch.manual_seed(0)
    model, data, fine = (
        MODELS["lenet5"].build(MODELS["lenet5"].widths, (1, 28, 28), 10),
        split(1, 28, 28),
        fine_schedule(),
    )
    decisions = SETTINGS.decide(model, data, 0, fine)
    shares = [each.sparsity for each in masks_at_levels(model, decisions, len(fine), data)]
    assert max(high - low for low, high in pairwise(shares)) <= 0.1


def test_an_order_of_its_own_per_level_is_close_to_the_common_one():
    data, model = split(1, 8, 8), network()
    common, own = (masks(replace(SETTINGS, path=path), model, data) for path in ("common", "own"))
    differing = sum(int((common[name] != own[name]).sum()) for name in common)
    assert differing <= 0.05 * sum(kept.numel() for kept in common.values())


@pytest.mark.parametrize("changed", [{"order": "ascending"}, {"reference": "current"}, {"loss": "nats"}])
def test_settings_lead_to_other_units(changed: dict[str, str]):
    data, model = split(1, 8, 8), network()
    usual, other = masks(SETTINGS, model, data), masks(replace(SETTINGS, **changed), model, data)
    assert any(not torch.equal(usual[name], other[name]) for name in usual)


def test_pixels_that_no_filter_sees_go_first():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 3))
    with torch.no_grad():
        model[1].weight[:, :5] = 0
    found = masks(replace(SETTINGS, pixels=True), model, split(1, 4, 4))[INPUT]
    assert not found[0, :5].any()
    assert found[0, 5:].all()


def test_the_network_is_left_as_it_is(state_of):
    model = network()
    before = state_of(model)
    replace(SETTINGS, weighing="outputs", pixels=True).decide(model, split(1, 8, 8), 0, CONFIDENCES)
    assert state_of(model) == before


def test_fewer_images_than_columns_are_no_error():
    model = MODELS["resnet18"].build((16, 24, 32, 48), (3, 16, 16), 4)
    decisions = ClosedForm(samples=16).decide(model, split(3, 16, 16, count=16), 0, CONFIDENCES)
    assert {decision.layer for decision in decisions} == set(wiring_of(model).names)


def test_confidences_must_ascend():
    with pytest.raises(SettingError, match="not ascending"):
        SETTINGS.decide(network(), split(1, 8, 8), 0, (0.9, 0.5))


def test_it_reports_what_it_tests():
    seen = []
    model = network()
    SETTINGS.decide(model, split(1, 8, 8), 0, CONFIDENCES, lambda progress: seen.append(progress.stage))
    assert seen == [f"Testing {layer.name}" for layer in reversed(wiring_of(model).layers)]


def agree(samples: int) -> tuple[Tensor, Tensor]:
    """Return three bits and whether they agree (TERC's synthetic set)."""
    bits = torch.randint(0, 2, (samples, 3), generator=torch.Generator().manual_seed(0)).float()
    return bits, (bits.std(1) == 0).float()[:, None]


def test_it_is_blind_to_what_only_a_nonlinear_function_can_use():
    bits, target = agree(10_000)
    problems = collapsed(bits, None, target, RIDGE)
    thresholds, wanted = quantiles(CONFIDENCES), torch.ones(LEVELS, 1, dtype=torch.bool)
    linear = keep_masks(ClosedForm().test_units("agree", problems, 3, wanted, thresholds), 3, LEVELS)
    weights = problems[0].weights
    explained = float((weights * (problems[0].covariance @ weights)).sum())
    assert explained < 0.002 * float(target.var()), "the three bits tell a linear function nothing"
    assert linear.shape == (LEVELS, 3)


def test_where_the_perceptrons_see():
    bits, target = agree(10_000)
    wanted = torch.ones(1, 1, dtype=torch.bool)
    settings = Mipp(hidden=(32, 32), fit_steps=800, unit_steps=150)
    rounds = settings.test_units("agree", bits, target, wanted, quantiles((confidence_of(9),)), 0)
    assert keep_masks([decision for made in rounds for decision in made], 3, 1).all()


@pytest.mark.parametrize(
    ("of", "weighing", "budget"),
    [("sparsity", "alike", "alike"), ("parameters", "outputs", "parameters"), ("macs", "outputs", "macs")],
)
def test_what_may_be_lost_is_weighed_and_split_by_what_is_asked_for(of: str, weighing: str, budget: str):
    model, shown = network(), split(1, 8, 8).images
    meant = replace(SETTINGS, weighing=weighing, budget=budget)
    ways = (SETTINGS, meant, replace(SETTINGS, weighing="alike", budget="alike"))
    asked, expected, alike = (prune(model, shown, pruner=way, **{of: 0.5}).masks for way in ways)
    assert asked == expected
    assert (asked.kept == alike.kept) == (of == "sparsity")

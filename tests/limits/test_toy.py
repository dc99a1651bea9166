"""The exact toy against a plain twin: one data set and one network at a time, with autograd."""

from functools import cache
from itertools import combinations, product
from math import comb, log2

import pytest
import torch
from torch import Tensor, nn

from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.limits.bits import bound_bits, codes_along, entropy_bits, mask_of
from mipp_core.limits.toy import PARAMETERS, all_cases, initial, trained
from mipp_core.limits.toy_measure import measure
from mipp_core.limits.toy_orders import ORDERS, Setting, Task

SETTING = Setting(epochs=12, rate=0.5)
SEED = 2
SOME = slice(0, 448, 41)
"""Data sets on which the twin's pruners are run."""


def network(parameters: Tensor) -> nn.Sequential:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)).double()
    nn.utils.vector_to_parameters(parameters, model.parameters())
    return model


def loss(model: nn.Module, points: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.soft_margin_loss(model(points).squeeze(1), labels)


def fit(start: Tensor, points: Tensor, labels: Tensor, keep: Tensor) -> Tensor:
    """Train one network by autograd, its removed parameters held at zero."""
    model = network((start * keep).clone())
    for _ in range(SETTING.epochs):
        model.zero_grad()
        loss(model, points, labels).backward()
        with torch.no_grad():
            place = 0
            for each in model.parameters():
                own = keep[place : place + each.numel()].view_as(each)
                each.sub_(SETTING.rate * each.grad * own)
                place += each.numel()
    return nn.utils.parameters_to_vector(model.parameters()).detach()


def slow_order(name: str, start: Tensor, points: Tensor, labels: Tensor) -> list[int]:
    """Return a pruner's order, parameter by parameter."""
    everything = torch.ones(PARAMETERS, dtype=torch.double)
    if name == "magnitude-after":
        scores = fit(start, points, labels, everything).abs()
    elif name == "imp":
        keep, order = everything.clone(), list[int]()
        for _ in range(PARAMETERS):
            found = fit(start, points, labels, keep).abs()
            order.append(min((i for i in range(PARAMETERS) if keep[i]), key=lambda i: found[i].item()))
            keep[order[-1]] = 0
        return order
    else:
        model = network(start.clone())
        weights = list(model.parameters())
        first = torch.autograd.grad(loss(model, points, labels), weights, create_graph=True)
        flat = torch.cat([each.flatten() for each in first])
        second = torch.autograd.grad(flat @ flat.detach(), weights)
        curved = torch.cat([each.flatten() for each in second])
        scores = (start * flat).abs().detach() if name == "snip" else start * curved
    return sorted(range(PARAMETERS), key=lambda i: scores[i].item())


@cache
def task() -> Task:
    cases, start = all_cases(3), initial(SEED)
    dense = trained(start.expand(len(cases), -1), cases, SETTING.epochs, SETTING.rate)
    return Task(start, cases, dense, SETTING, SEED)


def test_every_choice_and_every_labelling_is_there_once():
    cases = all_cases(3)
    seen = {(tuple(map(tuple, p.tolist())), tuple(y.tolist())) for p, y in zip(cases.points, cases.labels, strict=True)}
    corners = list(product((-1.0, 1.0), repeat=3))
    assert seen == {(some, labels) for some in combinations(corners, 3) for labels in product((-1.0, 1.0), repeat=3)}
    assert len(cases) == len(seen) == 448
    assert len(all_cases()) == 1792


@pytest.mark.parametrize("name", ["magnitude-after", "imp", "snip", "grasp"])
def test_all_at_once_prunes_as_one_at_a_time_does(name: str):
    found = ORDERS[name](task())[SOME]
    cases = task().cases
    for order, points, labels in zip(found.tolist(), cases.points[SOME], cases.labels[SOME], strict=True):
        assert order == slow_order(name, task().start, points, labels)


@pytest.mark.parametrize("name", ["synflow", "magnitude-at-init", "random"])
def test_what_does_not_look_at_the_data_carries_no_bit(name: str):
    codes = codes_along(ORDERS[name](task()))
    assert {entropy_bits(each) for each in codes.unbind(-1)} == {0.0}
    assert sorted(ORDERS[name](task())[0].tolist()) == list(range(PARAMETERS))


def test_synflow_takes_what_autograd_says_flows_least():
    keep, order = torch.ones(PARAMETERS, dtype=torch.double), ORDERS["synflow"](task())[0].tolist()
    for parameter in order[:-1]:
        model = network((task().start.abs() * keep).clone())
        flow = torch.autograd.grad(model(torch.ones(1, 3, dtype=torch.double)).sum(), list(model.parameters()))
        scores = task().start.abs() * keep * torch.cat([each.flatten() for each in flow])
        scores[keep == 0] = torch.inf
        assert scores[parameter] <= scores.min() + 1e-12
        keep[parameter] = 0


def test_bits_are_counted_and_bounded():
    assert entropy_bits(torch.tensor([5, 5, 5, 5])) == 0
    assert entropy_bits(torch.tensor([0, 1, 2, 3])) == 2
    assert entropy_bits(torch.tensor([0, 0, 0, 1])) == pytest.approx(0.75 * log2(4 / 3) + 0.25 * 2)
    assert bound_bits(21, 10) == pytest.approx(log2(comb(21, 10)))
    assert mask_of(0b101, 4).tolist() == [False, True, False, True]
    found = measure(seeds=2, setting=SETTING, points=3)
    for name, curves in found.bits.items():
        for curve in curves:
            assert len(curve) == PARAMETERS + 1 and curve[0] == curve[-1] == 0, name
            assert all(bits <= min(found.ceiling, bound_bits(21, gone)) + 1e-9 for gone, bits in enumerate(curve))


def test_trained_masks_carry_more_than_those_at_initialisation_and_those_more_than_none():
    """The paper's ordering, at its 10 pruned parameters."""
    found = measure(seeds=5).at(10)["bits"]
    assert found["magnitude-after"] > found["grasp"] > found["snip"] > 1
    assert found["synflow"] == found["magnitude-at-init"] == found["random"] == 0


def test_the_commonest_masks_are_kept_with_their_shares():
    found = measure(("magnitude-after", "random"), seeds=1, setting=SETTING, points=3)
    ((code, share),) = found.commonest["random"][10]
    assert share == 1 and mask_of(code, PARAMETERS).sum() == 11
    shares = [share for _, share in found.commonest["magnitude-after"][10]]
    assert shares == sorted(shares, reverse=True) and sum(shares) <= 1


def test_bad_input_is_refused_with_its_limit():
    with pytest.raises(UnknownNameError, match="axe"):
        measure(("axe",))
    with pytest.raises(SettingError, match="9 points; give 1 to 8"):
        measure(points=9)
    with pytest.raises(SettingError, match="0 initialisations; give 1 to 1000"):
        measure(seeds=0)
    with pytest.raises(SettingError, match=r"diverged at the learning rate 1e\+09; give a lower one, as 0.5"):
        measure(seeds=1, setting=Setting(rate=1e9), points=3)
    with pytest.raises(SettingError, match="rate above 0"):
        Setting(rate=0.0)


def test_without_training_masks_by_magnitude_know_nothing():
    """A sham: the same pruners on networks that have not seen their data."""
    found = measure(("magnitude-after", "imp"), seeds=2, setting=Setting(epochs=0), points=3)
    assert {bits for curves in found.bits.values() for curve in curves for bits in curve} == {0.0}

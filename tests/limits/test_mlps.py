"""Batched perceptrons and their masks against a plain twin: one nn.Sequential at a time, with autograd."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.batched_mlps import compared, doubled, model_of
from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.limits.memorisation import Memorisation, random_points
from mipp_core.limits.mlp_masks import BLIND, MASKS, Task, best, flat, kept_at, known, trainings
from mipp_core.limits.mlp_training import LOSSES, Points, Trainer, Training, cross_entropy, logistic, squared, trained
from mipp_core.limits.mlps import Masks, Mlps, answers, drawn

SIZES, SEEDS = (6, 7, 5, 1), (0, 1, 2)
HOW = Training(epochs=15, rate=1e-2)
KEPT = (40, 17, 9)
"""Of 82 weights."""


def points_of(sizes=SIZES, seeds=SEEDS, count=12) -> Points:
    drawn_points = random_points(Memorisation(len(seeds), count, sizes[0], 5))
    return Points(drawn_points.inputs.double(), drawn_points.wanted.double(), tuple(seeds))


def linears(model: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in model if isinstance(layer, nn.Linear)]


def fit(start: Mlps, points: Points, seed: int, how: Training, keep: Masks | None = None) -> nn.Sequential:
    """Train one network by itself, its removed weights held at zero."""
    model = model_of(start.masked(keep), seed)
    kind = torch.optim.Adam if how.optimiser == "adam" else torch.optim.SGD
    optimiser = kind(model.parameters(), lr=how.rate)
    for _ in range(how.epochs):
        optimiser.zero_grad()
        functional.soft_margin_loss(model(points.inputs[seed]).squeeze(1), points.wanted[seed]).backward()
        for place, layer in enumerate(linears(model)):
            if keep is not None:
                layer.weight.grad *= keep[place][seed]
        optimiser.step()
    return model


def row(model: nn.Sequential) -> Tensor:
    return torch.cat([layer.weight.detach().flatten() for layer in linears(model)])


@cache
def task() -> Task:
    start, points = doubled(drawn(SIZES, SEEDS)), points_of()
    train = Trainer(start, points, HOW, logistic)
    return Task(train(None, "dense"), train, points)


def highest(scores: Tensor, kept: int) -> set[int]:
    """Return the places of the highest scores, of equal ones the first."""
    return set(sorted(range(len(scores)), key=lambda place: (-scores[place].item(), place))[:kept])


def plain_scores(name: str, seed: int) -> Tensor:
    """Return a pruner's scores of one network's weights by autograd."""
    start, points = task().start, task().points
    if name == "magnitude-after":
        return row(fit(start, points, seed, HOW)).abs()
    model = model_of(start, seed)
    if name == "magnitude-at-init":
        return row(model).abs()
    weights = [layer.weight for layer in linears(model)]
    loss = functional.soft_margin_loss(model(points.inputs[seed]).squeeze(1), points.wanted[seed])
    slopes = torch.cat([each.flatten() for each in torch.autograd.grad(loss, weights, create_graph=True)])
    if name == "snip":
        return (row(model) * slopes.detach()).abs()
    curved = torch.autograd.grad(slopes @ slopes.detach(), weights)
    return row(model) * torch.cat([each.flatten() for each in curved])


def plain_synflow(seed: int, kept: int) -> set[int]:
    model = model_of(task().start, seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    left = set(range(82))
    for step in range(1, 101):
        weights = [layer.weight for layer in linears(model)]
        slopes = torch.autograd.grad(model(torch.ones(1, 6, dtype=torch.double)).sum(), weights)
        scores = row(model) * torch.cat([each.flatten() for each in slopes])
        scores[[place for place in range(82) if place not in left]] = -1
        left = highest(scores, round(82 * (kept / 82) ** (step / 100)))
        silence(model, left)
    return left


def silence(model: nn.Sequential, left: set[int]) -> None:
    flags = torch.tensor([place in left for place in range(82)])
    with torch.no_grad():
        for layer, kept in zip(linears(model), flags.split([42, 35, 5]), strict=True):
            layer.weight *= kept.view_as(layer.weight)


def plain_imp(seed: int, kept: int) -> set[int]:
    flags, number = torch.ones(82, dtype=torch.bool), 0
    while True:
        keep = tuple(each.view(1, *shape) for each, shape in zip(flags.split([42, 35, 5]), SHAPES, strict=True))
        own = Mlps(
            *(tuple(each[seed : seed + 1] for each in some) for some in (task().start.weights, task().start.biases))
        )
        alone = Points(task().points.inputs[seed : seed + 1], task().points.wanted[seed : seed + 1], (seed,))
        scores = row(fit(own, alone, 0, HOW, keep)).abs().where(flags, -1.0)
        number += 1
        count = max(kept, round(82 * 0.8**number))
        flags = torch.tensor([place in highest(scores, count) for place in range(82)])
        if count == kept:
            return highest(scores, count)


SHAPES = [(out, inputs) for inputs, out in pairwise(SIZES)]


def places(masks: Masks, seed: int) -> set[int]:
    return set(flat(masks)[seed].nonzero().flatten().tolist())


def test_networks_start_as_torchs_own_of_that_seed():
    found = drawn((4, 3, 2), (5, 6))
    for place, seed in enumerate((5, 6)):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        for layer, weights, biases in zip(linears(model), found.weights, found.biases, strict=True):
            torch.testing.assert_close(weights[place], layer.weight.detach())
            torch.testing.assert_close(biases[place], layer.bias.detach())


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_all_at_once_learn_what_each_learns_alone(optimiser):
    how, points, start = replace(HOW, optimiser=optimiser), points_of(), doubled(drawn(SIZES, SEEDS))
    for keep in (None, MASKS["random"](task(), (30,))[0]):
        found = trained(start, points, how, logistic, keep)
        losses = logistic(answers(found, points.inputs), points.wanted)
        for seed in SEEDS:
            model = fit(start, points, seed, how, keep)
            torch.testing.assert_close(flat(found.weights)[seed], row(model), rtol=0, atol=1e-5)
            said = model(points.inputs[seed]).squeeze(1)
            assert losses[seed].item() == pytest.approx(functional.soft_margin_loss(said, points.wanted[seed]).item())


def test_minibatches_come_in_each_seeds_own_order_and_leave_the_global_state_alone():
    before, how = torch.get_rng_state(), Training(4, 1e-2, batch=5)
    start, points = doubled(drawn(SIZES, SEEDS)), points_of()
    together = trained(start, points, how, logistic)
    for seed in SEEDS:
        own = slice(seed, seed + 1)
        alone = trained(start.take(own), Points(points.inputs[own], points.wanted[own], (seed,)), how, logistic)
        torch.testing.assert_close(flat(alone.weights)[0], flat(together.weights)[seed])
    assert torch.equal(torch.get_rng_state(), before)


def test_losses_are_torchs():
    said, classes = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0)), torch.arange(18).view(2, 9) % 3
    one, wanted = said[..., :1], said[..., 1].sign()
    for place in range(2):
        assert cross_entropy(said, classes)[place] == pytest.approx(
            functional.cross_entropy(said[place], classes[place])
        )
        assert squared(one, wanted)[place] == pytest.approx(functional.mse_loss(one[place, :, 0], wanted[place]))
        expected = functional.soft_margin_loss(one[place, :, 0], wanted[place])
        assert LOSSES["logistic"](one, wanted)[place] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["magnitude-after", "magnitude-at-init", "snip", "grasp"])
def test_scores_at_once_are_scores_one_at_a_time(name):
    for kept, masks in zip(KEPT, MASKS[name](task(), KEPT), strict=True):
        for seed in SEEDS:
            assert places(masks, seed) == highest(plain_scores(name, seed), kept)


@pytest.mark.parametrize(("name", "plain"), [("synflow", plain_synflow), ("imp", plain_imp)])
def test_rounds_at_once_are_rounds_one_at_a_time(name, plain):
    for kept, masks in zip(KEPT, MASKS[name](task(), KEPT), strict=True):
        for seed in SEEDS:
            assert places(masks, seed) == plain(seed, kept)


@pytest.mark.parametrize("name", MASKS)
def test_masks_keep_exactly_what_was_asked_and_a_seed_alone_gets_the_same(name):
    found = MASKS[name](task(), KEPT)
    own = slice(2, 3)
    points = Points(task().points.inputs[own], task().points.wanted[own], (2,))
    train = Trainer(task().start.take(own), points, HOW, logistic)
    alone = MASKS[name](Task(train(None, "dense"), train, points), KEPT)
    for kept, masks, single in zip(KEPT, found, alone, strict=True):
        assert flat(masks).sum(1).tolist() == [kept] * 3
        assert places(masks, 2) == places(single, 0)


@pytest.mark.parametrize("name", MASKS)
def test_only_blind_pruners_give_the_same_mask_whatever_the_data(name):
    points = replace(task().points, inputs=task().points.inputs.flip(1) * 2, wanted=-task().points.wanted)
    train = Trainer(task().start, points, HOW, logistic)
    other = MASKS[name](Task(train(None, "dense"), train, points), (17,))[0]
    same = all(places(other, seed) == places(MASKS[name](task(), (17,))[0], seed) for seed in SEEDS)
    assert same == (name in BLIND)


def test_of_equal_scores_the_first_stays():
    assert best(torch.tensor([[1.0, 2.0, 1.0, 1.0], [0.0, 0.0, 0.0, 5.0]]), 2).tolist() == [
        [True, True, False, False],
        [True, False, False, True],
    ]


def test_trainings_are_counted():
    assert trainings(("random",), (0.5, 0.9)) == 3
    rounds = []
    train = Trainer(task().start, task().points, Training(1, 1e-2), logistic, rounds.append)
    MASKS["imp"](Task(task().dense, train, task().points), (9,))
    assert len({progress.stage for progress in rounds}) == trainings(("imp",), (1 - 9 / 82,)) - 2


def test_bad_values_are_refused_with_their_limit():
    with pytest.raises(SettingError, match=r"sparsity 1 leaves no network; give 0 or more and less than 1, as 0.96"):
        kept_at(1.0, 100)
    with pytest.raises(SettingError, match=r"3 epochs at the rate 0 .* a rate above 0, as 0.01"):
        Training(3, 0.0)
    with pytest.raises(UnknownNameError, match="axe"):
        known(("axe",))
    with pytest.raises(SettingError, match=r"diverged at the learning rate 1e\+300; give a lower one, as 0.001"):
        Trainer(task().start, task().points, Training(30, 1e300, "sgd"), logistic)(None, "dense")


def test_the_plain_loop_ends_at_the_same_weights():
    assert compared(Memorisation(seeds=3, width=10, epochs=10), precise=True)["difference"] < 1e-5

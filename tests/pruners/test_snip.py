"""SNIP: how much the loss changes when a weight or a unit is switched off, once or in rounds."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Selection
from mipp_core.data.dataset import Split
from mipp_core.models import architecture
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import Task
from mipp_core.pruners.contract import Scores
from mipp_core.pruners.rounds import Rounds, last, schedule
from mipp_core.pruners.snip import IterativeSnip, Snip

ALL = 500
"""More samples than any split here has: all are looked at."""


def slopes(model: nn.Module, split: Split) -> dict[str, Tensor]:
    """The gradient of the mean loss by every parameter."""

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        logits = torch.func.functional_call(model, parameters, (split.images,))
        return functional.cross_entropy(logits, split.labels)

    return torch.func.grad(loss)({name: parameter.detach() for name, parameter in model.named_parameters()})


@pytest.mark.parametrize("batch_size", [1, 7, 30])
@pytest.mark.parametrize("family", ["tiny", "lenet5"])
def test_a_weights_score_is_the_size_of_the_weight_times_its_slope(
    doubles: Callable[..., Split], tiny: nn.Module, same, family: str, batch_size: int
):
    model, split = tiny, doubles()
    if family == "lenet5":
        model, split = architecture("lenet5", (1, 12, 12), 3).build().double(), doubles(30, (1, 12, 12))
    dense, chain = slopes(model, split), wiring_of(model)
    expected = {
        name: (model.get_submodule(name).weight.detach() * dense[f"{name}.weight"]).abs()
        for name in (*chain.names, chain.last)
    }
    found = Snip(samples=ALL, batch_size=batch_size)
    same(found.weight_scores(model, split, 0), expected)
    same(found.scores(model, split, 0), {name: expected[name].flatten(1).sum(1) for name in chain.names})


@pytest.mark.parametrize("batch_size", [1, 7, 30])
def test_a_gates_score_is_the_size_of_the_losss_slope_by_it(
    doubles: Callable[..., Split], tiny: nn.Module, gated, open_gates, same, batch_size: int
):
    split = doubles()
    expected = torch.func.grad(lambda gates: gated(tiny, gates, split))(open_gates)
    found = Snip(form="gates", samples=ALL, batch_size=batch_size).scores(tiny, split, 0)
    same(found, {name: slope.abs() for name, slope in expected.items()})


def test_a_gates_score_is_how_fast_the_loss_changes_when_the_unit_is_turned_down(
    doubles: Callable[..., Split], tiny: nn.Module, gated, open_gates
):
    split, step = doubles(), 1e-6
    found = Snip(form="gates", samples=ALL).scores(tiny, split, 0)
    for name, gates in open_gates.items():
        for unit in range(len(gates)):
            turn = step * functional.one_hot(torch.tensor(unit), len(gates))
            up, down = (gated(tiny, {**open_gates, name: gates + way * turn}, split) for way in (1, -1))
            assert abs((up - down) / (2 * step)).item() == pytest.approx(found[name][unit].item(), abs=1e-8)


def test_gates_and_weights_rank_differently(doubles: Callable[..., Split], tiny: nn.Module):
    weights, gates = (Snip(form=form).scores(tiny, doubles(), 0) for form in ("weights", "gates"))
    assert not torch.allclose(weights["fc1"], gates["fc1"])


def test_the_samples_are_drawn_evenly_from_the_classes(doubles: Callable[..., Split], tiny: nn.Module, same):
    split = doubles()
    drawn = split.stratified(6, torch.Generator().manual_seed(3))
    assert drawn.labels.bincount().tolist() == [2, 2, 2]
    same(Snip(samples=6).scores(tiny, split, 3), Snip(samples=ALL).scores(tiny, drawn, 0))


@pytest.mark.parametrize("form", ["weights", "gates"])
def test_iterative_snip_of_a_single_round_is_snip(doubles: Callable[..., Split], tiny: nn.Module, form: str):
    once, rounds = Snip(form=form, samples=12), IterativeSnip(rounds=1, form=form, samples=12)
    task, wanted = Task(tiny, doubles(), 2), (0.0, 0.25, 0.5, 1.0)
    for scope in ("global", "layer"):
        assert rounds.masks(task, wanted, Selection(scope)) == once.masks(task, wanted, Selection(scope))


@pytest.mark.parametrize("rounds", [1, 2, 7, 100])
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.9, 0.99999])
def test_each_round_leaves_the_same_share_of_what_was_left_and_the_last_is_exact(sparsity: float, rounds: int):
    steps = list(schedule(sparsity, rounds))
    assert len(steps) == rounds
    assert steps[-1] == sparsity
    shares = [after / before for before, after in pairwise([1.0, *(1 - step for step in steps)])]
    assert shares == pytest.approx([(1 - sparsity) ** (1 / rounds)] * rounds, rel=1e-9)


def test_nothing_is_left_from_the_first_round_on_where_nothing_is_wanted():
    assert list(schedule(1.0, 3)) == [1.0, 1.0, 1.0]


def test_what_was_removed_ranks_below_the_lowest_score_that_was_not():
    ranked = last({"a": torch.tensor([5.0, -3.0, 1.0])}, KeepMasks({"a": torch.tensor([False, True, True])}))
    assert ranked["a"].tolist() == [-torch.inf, -3.0, 1.0]


def silent_units(model: nn.Module) -> set[tuple[str, int]]:
    return {
        (layer.name, unit)
        for layer in wiring_of(model).layers
        for unit, weights in enumerate(model.get_submodule(layer.name).weight)
        if not weights.any() and model.get_submodule(layer.name).bias[unit] == 0
    }


def removed(masks: KeepMasks) -> set[tuple[str, int]]:
    return {(name, unit) for name, mask in masks.items() for unit in (~mask).nonzero().flatten().tolist()}


@dataclass(frozen=True)
class Fickle(Rounds):
    """Scores at random, otherwise in every round; remembers the networks and the seeds it was given."""

    seen: tuple[list, list] = ((), ())

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        self.seen[0].append(silent_units(model))
        self.seen[1].append(seed)
        generator = torch.Generator().manual_seed(seed)
        return {layer.name: torch.rand(layer.units, generator=generator) for layer in wiring_of(model).layers}


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_what_a_round_removed_stays_removed_and_is_silent_when_the_next_one_scores(
    mlp: nn.Module, noise_split: Callable[..., Split], scope: str
):
    silent, seeds = [], []
    (masks,) = Fickle(rounds=5, seen=(silent, seeds)).masks(Task(mlp, noise_split(), 10), (0.8,), Selection(scope))
    assert seeds == [10, 11, 12, 13, 14]
    assert all(before <= after for before, after in pairwise([*silent, removed(masks)]))
    assert not silent[0]
    shares = [0.0, *schedule(0.8, 5)]
    widths = (14,) if scope == "global" else (8, 6)
    expected = [sum(round(share * width) for width in widths) for share in shares]
    assert [len(units) for units in (*silent, removed(masks))] == expected
    assert len(set(expected)) > 3


def test_rounds_score_what_is_left_and_so_differ_from_a_single_one(noise_split: Callable[..., Split]):
    model, split = architecture("lenet5", (1, 12, 12), 3).build(), noise_split(60, (1, 12, 12))
    many, once = (
        IterativeSnip(rounds=rounds).masks(Task(model, split), (0.7,), Selection("layer"))[0] for rounds in (6, 1)
    )
    assert many.kept == once.kept
    assert many != once


def test_two_rounds_by_hand(doubles: Callable[..., Split], tiny: nn.Module):
    split, per_layer, pruned = doubles(), Selection("layer"), deepcopy(tiny)
    first = per_layer.keep(Snip(samples=ALL).scores(tiny, split, 0), 1 - 0.4**0.5)
    with torch.no_grad():
        for name, keep in first.items():
            pruned.get_submodule(name).weight[~keep] = 0
            pruned.get_submodule(name).bias[~keep] = 0
    scores = Snip(samples=ALL).scores(pruned, split, 0)
    assert all((scores[name][~keep] == 0).all() for name, keep in first.items())
    expected = per_layer.keep(scores, 0.6)
    assert expected.kept == {"conv": 1, "fc1": 2} != first.kept
    assert IterativeSnip(rounds=2, samples=ALL).masks(Task(tiny, split), (0.6,), per_layer) == [expected]

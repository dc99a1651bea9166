from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations, product
from math import inf, log

import pytest
import torch
from torch import Tensor

from mipp_core.information import LEVELS, confidence_of, quantiles
from mipp_core.information.terc import Branch, Decision, Gain, keep_masks, terc, uninformative

THRESHOLDS = quantiles(tuple(confidence_of(level) for level in range(LEVELS)))
ROWS = list(product((0, 1), repeat=3))  # three fair bits, all rows equally likely
COPIES = {"a": (0, 1, 2, 0, 0, 0), "b": (0, 1, 2, 0, 1, 2)}

Information = Callable[[frozenset[int]], float]


class Oracle:
    """Knows the information of every set of units; the state is the number of removals seen."""

    def __init__(self, information: Information, units: int, scale: float = inf) -> None:
        self.information, self.scale = information, scale
        self.full = information(frozenset(range(units)))
        self.rounds: list[list[Branch[int]]] = []

    def test(self, branches: Sequence[Branch[int]]) -> list[tuple[Gain, int]]:
        self.rounds.append(list(branches))
        return [(self.gain(branch.without), branch.state + 1) for branch in branches]

    def gain(self, keep: Tensor) -> Gain:
        lost = self.full - self.information(frozenset(keep.nonzero().flatten().tolist()))
        return Gain((lost,), 0.0, lost * self.scale if lost > 1e-12 else 0.0)


def counted(which: str) -> Information:
    """I(X_S; A) in nats by counting, for A = 1 where the three bits agree."""

    def information(units: frozenset[int]) -> float:
        seen = [(tuple(row[COPIES[which][unit]] for unit in sorted(units)), len(set(row)) == 1) for row in ROWS]
        joint, first, second = Counter(seen), Counter(s for s, _ in seen), Counter(a for _, a in seen)
        return sum(n / 8 * log(8 * n / (first[s] * second[a])) for (s, a), n in joint.items())

    return information


def coverage(units: int, seed: int) -> Information:
    """A random monotone and submodular set function: the weight of all that the units cover."""
    generator = torch.Generator().manual_seed(seed)
    covers = torch.rand(units, 12, generator=generator) < 0.2
    weights = torch.rand(12, generator=generator, dtype=torch.float64)
    return lambda chosen: float(weights[covers[sorted(chosen)].any(0)].sum())


def synergy(units: int, seed: int) -> Information:
    """A random monotone set function of any shape: the best of the random worths of all subsets."""
    generator = torch.Generator().manual_seed(seed)
    subsets = [frozenset(c) for size in range(units + 1) for c in combinations(range(units), size)]
    worth = dict(zip(subsets, torch.rand(len(subsets), generator=generator).double().tolist(), strict=True))
    return lambda chosen: max(value for subset, value in worth.items() if subset <= chosen)


def start(units: int, levels: range = range(LEVELS), order: Sequence[int] | None = None) -> Branch[int]:
    return Branch(levels, torch.ones(units), tuple(order or range(units)), 0)


def run(
    oracle: Oracle, units: int, longest_block: int = 1, thresholds: Tensor = THRESHOLDS, **options
) -> list[Decision]:
    branch = start(units, range(len(thresholds)), **options)
    return [d for made in terc("layer", [branch], oracle, thresholds, longest_block) for d in made]


def alone(information: Information, units: int, level: int, longest_block: int, scale: float) -> Tensor:
    made = run(Oracle(information, units, scale), units, longest_block, THRESHOLDS[level : level + 1])
    return keep_masks(made, units, 1)[0]


@pytest.mark.parametrize("order", [range(6), (5, 4, 3, 2, 1, 0), (2, 5, 0, 3, 1, 4)])
@pytest.mark.parametrize("which", ["a", "b"])
@pytest.mark.parametrize("longest_block", [1, 2, 8])
def test_of_each_distinct_bit_exactly_one_survives(which: str, longest_block: int, order: Sequence[int]):
    masks = keep_masks(run(Oracle(counted(which), 6), 6, longest_block, order=order), 6, LEVELS)
    for keep in masks:
        assert sorted(COPIES[which][unit] for unit in keep.nonzero().flatten().tolist()) == [0, 1, 2]


@pytest.mark.parametrize("which", ["a", "b"])
def test_no_variable_of_the_two_sets_tells_anything_alone(which: str):
    assert all(counted(which)(frozenset({unit})) == pytest.approx(0) for unit in range(6))
    assert counted(which)(frozenset({0, 1, 2})) == pytest.approx(log(4) - 0.75 * log(3))


def test_of_copies_the_last_tested_survives():
    keep = keep_masks(run(Oracle(counted("b"), 6), 6), 6, LEVELS)[0]
    assert keep.tolist() == [False] * 3 + [True] * 3


@pytest.mark.parametrize("longest_block", [1, 3, 8])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("make", "units"), [(coverage, 9), (synergy, 6)])
def test_all_levels_at_once_decide_as_each_alone(
    make: Callable[[int, int], Information], units: int, seed: int, longest_block: int
):
    information = make(units, seed)
    scale = 4.0 / max(information(frozenset(range(units))), 0.1)
    masks = keep_masks(run(Oracle(information, units, scale), units, longest_block), units, LEVELS)
    assert len({tuple(keep.tolist()) for keep in masks}) > 1
    for level in range(LEVELS):
        assert torch.equal(masks[level], alone(information, units, level, longest_block, scale))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("make", "units"), [(coverage, 11), (synergy, 6)])
def test_blocks_change_no_mask_while_information_is_monotone(
    make: Callable[[int, int], Information], units: int, seed: int
):
    information = make(units, seed)
    scale = 4.0 / max(information(frozenset(range(units))), 0.1)
    singly, by_two, by_eight = (
        keep_masks(run(Oracle(information, units, scale), units, block), units, LEVELS) for block in (1, 2, 8)
    )
    assert torch.equal(singly, by_two)
    assert torch.equal(singly, by_eight)


def test_one_unit_at_a_time_is_the_papers_loop():
    information, scale, units = coverage(9, 3), 2.0, 9
    full = information(frozenset(range(units)))
    for level in range(LEVELS):
        retained = set(range(units))
        for unit in range(units):
            if not (full - information(frozenset(retained - {unit}))) * scale > THRESHOLDS[level].item():
                retained.remove(unit)
        keep = alone(information, units, level, 1, scale)
        assert set(keep.nonzero().flatten().tolist()) == retained


@pytest.mark.parametrize("longest_block", [1, 2, 5, 8])
@pytest.mark.parametrize("seed", range(6))
def test_every_unit_is_decided_at_every_level_exactly_once(seed: int, longest_block: int):
    made = run(Oracle(coverage(10, seed), 10, 2.0), 10, longest_block)
    decided = torch.zeros(LEVELS, 10, dtype=torch.int64)
    for decision in made:
        assert decision.first_level <= decision.removed_from <= decision.last_level + 1
        assert decision.layer == "layer"
        decided[decision.first_level : decision.last_level + 1, decision.unit] += 1
    assert (decided == 1).all()


@pytest.mark.parametrize("longest_block", [1, 4])
def test_units_are_tested_in_the_order_given_at_every_level(longest_block: int):
    order = (3, 1, 4, 0, 5, 2)
    made = run(Oracle(coverage(6, 1), 6, 2.0), 6, longest_block, order=order)
    assert all(order[decision.order] == decision.unit for decision in made)
    for level in range(LEVELS):
        places = [d.order for d in made if d.first_level <= level <= d.last_level]
        assert places == list(range(6))


def test_a_gain_at_the_threshold_removes_and_one_above_it_keeps():
    for statistic, kept in ((0.0, False), (1e-9, True), (-1.0, False)):
        oracle = Oracle(lambda _: 0.0, 1)
        oracle.gain = lambda _, statistic=statistic: Gain((statistic,), 1.0, statistic)
        assert keep_masks(run(oracle, 1, thresholds=THRESHOLDS[:1]), 1, 1).item() is kept


def test_a_statistic_splits_the_levels_where_the_quantile_passes_it():
    oracle = Oracle(lambda _: 0.0, 1)
    oracle.gain = lambda _: Gain((1.0,), 1.0, 1.0)
    (decision,) = run(oracle, 1)
    assert (decision.first_level, decision.removed_from, decision.last_level) == (0, 2, 19)
    assert decision.gain == Gain((1.0,), 1.0, 1.0)
    assert keep_masks([decision], 1, LEVELS).flatten().tolist() == [True] * 2 + [False] * 18


def test_blocks_double_while_they_go_and_halve_when_they_cannot():
    needed = Oracle(lambda units: float(9 in units), 12)
    made = run(needed, 12, longest_block=8, thresholds=THRESHOLDS[:1])
    tested = [branches[0].candidates for branches in needed.rounds]
    assert tested[:3] == [(0,), (1, 2), (3, 4, 5, 6)]
    assert tested[3] == (7, 8, 9, 10, 11)
    assert tested[4] == (7, 8)
    assert {d.unit: d.tested_with for d in made} == {0: 1, 1: 2, 2: 2, **dict.fromkeys((3, 4, 5, 6), 4)} | {
        d.unit: d.tested_with for d in made if d.unit > 6
    }
    assert keep_masks(made, 12, 1).nonzero()[:, 1].tolist() == [9]


def test_blocks_save_tests_where_nothing_is_needed():
    useless = Oracle(lambda _: 0.0, 31)
    run(useless, 31, longest_block=16)
    assert len(useless.rounds) == 5


def test_a_state_goes_on_with_a_removal_and_not_with_a_keep():
    oracle = Oracle(lambda units: float(1 in units), 4)
    run(oracle, 4, thresholds=THRESHOLDS[:1])
    assert [branches[0].state for branches in oracle.rounds] == [0, 1, 1, 2]


def test_branches_that_start_apart_stay_apart():
    levels = (range(0, 5), range(5, LEVELS))
    oracle = Oracle(lambda _: 0.0, 3)
    rounds = list(terc("layer", [start(3, run_) for run_ in levels], oracle, THRESHOLDS))
    assert [[(d.unit, d.first_level, d.last_level) for d in made] for made in rounds] == [
        [(unit, 0, 4), (unit, 5, 19)] for unit in range(3)
    ]


def test_nothing_is_asked_where_every_unit_is_already_settled():
    oracle = Oracle(lambda _: 0.0, 2)
    settled = Branch(range(1), torch.ones(2), (0, 1), 0, position=2)
    assert list(terc("layer", [settled], oracle, THRESHOLDS[:1])) == []
    assert oracle.rounds == []


def test_without_leaves_the_branchs_own_mask_alone():
    branch = Branch(range(1), torch.ones(4), (2, 0, 1, 3), 0, position=1, block=2)
    assert branch.candidates == (0, 1)
    assert branch.without.tolist() == [0, 0, 1, 1]
    assert branch.keep.tolist() == [1, 1, 1, 1]


def test_uninformative_units_are_removed_untested_at_all_their_levels():
    made = uninformative("fc1", [4, 2], range(3, 6))
    assert made == [Decision("fc1", 4, 0, 3, 5, 3, 1, None), Decision("fc1", 2, 1, 3, 5, 3, 1, None)]
    keep = keep_masks(made, 5, 7)
    assert (~keep).nonzero().tolist() == [[level, unit] for level in (3, 4, 5) for unit in (2, 4)]


def test_no_decision_keeps_every_unit():
    assert keep_masks([], 3, 2).all()
    assert keep_masks([], 3, 2).shape == (2, 3)

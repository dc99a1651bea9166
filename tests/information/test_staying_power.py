"""The order in which a deciding pruner gives up its units, and keep-masks at sparsities between its levels."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from mipp_core.cutting.masks import KeepMasks
from mipp_core.experiments.masking import schedule
from mipp_core.information.confidence import quantiles
from mipp_core.information.terc import Decision, Gain, keep_masks, staying_power, uninformative
from mipp_core.pruners.deciding import masks_between_levels

WIDTHS = {"conv": 9, "fc1": 14, "fc2": 6}
THRESHOLDS = quantiles(schedule())
LEVELS = len(THRESHOLDS)


def gain(statistic: float) -> Gain:
    return Gain((statistic,), 1.0, statistic)


def decided(unit: int, statistic: float, first: int = 0, last: int = LEVELS - 1, layer: str = "fc1") -> Decision:
    """A unit tested at several levels in a row with one outcome."""
    removing = [level for level in range(first, last + 1) if not statistic > THRESHOLDS[level].item()]
    return Decision(layer, unit, unit, first, last, min(removing, default=last + 1), 1, gain(statistic))


def removed_at(unit: int, level: int, statistic: float = 0.0, layer: str = "fc1") -> Decision:
    return Decision(layer, unit, unit, 0, LEVELS - 1, level, 1, gain(statistic))


def outcomes(seed: int) -> list[Decision]:
    """Every unit of three layers, each with an outcome of its own; a few carry no information and go untested."""
    generator = torch.Generator().manual_seed(seed)
    decisions = []
    for layer, units in WIDTHS.items():
        statistics = (torch.randn(units, generator=generator) * 3 + 1.5).tolist()
        decisions += uninformative(layer, [0], range(LEVELS))
        decisions += [decided(unit, statistics[unit], layer=layer) for unit in range(1, units)]
    return decisions


def levels_of(decisions: list[Decision], widths: dict[str, int]) -> list[KeepMasks]:
    """The pruner's own masks, one per level."""
    rows = {
        name: keep_masks([d for d in decisions if d.layer == name], width, LEVELS) for name, width in widths.items()
    }
    return [KeepMasks({name: keep[level] for name, keep in rows.items()}) for level in range(LEVELS)]


def flat(masks: KeepMasks) -> Tensor:
    return torch.cat(list(masks.values()))


def nested(masks: list[KeepMasks]) -> bool:
    return all(not (flat(later) & ~flat(earlier)).any() for earlier, later in pairwise(masks))


def test_units_go_by_the_level_that_gives_them_up_and_then_by_the_statistic():
    decisions = [
        removed_at(0, 3, 0.5),
        removed_at(1, 3, 1.2),
        removed_at(2, 2, 1.0),
        removed_at(3, LEVELS, 9.0),
        removed_at(4, LEVELS, 50.0),
        *uninformative("fc1", [5], range(LEVELS)),
        removed_at(6, 0, -2.0),
    ]
    power = staying_power(decisions, 7)
    assert power.argsort().tolist() == [5, 6, 2, 0, 1, 3, 4]
    assert power.floor().tolist() == [3.0, 3.0, 2.0, 20.0, 20.0, 0.0, 0.0]


@pytest.mark.parametrize("removed_from", [3, 7])
def test_levels_that_parted_are_counted_together_and_the_decisive_test_counts(removed_from: int):
    early = Decision("fc1", 0, 0, 0, 4, min(removed_from, 5), 1, gain(1.0 if removed_from < 5 else 8.0))
    late = Decision("fc1", 0, 0, 5, 19, max(removed_from, 5), 1, gain(1.0 if removed_from > 5 else -8.0))
    alone = removed_at(1, removed_from, 1.0)
    for decisions in ([early, late, alone], [late, early, alone]):
        power = staying_power(decisions, 2)
        assert power[0] == power[1] > removed_from


def test_a_unit_that_comes_back_counts_the_levels_that_keep_it():
    away = Decision("fc1", 0, 0, 0, 4, 2, 1, gain(0.0))
    back = Decision("fc1", 0, 0, 5, 19, 15, 1, gain(0.0))
    assert staying_power([away, back], 1).floor().tolist() == [12.0]


@pytest.mark.parametrize("statistic", [-torch.inf, -1e30, torch.inf, 1e30])
def test_an_endless_statistic_moves_no_unit_past_a_level(statistic: float):
    decisions = [decided(0, statistic), *(removed_at(unit, level, 0.0) for unit, level in ((1, 0), (2, 19), (3, 20)))]
    order = staying_power(decisions, 4).argsort().tolist()
    assert order == ([0, 1, 2, 3] if statistic < 0 else [1, 2, 3, 0])


@pytest.mark.parametrize("seed", range(10))
def test_at_a_levels_own_sparsity_the_mask_is_the_levels(seed: int):
    decisions = outcomes(seed)
    levels = levels_of(decisions, WIDTHS)
    assert nested(levels)
    assert len({masks.sparsity for masks in levels}) > 5
    assert masks_between_levels(WIDTHS, decisions, tuple(masks.sparsity for masks in levels)) == levels


@pytest.mark.parametrize("seed", range(10))
def test_masks_at_any_sparsities_are_exact_and_nested_and_lie_between_the_levels(seed: int):
    decisions, units = outcomes(seed), sum(WIDTHS.values())
    sparsities = tuple(removed / units for removed in range(units + 1))
    found = masks_between_levels(WIDTHS, decisions, sparsities)
    assert [int((~flat(masks)).sum()) for masks in found] == list(range(units + 1))
    assert nested(found)
    for level in levels_of(decisions, WIDTHS):
        below = [masks for masks in found if masks.sparsity <= level.sparsity]
        assert not (flat(level) & ~flat(below[-1])).any()


@pytest.mark.parametrize("seed", range(5))
def test_among_units_that_one_level_gives_up_the_lower_statistic_goes_first(seed: int):
    decisions, units = outcomes(seed), sum(WIDTHS.values())
    found = masks_between_levels(WIDTHS, decisions, tuple(removed / units for removed in range(units + 1)))
    owners = [(name, unit) for name, width in WIDTHS.items() for unit in range(width)]
    gone = [owners[int((flat(one) & ~flat(two)).nonzero())] for one, two in pairwise(found)]
    outcome = {
        (d.layer, d.unit): (d.removed_from, -torch.inf if d.gain is None else d.gain.statistic) for d in decisions
    }
    assert [outcome[unit] for unit in gone] == sorted(outcome.values())

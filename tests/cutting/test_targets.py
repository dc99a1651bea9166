"""A target is met by the number of units that a slow, obvious search over all numbers would take."""

from collections.abc import Mapping

import pytest
import torch
from followers import COUNTED, SHAPE, built
from torch import Tensor, nn

from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Scope, Selection, keep_counts
from mipp_core.cutting.surgery import shrink
from mipp_core.cutting.targets import Target, emptied, keep_at, nearest, one_unit
from mipp_core.errors import SettingError
from mipp_core.evaluation import macs, parameters
from mipp_core.vocabulary import Counted


def costs(model: nn.Module, masks: KeepMasks, of: Counted) -> int:
    slim = shrink(model, masks)
    return parameters(slim) if of == "parameters" else macs(slim, SHAPE)


def one_after_another(scores: Mapping[str, Tensor], scope: Scope, floor: int) -> list[KeepMasks]:
    """The twin's order: remove the worst unit above the floor, again and again."""
    left = {name: len(values) for name, values in scores.items()}
    found = [keep_counts(scores, left)]
    while any(count > floor for count in left.values()):
        worst = {
            name: values.sort().values[len(values) - left[name]].item()
            if scope == "global"
            else (len(values) - left[name] + 0.5) / len(values)
            for name, values in scores.items()
            if left[name] > floor
        }
        lowest = min(worst.values())
        left[[name for name, score in worst.items() if score == lowest][-1]] -= 1
        found.append(keep_counts(scores, left))
    return found


def some_scores(counter: Counter, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {layer.name: torch.rand(layer.units, generator=generator) for layer in counter.wiring.layers}


@pytest.mark.parametrize("floor", [0, 2])
@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("of", ["parameters", "macs"])
@pytest.mark.parametrize("name", COUNTED)
def test_no_other_number_of_units_is_nearer(name: str, of: Counted, scope: Scope, floor: int):
    model = built(name)
    counter = Counter(model, SHAPE)
    whole = parameters(model) if of == "parameters" else macs(model, SHAPE)
    scores = some_scores(counter, seed=1)
    ladder = one_after_another(scores, scope, floor)
    left = [costs(model, masks, of) for masks in ladder]
    for share in (0.0, 0.1, 0.37, 0.5):
        best = min(range(len(left)), key=lambda count: (abs(left[count] - (1 - share) * whole), count))
        if left[-1] > (1 - share) * whole:
            continue
        assert keep_at(Target(share, of), scores, Selection(scope, floor), counter) == ladder[best]


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("of", ["parameters", "macs"])
def test_what_cannot_be_removed_is_said_before_it_is_tried(name: str, of: Counted):
    counter = Counter(built(name), SHAPE)
    scores, selection = some_scores(counter, seed=1), Selection("global", 1)
    most = counter.removed(selection.remove(scores, selection.most({n: len(s) for n, s in scores.items()})))[of]
    accepted = int(most * 1000) / 1000
    refused = rf"at most {most:.1%} of this network's can be removed with a floor of 1; .* for {accepted:g} or less"
    with pytest.raises(SettingError, match=refused):
        keep_at(Target(most + 0.001, of), scores, selection, counter)
    assert keep_at(Target(accepted, of), scores, selection, counter)
    assert keep_at(Target(most, of), scores, selection, counter)


@pytest.mark.parametrize("share", [-0.1, 1.01, float("nan"), float("inf")])
def test_a_share_outside_its_range_is_a_sentence(share: float):
    with pytest.raises(SettingError, match=r"share of MACs to remove is .*; give 0 \(keep all\) to 1"):
        Target(share, "macs")


@pytest.mark.parametrize("values", [[9, 7, 7, 7, 3, 0], [5, 5, 5], [4], [8, 1]])
@pytest.mark.parametrize("wanted", [-1.0, 0.0, 2.0, 4.5, 5.0, 7.0, 8.0, 20.0])
def test_the_nearest_of_a_falling_row_is_found(values: list[int], wanted: float):
    found = nearest(values.__getitem__, len(values) - 1, wanted)
    best = min(abs(value - wanted) for value in values)
    assert abs(values[found] - wanted) == best
    assert found == min(place for place, value in enumerate(values) if value == values[found])


def test_one_units_worth_is_the_most_that_one_more_takes():
    model = built("flattened")
    counter = Counter(model, SHAPE)
    masks = KeepMasks({"conv": torch.ones(5, dtype=torch.bool), "hidden": torch.ones(7, dtype=torch.bool)})
    a_filter, a_neuron = 3 * 9 + 1 + 25 * 7, 125 + 1 + 2 + 3
    assert one_unit("parameters", masks, counter) == max(a_filter, a_neuron)
    assert one_unit("parameters", emptied(0, counter), counter) == 0


def test_layers_lose_alike_to_one_unit():
    scores = {"a": torch.rand(10), "b": torch.rand(20), "c": torch.rand(5)}
    for count in range(36):
        masks = Selection("layer").remove(scores, count)
        assert sum(masks.units.values()) - sum(masks.kept.values()) == count
        assert all(abs(kept - (1 - count / 35) * masks.units[name]) <= 1 for name, kept in masks.kept.items())
        assert masks == keep_counts(scores, masks.kept)

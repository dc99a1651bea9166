from itertools import pairwise

import pytest
import torch
from torch import Tensor

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Selection, keep_counts, keep_global, keep_per_layer
from mipp_core.errors import SettingError

RATIOS = [n / 20 for n in range(21)]


def drawn(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(units, generator=generator) for name, units in {"a": 5, "b": 12, "c": 3}.items()}


def equal() -> dict[str, Tensor]:
    return {name: torch.zeros_like(values) for name, values in drawn().items()}


def removed(masks: KeepMasks) -> set[tuple[str, int]]:
    return {(name, unit) for name, mask in masks.items() for unit in (~mask).nonzero().flatten().tolist()}


def test_counts_keep_the_highest_scores():
    masks = keep_counts({"a": torch.tensor([0.3, 0.1, 0.2]), "b": torch.tensor([1.0, 5.0])}, {"a": 2, "b": 1})
    assert masks["a"].tolist() == [True, False, True]
    assert masks["b"].tolist() == [False, True]


@pytest.mark.parametrize("count", range(6))
def test_counts_are_exact_and_ties_are_stable(count: int):
    masks = keep_counts({"a": torch.zeros(5)}, {"a": count})
    assert masks["a"].tolist() == [True] * count + [False] * (5 - count)


@pytest.mark.parametrize("count", [-1, 4])
def test_a_count_outside_its_layer_is_refused(count: int):
    with pytest.raises(SettingError, match=f"Layer a has 3 units; it cannot keep {count}"):
        keep_counts({"a": torch.zeros(3)}, {"a": count})


@pytest.mark.parametrize("sparsity", RATIOS)
@pytest.mark.parametrize("floor", [0, 1])
@pytest.mark.parametrize("scores", [drawn(), equal()], ids=["drawn", "equal"])
def test_the_global_count_is_exact(scores: dict[str, Tensor], floor: int, sparsity: float):
    if floor and round(sparsity * 20) > 17:
        with pytest.raises(SettingError, match="cannot leave 1 units in every layer"):
            keep_global(scores, sparsity, floor)
    else:
        masks = keep_global(scores, sparsity, floor)
        assert len(removed(masks)) == round(sparsity * 20)
        assert min(masks.kept.values()) >= floor


def test_the_lowest_scores_of_the_whole_network_go():
    masks = keep_global({"a": torch.tensor([5.0, 1.0]), "b": torch.tensor([2.0, 4.0, 3.0])}, 0.4)
    assert removed(masks) == {("a", 1), ("b", 0)}


def test_of_equal_scores_the_first_units_stay():
    assert removed(keep_global(equal(), 0.2)) == {("b", 11), ("c", 0), ("c", 1), ("c", 2)}


@pytest.mark.parametrize("floor", [0, 1, 2])
@pytest.mark.parametrize("scores", [drawn(1), equal()], ids=["drawn", "equal"])
def test_masks_are_nested_as_the_ratio_grows(scores: dict[str, Tensor], floor: int):
    possible = [ratio for ratio in RATIOS if round(ratio * 20) <= 20 - 3 * floor]
    sets = [removed(keep_global(scores, ratio, floor)) for ratio in possible]
    assert all(fewer <= more for fewer, more in pairwise(sets))
    counts = [keep_counts(scores, {"a": keep, "b": keep, "c": keep}) for keep in (3, 2, 1, 0)]
    assert all(removed(more) <= removed(fewer) for more, fewer in pairwise(counts))


def test_a_floor_keeps_each_layers_best_and_no_floor_lets_it_collapse():
    scores = {"a": torch.tensor([0.1, 0.2, 0.15]), "b": torch.tensor([1.0, 2.0, 3.0])}
    assert keep_global(scores, 0.5).collapsed == ("a",)
    floored = keep_global(scores, 0.5, floor=1)
    assert floored["a"].tolist() == [False, True, False]
    assert removed(floored) == {("a", 0), ("a", 2), ("b", 0)}


def test_a_floor_wider_than_a_layer_keeps_that_layer_whole():
    assert keep_global({"a": torch.zeros(1), "b": torch.ones(4)}, 0.2, floor=3).kept == {"a": 1, "b": 3}


def test_signed_scores_are_ranked_by_their_value_and_not_their_size():
    assert keep_global({"a": torch.tensor([-3.0, -1.0, 0.0, 2.0])}, 0.5)["a"].tolist() == [False, False, True, True]


@pytest.mark.parametrize("sparsity", [-0.01, 1.01, float("nan")])
def test_a_sparsity_outside_its_range_is_refused(sparsity: float):
    with pytest.raises(SettingError, match=rf"The sparsity {sparsity} is outside \[0, 1\]"):
        keep_global(drawn(), sparsity)


def test_a_negative_floor_is_refused():
    with pytest.raises(SettingError, match="it cannot keep -1"):
        keep_global(drawn(), 0.5, floor=-1)


def test_a_floor_holds_against_infinite_scores():
    masks = keep_global({"a": torch.full((3,), torch.inf), "b": torch.ones(1)}, 0.5, floor=1)
    assert masks["b"].all()


def test_scores_that_are_not_numbers_are_refused_and_named():
    scores = {"fc1": torch.tensor([1.0, torch.nan, 2.0]), "fc2": torch.ones(2)}
    for choose in (lambda: keep_counts(scores, {"fc1": 1, "fc2": 1}), lambda: keep_global(scores, 0.5)):
        with pytest.raises(SettingError, match="fc1 has 1 scores that are not numbers"):
            choose()


@pytest.mark.parametrize("sparsity", RATIOS)
@pytest.mark.parametrize("floor", [0, 1, 4, 100])
@pytest.mark.parametrize("scores", [drawn(2), equal()], ids=["drawn", "equal"])
def test_the_same_share_of_every_layer_goes_but_never_its_best(scores: dict[str, Tensor], floor: int, sparsity: float):
    masks = keep_per_layer(scores, sparsity, floor)
    for name, values in scores.items():
        expected = max(min(floor, len(values)), len(values) - round(sparsity * len(values)))
        assert masks.kept[name] == expected
        best = sorted(range(len(values)), key=lambda unit, values=values: (-values[unit].item(), unit))[:expected]
        assert masks[name].nonzero().flatten().tolist() == sorted(best)


def test_per_layer_masks_are_nested_as_the_ratio_grows():
    for floor in (0, 2):
        sets = [removed(keep_per_layer(drawn(1), ratio, floor)) for ratio in RATIOS]
        assert all(fewer <= more for fewer, more in pairwise(sets))


def test_layers_are_not_compared_when_each_gives_the_same_share():
    scores = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([100.0, 300.0, 200.0, 400.0])}
    assert removed(keep_per_layer(scores, 0.5)) == {("a", 0), ("b", 0), ("b", 2)}
    assert removed(keep_global(scores, 0.5)) == {("a", 0), ("a", 1), ("b", 0)}


@pytest.mark.parametrize("sparsity", [-0.01, 1.01, float("nan")])
def test_a_share_of_every_layer_outside_its_range_is_refused(sparsity: float):
    with pytest.raises(SettingError, match=rf"The sparsity {sparsity} is outside \[0, 1\]"):
        keep_per_layer(drawn(), sparsity)


def test_a_layer_of_scores_that_are_not_numbers_is_named():
    with pytest.raises(SettingError, match="b has 1 scores that are not numbers"):
        keep_per_layer({"a": torch.ones(2), "b": torch.tensor([torch.nan, 1.0])}, 0.5)


@pytest.mark.parametrize("floor", [0, 1])
@pytest.mark.parametrize("sparsity", [0.0, 0.35, 0.8])
def test_a_selection_is_its_scope_and_its_floor(sparsity: float, floor: int):
    assert Selection("global", floor).keep(drawn(), sparsity) == keep_global(drawn(), sparsity, floor)
    assert Selection("layer", floor).keep(drawn(), sparsity) == keep_per_layer(drawn(), sparsity, floor)
    assert Selection() == Selection("global", 0)


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_scope_is_refused():
    with pytest.raises(SettingError, match="The scope is 'block'; it must be global or layer"):
        Selection("block")


def test_a_selection_of_a_negative_floor_is_refused():
    with pytest.raises(SettingError, match="The floor is -1; it must be at least 0 units"):
        Selection(floor=-1)

"""Cut-offs on CMI values."""

from itertools import combinations, pairwise

import pytest
import torch

from mipp_core.information.cut_offs import _divided, permutation, product_after, scree, x_means


def test_scree_finds_the_bend():
    bends = scree([3.0, 2.0, 1.0, 0.1, 0.08, 0.05, 0.0])
    assert bends[0].kept == 3
    assert bends[0].ratio == pytest.approx(0.9 / 0.02)
    assert sorted(bend.kept for bend in bends) == [1, 2, 3, 4, 5]


def test_scree_looks_at_values_not_at_numbers():
    """The released code's fault: on numbers of units every ratio is 1."""
    assert scree([4.0, 1.0, 0.9, 0.0])[0].kept == 1
    assert scree([4.0, 3.0, 0.1, 0.0])[0].kept == 2


def test_the_first_unit_can_be_the_last_one_kept():
    assert scree([2.0, 0.01, 0.005, 0.0])[0].kept == 1


def test_noise_makes_no_bend():
    """After the information is used up, drops of rounding size, of either sign, have the ratio 1."""
    bends = scree([1.0, 0.5, 1e-9, 0.0, 1e-12, 0.0])
    assert bends[0].kept == 2
    assert [bend.ratio for bend in bends if bend.kept > 2] == [1.0, 1.0]


def test_a_flat_curve_keeps_few_and_a_single_unit_has_no_bend():
    assert scree([0.0, 0.0, 0.0, 0.0])[0].kept == 1
    assert scree([1.0, 0.0]) == []


def test_x_means_removes_the_lowest_group():
    assert x_means([2.0, 1.95, 1.9, 0.1, 0.08, 0.06, 0.05, 0.0]) == 3
    assert x_means([9.0, 8.9, 8.8, 5.0, 4.9, 4.8, 0.3, 0.2, 0.1, 0.0]) == 6


def test_x_means_keeps_everything_where_there_is_one_group():
    assert x_means([1 - step / 20 for step in range(21)]) == 20
    assert x_means([0.7, 0.0]) == 1


@pytest.mark.parametrize("groups", [1, 2, 3, 4])
def test_x_means_divides_as_trying_all_divisions_would(groups: int):
    values = [3.1, 3.0, 2.7, 1.1, 0.9, 0.4, 0.3, 0.25]

    def cost(starts: tuple[int, ...]) -> float:
        parts = [values[start:end] for start, end in pairwise([0, *starts, len(values)])]
        return sum((value - sum(part) / len(part)) ** 2 for part in parts for value in part)

    best = min(combinations(range(1, len(values)), groups - 1), key=cost)
    assert _divided(torch.tensor(values, dtype=torch.double), groups) == [0, *best]


@pytest.mark.parametrize(("telling", "kept"), [(0, 1), (1, 1), (3, 3), (6, 6)])
def test_the_permutation_test_stops_where_the_rest_tells_nothing(telling: int, kept: int):
    def rest_tells(picks: int, order: torch.Tensor) -> float:
        is_own = bool((order == torch.arange(20)).all())
        return 1.0 if is_own and picks < telling else 0.5

    assert permutation(rest_tells, 6, 20, 50, 0.05, torch.Generator().manual_seed(0)) == kept


def test_its_level_is_the_rate_of_false_alarms():
    """Where the rest is independent of the labels, it looks significant in a share ``level`` of the cases."""
    noise, alarms = torch.Generator().manual_seed(1), 0
    for _ in range(600):
        clear_at_first, then_noise = [1.0, *[0.0] * 40], torch.rand(41, generator=noise).tolist()
        drawn = iter(clear_at_first + then_noise)
        alarms += permutation(lambda *_, drawn=drawn: next(drawn), 2, 10, 40, 0.1, noise) == 2
    assert alarms / 600 == pytest.approx(5 / 41, abs=0.04)  # 4 of 40 shuffled ones may tell as much


def test_products_of_the_rest():
    kernels = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    after = product_after(kernels, (2, 0, 1))
    torch.testing.assert_close(after[0], kernels.prod(0))
    torch.testing.assert_close(after[1], kernels[0] * kernels[1])
    torch.testing.assert_close(after[3], torch.ones(4, 4, dtype=torch.double))

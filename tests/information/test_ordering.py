"""The order of a layer's units, against the plain loop over candidates, and on variables whose order is known."""

from math import log2

import pytest
import torch
from torch import Tensor

from mipp_core.information.ordering import Ordering, ordered
from mipp_core.information.renyi import conditional, entropy, gaussian, mutual, same, squared_distances, squared_widths

N = 36
LABELS = torch.arange(N) % 3


def layer(units: int, factor: float, seed: int = 0) -> Tensor:
    """Kernels of units that know the labels more or less."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.randn(units, 3, 4, generator=generator) * torch.rand(units, 1, 1, generator=generator)
    distances = squared_distances(means[:, LABELS] + 0.7 * torch.randn(units, N, 4, generator=generator))
    return gaussian(distances, squared_widths(distances, 4, "median", factor))


def plainly(kernels: Tensor, labels: Tensor, alpha: float, given: Tensor | None = None) -> list[int]:
    """The paper's loop: every candidate's information, from its own product, by eigenvalues."""
    start = torch.ones_like(labels) if given is None else given
    order: list[int] = []
    while len(order) < len(kernels):
        found = {}
        for unit in set(range(len(kernels))) - set(order):
            product = start.clone()
            for chosen in [*order, unit]:
                product = product * kernels[chosen]
            found[unit] = mutual(product, labels, alpha).item()
        order.append(max(found, key=lambda unit: found[unit]))
    return order


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.01, 2.0, 3.0])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_plain_loops(alpha: float, seed: int):
    kernels, given = layer(7, 2.0, seed), layer(2, 2.0, seed + 10).prod(0)
    assert list(ordered(kernels, LABELS, alpha).order) == plainly(kernels, same(LABELS), alpha)
    assert list(ordered(kernels, LABELS, alpha, given).order) == plainly(kernels, same(LABELS), alpha, given)


@pytest.mark.parametrize("alpha", [1.01, 2.0])
def test_labels_may_be_a_kernel(alpha: float):
    kernels = layer(6, 2.0)
    exact, soft = ordered(kernels, LABELS, alpha), 0.1 + 0.9 * same(LABELS)
    as_kernel = ordered(kernels, same(LABELS), alpha)
    assert as_kernel.order == exact.order and as_kernel.mutual == pytest.approx(exact.mutual, abs=1e-9)
    assert list(ordered(kernels, soft, alpha).order) == plainly(kernels, soft, alpha)


@pytest.mark.parametrize("alpha", [1.01, 2.0])
def test_the_curve_is_the_definition(alpha: float):
    kernels, given, labels = layer(5, 1.5), layer(1, 2.0, 9)[0], same(LABELS)
    found = ordered(kernels, LABELS, alpha, given)
    assert len(found.mutual) == len(found.joint) == len(found.conditional) == 6
    for picks in range(6):
        chosen = given * kernels[list(found.order[:picks])].prod(0)
        rest = kernels[list(found.order[picks:])].prod(0)
        assert found.conditional[picks] == pytest.approx(conditional(rest, labels, chosen, alpha).item(), abs=1e-9)
        assert found.mutual[picks] == pytest.approx(mutual(chosen, labels, alpha).item(), abs=1e-9)
        assert found.joint[picks] == pytest.approx(entropy(chosen, alpha).item(), abs=1e-9)


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_on_discrete_variables_it_counts(alpha: float):
    """Two bits make the label; a copy of the first bit adds nothing, and a constant never does."""
    first, second = (torch.arange(N) // 2) % 2, torch.arange(N) % 2
    label = 2 * first + second
    kernels = torch.stack([torch.ones(N, N, dtype=torch.double), *map(same, (first, first, second))])
    found = ordered(kernels, label, alpha)
    assert found.order == (1, 3, 2, 0)  # the copy ties with the constant, and tells more alone
    assert found.mutual == pytest.approx([0, 1, 2, 2, 2], abs=1e-9)


def test_saturation_is_found_and_said():
    sharp, smooth = ordered(layer(8, 0.1), LABELS, 1.01), ordered(layer(8, 8.0), LABELS, 1.01)
    assert sharp.saturated_at is not None and sharp.joint[sharp.saturated_at] >= 0.99 * log2(N)
    assert sharp.saturated_at == 0 or sharp.joint[sharp.saturated_at - 1] < 0.99 * log2(N)
    assert smooth.saturated_at is None and max(smooth.joint) < 0.99 * smooth.most
    assert sorted(sharp.order) == list(range(8))


def test_units_that_stand_still_come_last():
    found = Ordering((1, 0), (0.0, 0.5, 0.75), (0.0, 1.0, 2.0), N).renamed([4, 2], [0, 1, 3])
    assert found.order == (2, 4, 0, 1, 3)
    assert found.mutual == (0.0, 0.5, 0.75, 0.75, 0.75, 0.75)
    assert found.conditional == (0.75, 0.25, 0.0, 0.0, 0.0, 0.0)


def test_a_layer_without_units_has_an_empty_order():
    found = ordered(torch.ones(0, N, N, dtype=torch.double), LABELS, 2.0)
    assert found.order == () and found.conditional == (0.0,)

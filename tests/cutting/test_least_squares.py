import pytest
import torch
from torch import nn
from torch.nn import functional

from mipp_core.cutting import least_squares
from mipp_core.cutting.least_squares import fitted


def test_a_unit_that_hardly_ever_speaks_gets_no_large_weight_behind_normalisations():
    """The unit is 0.001 in one sample of 2,000 and else 0, and that sample's target is far off by chance."""
    generator = torch.Generator().manual_seed(0)
    read = torch.randn(2000, 4, generator=generator, dtype=torch.float64)
    weight = torch.randn(2, 4, generator=generator, dtype=torch.float64)
    wanted = read @ weight.T + 0.1 * torch.randn(2000, 2, generator=generator, dtype=torch.float64)
    read[:, 3], wanted[7] = 0.0, 1.0
    wanted -= torch.outer(read[:, 3], weight[:, 3])
    read[7, 3] = 1e-3
    layer, rows = nn.Linear(4, 2).double(), torch.arange(2)
    (bare, _), (calm, _) = (fitted(layer, [read], [wanted], rows, normalised=each) for each in (False, True))
    assert bare[:, 3].abs().max() > 100
    assert calm[:, 3].abs().max() < 10
    torch.testing.assert_close(calm[:, :3], bare[:, :3], rtol=0, atol=1e-2)


def test_without_two_samples_a_regressor_there_is_no_fit():
    layer, rows = nn.Linear(4, 2), torch.arange(2)
    assert fitted(layer, [torch.rand(7, 4)], [torch.rand(7, 2)], rows) is None
    assert fitted(layer, [torch.rand(8, 4)], [torch.rand(8, 2)], rows) is not None


@pytest.mark.parametrize("groups", [1, 3])
def test_strips_pieces_and_batches_change_nothing(groups: int, monkeypatch):
    """Against a solver that sees all patches at once; 4 x 3 x 2 numbers per patch, and an intercept."""
    generator = torch.Generator().manual_seed(0)
    layer = nn.Conv2d(4 * groups, 2 * groups, (3, 2), (2, 1), (1, 0), (1, 2), groups).double()
    read = torch.randn(60, 4 * groups, 6, 5, generator=generator, dtype=torch.float64)
    wanted = torch.randn(60, 3 * groups, 3, 3, generator=generator, dtype=torch.float64)
    rows = torch.arange(3 * groups)[torch.arange(3 * groups) % 3 != 1]
    weights, intercept = [], []
    for part, aim in zip(read.chunk(groups, 1), wanted[:, rows].chunk(groups, 1), strict=True):
        patches = functional.unfold(part, (3, 2), (1, 2), (1, 0), (2, 1)).mT.flatten(0, 1)
        table = torch.cat([patches, torch.ones(len(patches), 1, dtype=torch.float64)], 1)
        solution = torch.linalg.lstsq(table, aim.flatten(2).mT.flatten(0, 1)).solution
        weights.append(solution[:-1].T.reshape(2, 4, 3, 2))
        intercept.append(solution[-1])
    monkeypatch.setattr(least_squares, "_RIDGE", 1e-13)
    for strip, numbers, batch in ((1, 1, 60), (5, 1, 7), (64, 2**20, 11), (7, 3000, 1)):
        monkeypatch.setattr(least_squares, "_FEWEST_IN_STRIP", strip)
        monkeypatch.setattr(least_squares, "_NUMBERS", numbers)
        found = fitted(layer, read.split(batch), wanted.split(batch), rows)
        torch.testing.assert_close(found, (torch.cat(weights), torch.cat(intercept)), rtol=0, atol=1e-9)


def test_a_sequence_is_fitted_position_by_position():
    generator = torch.Generator().manual_seed(0)
    layer = nn.Linear(4, 3).double()
    read = torch.randn(30, 5, 4, generator=generator, dtype=torch.float64)
    weights, intercept = fitted(nn.Linear(4, 2), read.split(7), layer(read).split(7), torch.tensor([0, 2]))
    torch.testing.assert_close(weights, layer.weight[[0, 2]], rtol=0, atol=1e-4)
    torch.testing.assert_close(intercept, layer.bias[[0, 2]], rtol=0, atol=1e-4)

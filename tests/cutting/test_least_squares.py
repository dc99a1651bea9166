import torch
from torch import nn

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

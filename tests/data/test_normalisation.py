import torch

from mipp_core.data.normalisation import Normalisation


def test_apply_by_hand():
    pixels = torch.tensor([[[[0.0, 1.0]], [[0.5, 0.25]]]])
    inputs = Normalisation(mean=(0.5, 0.25), std=(0.5, 0.25)).apply(pixels)
    assert inputs.tolist() == [[[[-1.0, 1.0]], [[1.0, 0.0]]]]


def test_undo_inverts_apply():
    pixels = torch.rand(3, 2, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    normalisation = Normalisation(mean=(0.3, 0.6), std=(0.2, 0.7))
    torch.testing.assert_close(normalisation.undo(normalisation.apply(pixels)), pixels, rtol=0, atol=1e-15)


def test_mean_zero_and_std_one_change_no_bit():
    pixels = torch.rand(2, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(Normalisation((0.0,), (1.0,)).apply(pixels), pixels)


def test_dtype_is_kept():
    assert Normalisation((0.1,), (0.3,)).apply(torch.zeros(1, 1, 1, 1, dtype=torch.float64)).dtype == torch.float64

import pytest
import torch

from mipp_core.data.normalisation import Normalisation, channel_numbers
from mipp_core.errors import SettingError


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


@pytest.mark.parametrize("text", ["0.485 0.456 0.406", "0.485,0.456,0.406", " 0.485, 0.456,  0.406 "])
def test_numbers_of_channels_have_blanks_or_commas_between_them(text: str):
    assert channel_numbers("mean", text) == (0.485, 0.456, 0.406)
    assert channel_numbers("mean", " ") is None


@pytest.mark.parametrize("text", ["a", "0.5;0.4", "0.5 x", "[0.5]", "z" * 5000])
def test_what_is_not_numbers_is_a_sentence(text: str):
    with pytest.raises(
        SettingError, match=r"The std '.*' is not numbers; write one per channel, as 0.485 0.456"
    ) as caught:
        channel_numbers("std", text)
    assert len(str(caught.value)) < 200

import pytest
import torch

from mipp_core.data import preparation
from mipp_core.data.deformations import Deformation
from mipp_core.data.normalisation import Normalisation
from mipp_core.data.preparation import Preparation

GREY = Normalisation(mean=(0.2, 0.3), std=(0.4, 0.6))


@pytest.mark.parametrize("numbers", [1, 300, 2**20], ids=["singly", "in pieces", "at once"])
@pytest.mark.parametrize("deformation", [None, Deformation(0.5, seed=3)], ids=["plain", "deformed"])
def test_pieces_change_no_bit(numbers: int, deformation: Deformation | None, monkeypatch):
    monkeypatch.setattr(preparation, "_NUMBERS", numbers)
    stored = torch.randint(256, (11, 2, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    index = torch.arange(11).flip(0) + 5
    pixels = stored.float() / 255.0
    wanted = GREY.apply(pixels if deformation is None else deformation.apply(pixels, "test", index))
    assert torch.equal(Preparation(GREY, deformation, "test").apply(stored, index), wanted)


def test_no_images_are_no_inputs():
    assert Preparation(GREY, Deformation(), "train").apply(torch.zeros(0, 2, 8, 8, dtype=torch.uint8)).shape[0] == 0

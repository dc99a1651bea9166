"""Every fast change against one written out image by image, on the same random numbers."""

import pytest
import torch
from torch import Tensor

from mipp_core.augmentation import Augmentation, cut_out, flipped, mixed, shifted
from mipp_core.errors import SettingError


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=[(40, 3, 6, 6), (40, 2, 5, 9), (1, 1, 4, 4)], ids=str)
def images(request) -> Tensor:
    return torch.randn(request.param, generator=seeded(7)).double()


def test_shifted_is_a_window_of_a_bordered_image(images: Tensor):
    corners = torch.randint(5, (len(images), 2), generator=seeded())
    height, width = images.shape[2:]
    for image, (top, left), found in zip(images, corners.tolist(), shifted(images, 2, seeded()), strict=True):
        canvas = torch.zeros(image.shape[0], height + 4, width + 4).double()
        canvas[:, 2 : 2 + height, 2 : 2 + width] = image
        assert torch.equal(found, canvas[:, top : top + height, left : left + width])


def test_every_shift_is_equally_likely():
    one = torch.zeros(50_000, 1, 3, 3)
    one[:, :, 1, 1] = 1
    share = shifted(one, 1, seeded()).mean(0)
    torch.testing.assert_close(share, torch.full_like(share, 1 / 9), atol=0.006, rtol=0)


def test_flipped_turns_the_chosen_images(images: Tensor):
    chosen = torch.randint(2, (len(images), 1, 1, 1), generator=seeded(2)).flatten().tolist()
    for image, turned, found in zip(images, chosen, flipped(images, seeded(2)), strict=True):
        expected = torch.stack([image[:, :, x] for x in reversed(range(image.shape[2]))], 2) if turned else image
        assert torch.equal(found, expected)


def test_half_of_the_images_are_flipped():
    found = flipped(torch.tensor([0.0, 1.0]).expand(20_000, 1, 1, 2), seeded())
    assert found[:, 0, 0, 0].mean().item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 30])
def test_cut_out_is_a_square_around_a_pixel(images: Tensor, side: int):
    draws, (height, width) = seeded(3), images.shape[2:]
    rows = torch.randint(height, (len(images), 1), generator=draws).flatten().tolist()
    columns = torch.randint(width, (len(images), 1), generator=draws).flatten().tolist()
    for image, y, x, found in zip(images, rows, columns, cut_out(images, side, seeded(3)), strict=True):
        expected = image.clone()
        for i in range(y - side // 2, y - side // 2 + side):
            for j in range(x - side // 2, x - side // 2 + side):
                if 0 <= i < height and 0 <= j < width:
                    expected[:, i, j] = 0
        assert torch.equal(found, expected)


def test_mixed_blends_pairs_by_one_share(images: Tensor):
    mixture = mixed(images, seeded(4))
    assert sorted(mixture.partner.tolist()) == list(range(len(images)))
    for image, other, found in zip(images, mixture.partner.tolist(), mixture.images, strict=True):
        torch.testing.assert_close(found, mixture.share * image + (1 - mixture.share) * images[other])


def test_the_share_is_uniform():
    generator = seeded()
    shares = torch.tensor([mixed(torch.zeros(1, 1, 1, 1), generator).share for _ in range(4000)])
    assert shares.mean().item() == pytest.approx(1 / 2, abs=0.02)
    assert shares.var().item() == pytest.approx(1 / 12, abs=0.005)


def test_changes_are_made_in_the_order_that_is_said(images: Tensor):
    both = Augmentation(padding=2, flip=True, cutout=3).apply(images, seeded())
    one = seeded()
    assert torch.equal(both, cut_out(flipped(shifted(images, 2, one), one), 3, one))


def test_a_neutral_augmentation_changes_nothing_and_draws_nothing(images: Tensor):
    generator = seeded()
    assert Augmentation().apply(images, generator) is images
    assert torch.equal(generator.get_state(), seeded().get_state())


def test_inputs_and_the_global_random_state_are_left_alone(images: Tensor):
    before, state = images.clone(), torch.random.get_rng_state()
    mixed(Augmentation(padding=1, flip=True, cutout=2).apply(images, seeded()), seeded())
    assert torch.equal(images, before)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("wrong", [{"padding": -1}, {"cutout": -2}])
def test_negative_pixels_are_refused(wrong: dict[str, int]):
    with pytest.raises(SettingError, match="pixels are not possible; give 0 or more for both"):
        Augmentation(**wrong)

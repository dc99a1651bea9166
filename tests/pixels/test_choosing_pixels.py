"""Choices of pixels: the first of a ranking, what is in common, how close they lie, and when they are gone."""

import pytest
import torch

from mipp_core.errors import SettingError
from mipp_core.pixels.choosing import gone_from, in_common, order_of, returned, together, top


def keep(text):
    return torch.tensor([each == "1" for each in text])


def test_the_largest_scores_come_first_and_of_equal_ones_the_first_pixel():
    assert order_of(torch.tensor([0.0, 2.0, 1.0, 2.0, 0.0])) == [1, 3, 2, 0, 4]
    assert order_of(torch.zeros(300)) == list(range(300))


@pytest.mark.parametrize("count", range(6))
def test_the_top_is_exact_for_every_count_with_ties(count):
    order = order_of(torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0]))
    assert top(order, count).nonzero().flatten().tolist() == sorted([0, 2, 4, 1, 3][:count])


@pytest.mark.parametrize("count", [-1, 4])
def test_more_pixels_than_there_are_are_refused(count):
    with pytest.raises(SettingError, match="of 3 pixels cannot be kept; give 0 to 3"):
        top([0, 1, 2], count)


def test_what_is_in_common_is_counted():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.rand(50, generator=generator) < 0.4 for _ in range(2))
    both = sum(1 for place in range(50) if first[place] and second[place])
    assert in_common(first, second) == both / first.sum().item()
    assert in_common(keep("000"), keep("111")) is None


def test_random_pixels_have_in_common_what_chance_says():
    fixed = keep("1" * 30 + "0" * 70)
    draws = [top(torch.randperm(100, generator=torch.Generator().manual_seed(s)).tolist(), 30) for s in range(400)]
    assert sum(in_common(fixed, each) for each in draws) / 400 == pytest.approx(0.3, abs=0.02)


def test_how_close_pixels_lie_is_what_a_walk_over_all_neighbours_finds():
    image = torch.rand(2, 5, 7, generator=torch.Generator().manual_seed(1)) < 0.5
    kept = seen = 0
    for channel, row, column in image.nonzero().tolist():
        for down, across in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            r, c = row + down, column + across
            if 0 <= r < 5 and 0 <= c < 7:
                seen += 1
                kept += int(image[channel, r, c])
    assert together(image.flatten(), (2, 5, 7)) == pytest.approx(kept / seen)


def test_a_chessboard_has_no_neighbours_a_full_image_has_all_and_an_empty_one_cannot_say():
    chess = (torch.arange(8)[:, None] + torch.arange(8)) % 2 == 0
    assert together(chess.flatten(), (1, 8, 8)) == 0
    assert together(torch.ones(64, dtype=torch.bool), (1, 8, 8)) == 1
    assert together(torch.zeros(64, dtype=torch.bool), (1, 8, 8)) is None


def test_a_pixel_is_gone_from_the_level_after_the_last_that_keeps_it():
    levels = [keep("11010"), keep("10010"), keep("10110")]
    assert gone_from(levels) == [3, 1, 3, 3, 0]
    assert returned(levels) == 1
    assert returned(levels[:2]) == 0
    assert returned(levels[:1]) == 0

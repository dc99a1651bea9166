"""A study: who chose which pixels, and what networks can do with them."""

import pytest
import torch
from torch import nn

from mipp_core.data.dataset import Split
from mipp_core.errors import CancelledError, SettingError
from mipp_core.pixels.pictures import pictures
from mipp_core.pixels.rankings import RANKINGS
from mipp_core.pixels.study import Sizes, blanked, choices, orders, parts, to_train, trained_on
from mipp_core.recipes import Recipe


def made(images=60):
    generator = torch.Generator().manual_seed(2)
    labels = torch.arange(images) % 2
    pixels = torch.rand(images, 1, 4, 4, generator=generator)
    pixels[:, 0, 1, 1] = labels.float() * 2  # one pixel says the class
    return Split(pixels, labels)


@pytest.fixture
def model():
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2)).eval()


@pytest.fixture
def chosen(model):
    levels = [torch.arange(16) < count for count in (9, 5, 5, 0)]
    return choices(levels, orders(model, made()), 3)


def test_images_to_rank_on_and_to_judge_by_are_others():
    split = made()
    ranked, judged = parts(split, Sizes(20, 30, 1))
    assert torch.equal(ranked.images, split.images[:20]) and torch.equal(judged.images, split.images[20:50])
    assert len(parts(split, Sizes(20, None, 1))[1]) == 40
    with pytest.raises(SettingError, match="Of 60 test images rankings take 60"):
        parts(split, Sizes(60, None, 1))


@pytest.mark.parametrize("sizes", [(0, None, 1), (1, 0, 1), (1, None, 0)])
def test_sizes_below_one_are_refused(sizes):
    with pytest.raises(SettingError, match="give 1 or more of each"):
        Sizes(*sizes)


def test_everybody_keeps_as_many_pixels_as_mipp(chosen):
    assert tuple(chosen) == ("MIPP", "random", *RANKINGS)
    assert [len(draws) for draws in chosen.values()] == [1, 3, 1, 1, 1, 1]
    for draws in chosen.values():
        assert [[int(keep.sum()) for keep in levels] for levels in draws] == [[9, 5, 5, 0]] * len(draws)


def test_a_random_draw_is_nested_and_the_same_every_time(chosen):
    first, second, third = chosen["random"]
    assert all(bool((fewer & ~more).sum() == 0) for more, fewer in ((first[0], first[1]), (second[0], second[1])))
    assert not torch.equal(first[0], second[0]) and not torch.equal(second[0], third[0])
    assert torch.equal(choices([first[0]], {}, 3)["random"][2][0], third[0])


@torch.no_grad()
def test_blanked_accuracies_are_those_of_images_blanked_by_hand(model, chosen):
    split = made()
    found = blanked(model, split, chosen)
    for who, draws in chosen.items():
        for draw, levels in enumerate(draws):
            for place, keep in enumerate(levels):
                images = split.images.clone()
                images.flatten(1)[:, ~keep] = 0
                right = sum(
                    int(model(one[None]).argmax() == label) for one, label in zip(images, split.labels, strict=True)
                )
                assert found[who][draw][place] == right / len(split)


def test_equal_choices_are_measured_once(model, monkeypatch):
    asked = []
    monkeypatch.setattr("mipp_core.pixels.study.accuracy", lambda *_, view: asked.append(view) or 0.5)
    same = torch.arange(16) < 4
    assert blanked(model, made(), {"MIPP": [[same, same]], "other": [[same.clone()]]}) == {
        "MIPP": [[0.5, 0.5]],
        "other": [[0.5]],
    }
    assert len(asked) == 1


def test_blanking_can_be_stopped(model, chosen):
    def stop(progress):
        raise CancelledError(progress.stage)

    with pytest.raises(CancelledError, match="all but the pixels of MIPP"):
        blanked(model, made(), chosen, stop)


def test_a_network_learns_from_the_pixel_that_tells_and_not_from_others(model):
    recipe, split = Recipe(epochs=20, learning_rate=0.1, batch_size=10), made(200)
    telling, other = torch.arange(16) == 5, torch.arange(16) == 6
    assert trained_on(model, split, split, telling, recipe, 0) == 1.0
    torch.manual_seed(3)
    fresh = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2))
    assert trained_on(fresh, split, split, other, recipe, 0) < 0.7


def test_each_seed_is_trained_on_its_own_random_draw(chosen):
    for seed in range(3):
        own = [keep for who, place, keep in to_train(chosen, [1], seed) if who == "random"]
        assert len(own) == 1 and torch.equal(own[0], chosen["random"][seed][1])
    assert len(list(to_train(chosen, [0, 2], 0))) == 2 * len(chosen)


def test_pictures_are_a_digit_of_each_class_deformed_as_asked():
    plain, bent = pictures(0.0, 0), pictures(1.0, 0)
    assert plain.digits.shape == (10, 28, 28) and plain.mean.shape == (28, 28)
    assert plain.labels == bent.labels and not torch.equal(plain.digits, bent.digits)
    assert plain.digits.amax((1, 2)).min() > 200 and plain.mean[0].max() == 0

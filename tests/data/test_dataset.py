import pytest
import torch

from mipp_core.data.dataset import Dataset, Split
from mipp_core.data.normalisation import Normalisation
from mipp_core.errors import SettingError


def numbered(labels: list[int]) -> Split:
    """A split whose n-th image holds the number n."""
    return Split(torch.arange(len(labels)).float().view(-1, 1, 1, 1), torch.tensor(labels))


def numbers(split: Split) -> list[int]:
    return split.images.flatten().int().tolist()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_take_keeps_the_given_order_and_the_pairs():
    taken = numbered([5, 6, 7, 8]).take(torch.tensor([3, 0, 3]))
    assert numbers(taken) == [3, 0, 3]
    assert taken.labels.tolist() == [8, 5, 8]
    assert len(taken) == 3


@pytest.mark.parametrize("count", [1, 7, 30, 31, 59, 60])
def test_stratified_draws_exactly_that_many_different_samples(count: int):
    drawn = numbered([0, 1, 2] * 20).stratified(count, seeded())
    assert len(drawn) == len(set(numbers(drawn))) == count
    assert drawn.labels.tolist() == [n % 3 for n in numbers(drawn)]


@pytest.mark.parametrize("count", [3, 10, 29, 30])
def test_stratified_is_as_balanced_as_it_can_be(count: int):
    per_class = numbered([0, 0, 1, 2, 1, 2] * 20).stratified(count, seeded()).labels.bincount()
    assert per_class.max() - per_class.min() <= 1


def test_stratified_takes_all_of_a_rare_class_and_fills_up_with_the_others():
    drawn = numbered([0] * 50 + [1] * 2 + [2] * 50).stratified(30, seeded())
    assert drawn.labels.bincount().tolist() == [14, 2, 14]


def test_stratified_returns_everything_when_more_is_asked_for():
    assert sorted(numbers(numbered([0, 1, 1]).stratified(10, seeded()))) == [0, 1, 2]


def test_stratified_gives_every_sample_and_every_class_its_turn():
    split = numbered([0, 0, 1, 1, 2, 2])
    firsts = {numbers(split.stratified(1, seeded(seed)))[0] for seed in range(100)}
    assert firsts == set(range(6))


def test_stratified_depends_on_the_generator_only():
    split, state = numbered([0, 1] * 30), torch.random.get_rng_state()
    assert numbers(split.stratified(20, seeded(1))) == numbers(split.stratified(20, seeded(1)))
    assert numbers(split.stratified(20, seeded(1))) != numbers(split.stratified(20, seeded(2)))
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("count", [0, -1])
def test_stratified_refuses_an_empty_draw(count: int):
    with pytest.raises(SettingError, match=rf"A draw of {count} samples is empty; ask for at least 1"):
        numbered([0, 1]).stratified(count, seeded())


def test_to_moves_images_and_labels():
    split = numbered([0, 1])
    dataset = Dataset("x", ("a", "b"), split, split, Normalisation((0.0,), (1.0,))).to("meta")
    assert {t.device.type for s in (dataset.train, dataset.test) for t in (s.images, s.labels)} == {"meta"}


def test_image_shape():
    split = Split(torch.zeros(2, 3, 4, 5), torch.zeros(2, dtype=torch.int64))
    assert Dataset("x", ("a",), split, split, Normalisation((0.0,), (1.0,))).image_shape == (3, 4, 5)


def test_a_draw_from_unbalanced_classes_is_mixed_throughout():
    labels = torch.tensor([0] * 900 + [1] * 100)
    drawn = Split(torch.zeros(1000, 1, 1, 1), labels).stratified(1000, torch.Generator().manual_seed(0))
    assert 10 < drawn.labels[750:].sum() < 40  # in the order of drawing the last quarter would have no class 1

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.augmentation import Augmentation, mixed
from mipp_core.data.dataset import Split
from mipp_core.errors import CancelledError, SettingError, UnknownNameError
from mipp_core.evaluation import accuracy
from mipp_core.models import Architecture
from mipp_core.training import RECIPES, Recipe, recipe, train
from mipp_core.vocabulary import Progress

Make = Callable[[str], Architecture]
SHORT = Recipe(epochs=3, learning_rate=0.1, milestones=(1, 2), batch_size=30, weight_decay=1e-2)


def trained(make: Make, split: Split, how: Recipe = SHORT, seed: int = 0) -> list[Tensor]:
    model = make("mlp").build(seed=1)
    train(model, split, how, seed=seed)
    assert not model.training
    return list(model.parameters())


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(small_architecture: Make, noise_split):
    split = noise_split(100)
    assert same(trained(small_architecture, split), trained(small_architecture, split))
    assert not same(trained(small_architecture, split), trained(small_architecture, split, seed=1))


def test_it_learns(small_architecture: Make, noise_split):
    split = noise_split(300)
    split.images[torch.arange(300), 0, 0, split.labels] += 6.0
    model = small_architecture("mlp").build(seed=1)
    before = accuracy(model, split)
    train(model, split, Recipe(epochs=8, learning_rate=0.05, batch_size=20))
    assert before < 0.6
    assert accuracy(model, split) > 0.95


def test_it_is_stochastic_gradient_descent_written_out(small_architecture: Make, noise_split):
    split = noise_split(100)
    split = Split(split.images.double(), split.labels)
    model, twin = (small_architecture("mlp").build(seed=1).double() for _ in range(2))
    train(model, split, SHORT, seed=4)
    generator = torch.Generator().manual_seed(4)
    velocity = [torch.zeros_like(p) for p in twin.parameters()]
    for epoch in range(3):
        rate = 0.1 / 10**epoch
        for index in torch.randperm(100, generator=generator).split(30):
            twin.zero_grad()
            functional.cross_entropy(twin(split.images[index]), split.labels[index]).backward()
            with torch.no_grad():
                for p, v in zip(twin.parameters(), velocity, strict=True):
                    v.mul_(0.9).add_(p.grad + 1e-2 * p)
                    p.sub_(rate * v)
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_augmented_it_is_descent_on_mixed_images_and_losses(small_architecture: Make, noise_split):
    """One step of everything at once, written out; the order is drawn first, then each batch's changes."""
    split = noise_split(30)
    split = Split(split.images.double(), split.labels)
    change = Augmentation(padding=1, flip=True, cutout=2, mixup=True)
    model, twin = (small_architecture("mlp").build(seed=1).double() for _ in range(2))
    train(model, split, Recipe(1, 0.1, (), 30, 0.0, 0.0, change), seed=4)
    generator = torch.Generator().manual_seed(4)
    order = torch.randperm(30, generator=generator)
    mixture = mixed(change.apply(split.images[order], generator), generator)
    classes = functional.one_hot(split.labels[order], 3).double()
    wanted = mixture.share * classes + (1 - mixture.share) * classes[mixture.partner]
    (-(wanted * twin(mixture.images).log_softmax(1)).sum(1).mean()).backward()
    with torch.no_grad():
        for p in twin.parameters():
            p.sub_(0.1 * p.grad)
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_a_neutral_augmentation_trains_the_same_weights(small_architecture: Make, noise_split):
    split = noise_split(60)
    neutral = replace(SHORT, augmentation=Augmentation())
    assert same(trained(small_architecture, split), trained(small_architecture, split, neutral))


def test_removed_pixels_stay_removed_when_images_are_shifted(small_architecture: Make, noise_split):
    """What the network is shown comes after the augmentation: the first weights of a removed pixel get no gradient."""
    keep = torch.ones(1, 4, 4)
    keep[0, 1, 2] = 0
    model = small_architecture("mlp").build(seed=1)
    before = model.fc1.weight[:, 6].clone()
    how = Recipe(2, 0.1, batch_size=10, weight_decay=0.0, augmentation=Augmentation(padding=1, flip=True, mixup=True))
    train(model, noise_split(60), how, view=lambda images: images * keep)
    assert torch.equal(model.fc1.weight[:, 6], before)
    assert not torch.equal(model.fc1.weight[:, 5], before)


def test_random_parts_of_images_in_memory_are_refused(mlp: nn.Module, noise_split):
    with pytest.raises(SettingError, match="choose a recipe that crops with padding"):
        train(mlp, noise_split(30), RECIPES["paper-imagenet"])
    assert not mlp.training


@pytest.mark.parametrize(
    ("dataset", "train_row", "retrain_row", "weight_decay", "batch"),
    [
        ("cifar10", (200, 1e-1, (100, 150)), (120, 1e-2, (60, 90)), 5e-4, 128),
        ("cifar100", (200, 1e-1, (100, 150)), (120, 1e-2, (60, 90)), 5e-4, 256),
        ("imagenet", (90, 1e-1, (30, 60)), (75, 1e-2, (30, 60)), 1e-4, 1024),
    ],
)
def test_table_2(dataset: str, train_row, retrain_row, weight_decay: float, batch: int):
    for name, row in ((f"paper-{dataset}", train_row), (f"paper-{dataset}-retrain", retrain_row)):
        found = RECIPES[name]
        assert (found.epochs, found.learning_rate, found.milestones) == row
        assert (found.batch_size, found.momentum, found.weight_decay) == (batch, 0.9, weight_decay)


def test_section_d2_of_the_paper():
    ten, hundred = RECIPES["paper-cifar10"].augmentation, RECIPES["paper-cifar100"].augmentation
    assert ten == Augmentation(padding=4, flip=True)
    assert hundred == replace(ten, cutout=8, mixup=True)


def test_no_epochs_leave_the_weights_as_they_are(small_architecture: Make, noise_split):
    untrained = list(small_architecture("mlp").build(seed=1).parameters())
    assert same(trained(small_architecture, noise_split(20), RECIPES["none"]), untrained)


def test_the_global_random_state_is_left_alone(small_architecture: Make, noise_split):
    state = torch.random.get_rng_state()
    trained(small_architecture, noise_split(60))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_progress_is_told_every_50_steps_and_grows(mlp: nn.Module, noise_split):
    heard: list[Progress] = []
    train(mlp, noise_split(120), Recipe(epochs=2, batch_size=1), report=heard.append, stage="Retraining")
    assert [progress.done for progress in heard] == pytest.approx([0, 25 / 120, 50 / 120, 0.5, 85 / 120, 110 / 120])
    assert {progress.stage for progress in heard} == {"Retraining"}


def test_a_report_can_stop_it(mlp: nn.Module, noise_split):
    before = [parameter.clone() for parameter in mlp.parameters()]

    def stop(progress: Progress) -> None:
        raise CancelledError(f"stopped at {progress.done}")

    with pytest.raises(CancelledError, match=r"stopped at 0\.0"):
        train(mlp, noise_split(30), SHORT, report=stop)
    assert same(before, list(mlp.parameters()))


def test_a_stopped_network_is_in_evaluation_mode_too(mlp: nn.Module, noise_split):
    def stop(progress: Progress) -> None:
        raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        train(mlp, noise_split(30), SHORT, report=stop)
    assert not mlp.training


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": -1},
        {"epochs": 1, "batch_size": 0},
        {"epochs": 1, "learning_rate": 0.0},
        {"epochs": 1, "learning_rate": -1.0},
    ],
)
def test_a_recipe_that_cannot_run_is_refused(wrong: dict[str, float]):
    with pytest.raises(SettingError, match="cannot run: give at least 0 epochs, batches of at least 1 and a positive"):
        Recipe(**{"epochs": 1, **wrong})


def test_recipes_are_found_by_name_and_an_unknown_one_lists_them():
    assert recipe("paper-mnist") == Recipe(90, 1e-2, (30, 60), 100, 0.9, 1e-4)
    with pytest.raises(UnknownNameError, match=r"no recipe called 'long'; choose one of: paper-mnist, .*none"):
        recipe("long")


@pytest.mark.parametrize("name", RECIPES)
def test_milestones_ascend_within_the_epochs(name: str):
    milestones = RECIPES[name].milestones
    assert list(milestones) == sorted(set(milestones))
    assert all(0 < milestone < RECIPES[name].epochs for milestone in milestones)

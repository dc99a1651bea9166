"""IMP: train, remove a fifth of the units left, rewind to the initial weights, and again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Selection, keep_counts
from mipp_core.cutting.surgery import masked
from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.pruners import Magnitude, Task
from mipp_core.pruners.imp import Imp
from mipp_core.vocabulary import Progress, Report

POWERS = [round(1 - 0.8**number, 12) for number in range(1, 8)]
"""The sparsity after each round, as a user would write it."""


@dataclass
class Training:
    """Adds noise of its own to all weights in every round, and remembers the weights before and after."""

    images: Tensor
    starts: list[dict[str, Tensor]] = field(default_factory=list)
    ends: list[dict[str, Tensor]] = field(default_factory=list)
    logits: list[Tensor] = field(default_factory=list)

    @torch.no_grad()
    def __call__(self, model: nn.Module, report: Report) -> None:
        self.starts.append(copied(model))
        report(Progress("Training", 0.5))
        for parameter, noise in zip(model.parameters(), noises(model, len(self.starts)).values(), strict=True):
            parameter.add_(noise)
        self.ends.append(copied(model))
        self.logits.append(model(self.images))


def copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def noises(model: nn.Module, number: int) -> dict[str, Tensor]:
    """What a round's training adds to every parameter."""
    generator = torch.Generator().manual_seed(number)
    return {name: torch.randn(parameter.shape, generator=generator) for name, parameter in model.named_parameters()}


def removed(masks: KeepMasks) -> set[tuple[str, int]]:
    return {(name, unit) for name, mask in masks.items() for unit in (~mask).nonzero().flatten().tolist()}


@pytest.fixture
def split(noise_split: Callable[..., Split]) -> Split:
    return noise_split(60)


def pruned(
    model: nn.Module, split: Split, sparsities: tuple[float, ...], scope: str = "global", **settings: object
) -> tuple[list[KeepMasks], Training]:
    training = Training(split.images)
    masks = Imp(**settings).masks(Task(model, split, 0, training), sparsities, Selection(scope))
    return masks, training


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.01])
def test_each_round_removes_the_same_share_of_what_is_left(rate: float):
    steps = Imp(rate=rate).rounds_to(0.9)
    left = [1.0, *(1 - step for step in steps)]
    assert [after / before for before, after in pairwise(left)] == pytest.approx([1 - rate] * len(steps), rel=1e-9)
    assert steps[-1] >= 0.9 > steps[-2]


@pytest.mark.parametrize("number", range(1, 8))
def test_the_sparsity_after_a_round_needs_no_round_more(number: int):
    assert Imp().rounds_to(POWERS[number - 1]) == pytest.approx(POWERS[:number], abs=1e-12)
    assert len(Imp().rounds_to(POWERS[number - 1] + 1e-6)) == number + 1
    assert len(Imp().rounds_to(POWERS[number - 1] - 1e-6)) == number


def test_everything_goes_in_the_last_round_only():
    steps = Imp().rounds_to(1.0)
    assert steps[-1] == 1.0
    assert 1 - steps[-2] > 1e-6


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_the_counts_after_every_round_are_exact_and_the_masks_nested(mlp: nn.Module, split: Split, scope: str):
    masks, training = pruned(mlp, split, tuple(POWERS), scope)
    assert len(training.starts) == 7
    widths = {"fc1": 8, "fc2": 6}
    for sparsity, each in zip(POWERS, masks, strict=True):
        if scope == "global":
            assert sum(each.kept.values()) == 14 - round(sparsity * 14)
        else:
            assert each.kept == {name: width - round(sparsity * width) for name, width in widths.items()}
    sets = [removed(each) for each in masks]
    assert all(fewer <= more for fewer, more in pairwise(sets))
    assert len(sets[0]) < len(sets[-1])


@pytest.mark.parametrize(
    ("sparsities", "trainings"),
    [((0.1,), 1), ((0.2,), 1), ((0.36,), 2), ((0.5,), 4), ((0.5, 0.1, 0.2, 0.3, 0.1), 4), ((0.36, 0.2), 2)],
)
def test_all_sparsities_share_one_training_a_round(
    mlp: nn.Module, split: Split, sparsities: tuple[float, ...], trainings: int
):
    masks, training = pruned(mlp, split, sparsities)
    assert len(training.starts) == trainings
    assert [14 - sum(each.kept.values()) for each in masks] == [round(sparsity * 14) for sparsity in sparsities]


def test_every_training_starts_from_the_initial_weights_and_the_network_is_untouched(
    mlp: nn.Module, split: Split, state_of
):
    before = state_of(mlp)
    _, training = pruned(mlp, split, (0.6,))
    assert state_of(mlp) == before
    assert len(training.starts) == 5
    for start in training.starts:
        assert all(torch.equal(tensor, mlp.state_dict()[name]) for name, tensor in start.items())


@pytest.mark.parametrize("family", ["mlp", "lenet5"])
def test_what_is_trained_is_the_network_whose_removed_units_are_multiplied_by_0(
    small_architecture, noise_split: Callable[..., Split], family: str
):
    found = small_architecture(family)
    split = noise_split(20, found.image_shape)
    masks, training = pruned(found.build(1), split, tuple(POWERS[:4]), "layer")
    fresh = found.build()
    fresh.load_state_dict(training.ends[0])
    assert torch.equal(fresh(split.images), training.logits[0])
    for each, weights, logits in zip(masks, training.ends[1:], training.logits[1:], strict=False):
        fresh.load_state_dict(weights)
        assert all(fresh.get_submodule(name).weight[~keep].all() for name, keep in each.items())
        assert torch.equal(masked(fresh, each)(split.images), logits)
        assert not torch.allclose(fresh(split.images), logits)


def by_hand(model: nn.Module, groups: list[tuple[str, ...]], rounds: int) -> list[set[tuple[str, int]]]:
    """The units removed after each round, from norms of the trained weights alone; layers of a group compete."""
    gone: set[tuple[str, int]] = set()
    found = []
    for number in range(1, rounds + 1):
        noise = noises(model, number)
        for group in groups:
            weights = {name: model.get_submodule(name).weight + noise[f"{name}.weight"] for name in group}
            sizes = {(name, unit): row.abs().sum().item() for name in group for unit, row in enumerate(weights[name])}
            left = sorted(sizes.keys() - gone, key=sizes.__getitem__)
            gone = gone | set(left[: len(left) - len(sizes) + round((1 - 0.8**number) * len(sizes))])
        found.append(gone)
    return found


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_the_smallest_trained_weights_among_those_left_go(mlp: nn.Module, split: Split, scope: str):
    masks, _ = pruned(mlp, split, tuple(POWERS), scope)
    groups = [("fc1", "fc2")] if scope == "global" else [("fc1",), ("fc2",)]
    assert [removed(each) for each in masks] == by_hand(mlp, groups, 7)


def test_a_sparsity_between_two_rounds_is_reached_from_the_earlier_one(mlp: nn.Module, split: Split):
    (alone,), _ = pruned(mlp, split, (0.43,))
    (earlier, between, later), training = pruned(mlp, split, (POWERS[1], 0.43, POWERS[2]))
    assert alone == between
    assert len(training.starts) == 3
    assert removed(earlier) < removed(between) < removed(later)


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_its_scores_are_the_norms_of_the_weights_as_they_are(mlp: nn.Module, split: Split, norm: str):
    scores, norms = (kind(norm=norm).scores(mlp, split, 0) for kind in (Imp, Magnitude))
    assert all(torch.equal(scores[name], norms[name]) for name in norms)
    expected = mlp.fc1.weight.detach().norm(1 if norm == "l1" else 2, dim=1)
    torch.testing.assert_close(scores["fc1"], expected)


def test_a_network_that_training_leaves_as_it_was_loses_its_smallest_units(mlp: nn.Module, split: Split):
    task = Task(mlp, split, 0, lambda model, report: None)
    (masks,) = Imp().masks(task, (0.5,), Selection("layer"))
    assert masks == keep_counts(Magnitude().scores(mlp, split, 0), {"fc1": 4, "fc2": 3})


def test_without_a_way_to_train_it_refuses(mlp: nn.Module, split: Split):
    with pytest.raises(SettingError, match="trains the network between its rounds; give the task a function `train`"):
        Imp().masks(Task(mlp, split), (0.5,), Selection())


def test_its_progress_goes_through_the_rounds(mlp: nn.Module, split: Split):
    told: list[Progress] = []
    Imp().masks(Task(mlp, split, 0, Training(split.images), told.append), (0.5,), Selection())
    assert [progress.stage for progress in told] == [f"Training round {number} of 4" for number in (1, 2, 3, 4)]
    assert [progress.done for progress in told] == [0.125, 0.375, 0.625, 0.875]


def test_the_pruned_network_is_retrained_from_its_initial_weights():
    assert Imp.rewinds
    assert "training" in Imp.needs


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_a_floor_forbids_no_sparsity_that_it_allows(mlp: nn.Module, split: Split, scope: str):
    training = Training(split.images)
    (masks,) = Imp().masks(Task(mlp, split, 0, training), (0.8928,), Selection(scope, floor=1))
    assert list(masks.kept.values()) == [1, 1]

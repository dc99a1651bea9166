"""What every entry of the registry of pruners promises, on every family of models."""

from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import get_args

import pytest
import torch
from quick_pruners import QUICK, Make, answer, quick
from torch import Tensor, nn

from mipp_core.cutting.selection import keep_counts, keep_global
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import PRUNERS, Decider, Ranker, describe, pruner
from mipp_core.pruners.contract import Need


@pytest.mark.parametrize("name", PRUNERS)
def test_a_pruner_is_frozen_settings_and_says_what_it_needs(name: str):
    found = quick(name)
    assert is_dataclass(found)
    assert isinstance(found, Ranker) != isinstance(found, Decider)
    assert found.needs <= set(get_args(Need))
    for field in fields(found):
        with pytest.raises(FrozenInstanceError):
            setattr(found, field.name, None)
    assert hash(found) == hash(quick(name))
    assert type(found).__doc__


@pytest.mark.parametrize("name", PRUNERS)
def test_its_card_is_prose(name: str):
    text = describe(pruner(name)).text
    assert "mipp_core" not in text
    assert "()" not in text
    assert len(text) > 60


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", PRUNERS)
def test_the_network_and_the_global_random_state_are_bit_identical_afterwards(
    name: str, subject: tuple[nn.Module, Split], state_of, training: bool
):
    model, split = subject
    model.train(training)
    next(model.children()).train(not training)
    model(split.images[:4]).sum().backward()
    model.get_submodule(wiring_of(model).last).weight.requires_grad_(False)
    hook = next(model.children()).register_forward_hook(lambda *_: None)
    before, images = state_of(model), split.images.clone()
    answer(quick(name), model, split)
    assert state_of(model) == before
    assert torch.equal(split.images, images)
    hook.remove()


@pytest.mark.parametrize("name", PRUNERS)
def test_the_same_seed_gives_the_same_answer(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    first = answer(quick(name), model, split)
    torch.manual_seed(99)
    second = answer(quick(name), model, split)
    assert all(torch.equal(first[layer], second[layer]) for layer in first)


@pytest.mark.parametrize("name", PRUNERS)
def test_its_masks_cut_exactly(name: str, subject: tuple[nn.Module, Split], small_architecture: Make):
    model, split = subject
    model, images = model.double(), split.images[:5].double()
    split = Split(split.images.double(), split.labels)
    found = answer(quick(name), model, split)
    if isinstance(quick(name), Ranker):
        several = [keep_global(found, sparsity) for sparsity in (0.3, 0.8)]
    else:
        several = [keep_counts({n: m[i].float() for n, m in found.items()}, counts(found, i)) for i in (0, 2)]
    for masks in several:
        slim = shrink(model, masks)
        torch.testing.assert_close(slim(images), masked(model, masks)(images), rtol=0, atol=1e-10)


def counts(found: dict[str, Tensor], level: int) -> dict[str, int]:
    return {name: int(masks[level].sum()) for name, masks in found.items()}


def test_an_unknown_pruner_lists_the_known_ones():
    known = ", ".join(PRUNERS)
    with pytest.raises(UnknownNameError, match=f"There is no pruner called 'snap'; choose one of: {known}"):
        pruner("snap")


@pytest.mark.parametrize("name", PRUNERS)
def test_an_unknown_setting_lists_the_known_ones(name: str):
    known = ", ".join(field.name for field in fields(PRUNERS[name])) or "none"
    with pytest.raises(SettingError, match=f"{name} has no setting 'strength'; it has: {known}"):
        pruner(name, strength=3)


@pytest.mark.parametrize("name", PRUNERS)
def test_settings_given_by_name_are_its_settings(name: str):
    assert quick(name) == PRUNERS[name](**QUICK.get(name, {}))

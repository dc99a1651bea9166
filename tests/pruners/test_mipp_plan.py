"""The plan: what follows from the settings is exact, what is timed is timed on the device."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from mipp_core.pruners import SMALL, Mipp, mipp_plan, plan, plans
from mipp_core.pruners.plans import duration

SHAPE = (1, 4, 4)
SETTINGS = Mipp(members=2, hidden=(16,), fit_steps=10, refit_steps=2, unit_steps=3, samples=100, longest_block=4)


@pytest.fixture
def second_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is timed takes a second."""
    for module in (mipp_plan, plans):
        monkeypatch.setattr(module, "seconds_of", lambda work, device: work() is None or 1.0)


@pytest.mark.usefixtures("second_long")
def test_the_time_is_made_of_the_parts_that_were_timed(mlp: nn.Module):
    found = plan(SETTINGS, mlp, SHAPE, samples=1000, levels=20)
    step, forward = 1.0 / 3, 1.0 / 4
    ranks = 2 * 35 * step  # of 8 and 6 units, all of which were timed together
    fixed = 100 * forward + 2 * (10 + 2) * step + ranks
    a_test = 3 * step + 1.0  # judging 100 samples takes no longer than the 400 that were timed
    tests = 14 * a_test * 1.35  # and a control beside every third
    assert found.least_seconds == pytest.approx(fixed + tests / 4)
    assert found.usual_seconds == pytest.approx(fixed + 13 * tests)
    assert found.most_seconds == pytest.approx(fixed + 20 * tests)


def test_what_is_not_timed_is_counted(mlp: nn.Module):
    found = plan(SETTINGS, mlp, SHAPE, samples=60, levels=3)
    assert (found.layers, found.units, found.samples, found.levels, found.how) == (
        2,
        14,
        60,
        3,
        "2 regressors per test",
    )
    widest = 8 * 16 + 16 * 6  # of fc1 to fc2
    assert found.bytes == 4 * (60 * (16 + 2 * 14) + 4 * 3 * 2 * widest)
    assert "14 units of 2 layers at 3 levels; 60 samples, 2 regressors per test, 0 MB" in str(found)


@pytest.mark.usefixtures("second_long")
def test_pixels_take_tests_too(mlp: nn.Module):
    without, found = (plan(replace(SETTINGS, pixels=asked), mlp, SHAPE, 1000, 20) for asked in (False, True))
    step = 1.0 / 3
    fixed = (10 + 2) * step + 35 * step
    assert found.most_seconds - without.most_seconds == pytest.approx(fixed + 20 * 16 * 1.35 * (3 * step + 1.0))
    assert (found.layers, found.units) == (without.layers, without.units)


@pytest.mark.parametrize("held_out", [0.001, 0.999])
def test_a_share_that_is_nothing_of_the_few_rows_timed_is_planned_too(mlp: nn.Module, held_out: float):
    assert plan(replace(SETTINGS, held_out=held_out), mlp, SHAPE, 8000, 2).least_seconds > 0


def test_at_one_level_a_unit_takes_one_test(mlp: nn.Module):
    found = plan(SETTINGS, mlp, SHAPE, samples=100, levels=1)
    assert found.least_seconds <= found.usual_seconds == found.most_seconds


def test_the_network_and_the_random_state_are_as_they_were(mlp: nn.Module, state_of: Callable):
    mlp.train()
    before = state_of(mlp)
    plan(SETTINGS, mlp, SHAPE, samples=100, levels=2)
    assert state_of(mlp) == before


def test_the_small_setting_is_small():
    full = Mipp()
    assert (SMALL.members, SMALL.samples) < (full.members, full.samples)
    assert sum(SMALL.hidden) < sum(full.hidden)
    assert SMALL.longest_block > full.longest_block
    assert SMALL.fit_steps == full.fit_steps


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89.0, "89 s"), (90.0, "2 min"), (5000.0, "83 min"), (7200.0, "2.0 h")]
)
def test_a_time_in_words(seconds: float, words: str):
    assert duration(seconds) == words


def test_a_layer_with_a_kind_of_reader_of_its_own_is_planned_too(small_architecture: Callable):
    model = small_architecture("resnet50").build().eval()
    with torch.no_grad():
        assert plan(SETTINGS, model, (2, 8, 8), samples=100, levels=2).layers == 49

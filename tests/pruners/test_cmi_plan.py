"""What CMI pruning will take is counted from what it does: candidates, passes, cuts that are tried."""

from dataclasses import replace

import pytest

from mipp_core.models import architecture
from mipp_core.pruners import Cmi, plan
from mipp_core.pruners.cmi_walk import PLACES

IMAGE = (1, 16, 16)


@pytest.fixture(scope="module")
def model():
    return architecture("lenet5", IMAGE, 10, (6, 16, 40, 20)).build(seed=0).eval()


@pytest.fixture
def timed(monkeypatch):
    """Make a second of every candidate, and a thousandth of every image."""
    monkeypatch.setattr("mipp_core.pruners.cmi_plan._candidate_seconds", lambda *_: 1.0)
    monkeypatch.setattr("mipp_core.pruners.cmi_plan.forward_seconds", lambda *_: 1e-3)


def test_candidates_and_cuts_are_counted(model, timed):
    found = plan(Cmi(direction="forward", samples=100, validation=200), model, IMAGE, 4000, 20)
    candidates = sum(width * (width + 1) / 2 for width in (6, 16, 40, 20))
    judged = 0.2 * (3 * 4 + 6 + 3 * PLACES)
    assert found.usual_seconds == pytest.approx(candidates + judged)
    assert found.least_seconds == pytest.approx(candidates + 0.2 * 12)
    assert (found.layers, found.units, found.levels) == (4, 82, 1)
    assert found.bytes == 8 * 100**2 * (82 + 40) + 4 * 300 * 256
    assert "82 units of 4 layers; 100 samples, 82 kernels of 100 x 100" in str(found)


def test_both_ways_take_two_passes_and_shuffles_are_added(model, timed):
    usual = Cmi(direction="forward")
    forward, both, shuffled = (
        plan(settings, model, IMAGE, 4000, 20).least_seconds
        for settings in (usual, Cmi(), replace(usual, cut_off="permutation", shuffles=10))
    )
    assert both == pytest.approx(2 * forward)
    fewer = 2 * 4 * 1e-3 * usual.validation  # a shuffle has one cut to try, Scree three
    assert shuffled == pytest.approx(forward + 10 * 82 - fewer)


def test_it_is_timed_on_the_device_and_other_orders_of_entropy_take_longer(model):
    fast, slow = (plan(Cmi(alpha=alpha), model, IMAGE, 4000, 20).least_seconds for alpha in (2.0, 1.01))
    assert 0 < fast < slow


def test_few_images_are_shared_between_looking_and_judging(model, timed):
    found = plan(Cmi(), model, IMAGE, 100, 20)
    assert found.samples == 50

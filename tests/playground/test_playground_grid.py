"""The grid of estimators: what is asked, what is kept, and what is said of it."""

from statistics import fmean, stdev

import pytest

from mipp_core.errors import CancelledError, SettingError, UnknownNameError
from mipp_core.playground import estimators
from mipp_core.playground.estimators import ESTIMATORS, estimated
from mipp_core.playground.grid import Grid, bias_said, measure, readings
from mipp_core.playground.known import known

SMALL = Grid(seeds=2, samples=(60, 100), strengths=(0.0, 0.5), at=0.5, among=100)


@pytest.fixture(autouse=True, scope="module")
def quickly():
    """A few steps of training: what is tested is what is asked, not what is read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimators, "STEPS", 5)
        yield


@pytest.fixture(scope="module")
def document(quickly):
    return measure("xor", SMALL)


def test_both_lines_are_asked_their_crossing_once(document):
    places = [(point["strength"], point["n"]) for point in document["points"]]
    assert sorted(places) == [(0.0, 100), (0.5, 60), (0.5, 100)]
    assert [point["truth"] for point in document["points"]] == [known("xor").truth(strength) for strength, _ in places]
    assert all(set(point["estimates"]) == set(ESTIMATORS) for point in document["points"])


def test_readings_are_the_estimators_own(document):
    pair = known("xor")
    expected = [estimated("counting", pair, pair.drawn(0.5, 60, seed), seed).nats for seed in (0, 1)]
    first, second = readings(document, "counting", "n")
    assert (first.n, second.n) == (60, 100)
    assert (first.mean, first.deviation) == pytest.approx((fmean(expected), stdev(expected)))
    assert [each.strength for each in readings(document, "counting", "strength")] == [0.0, 0.5]
    assert readings(document, "renyi-2", "n")[0].limit is not None
    assert first.limit is None


def test_estimators_that_do_not_take_a_pair_are_left_out():
    found = measure("ring", Grid(seeds=2, samples=(50,), strengths=(0.5,), at=0.5, among=50))
    assert readings(found, "counting", "n") == []
    assert found["points"][0]["estimates"]["renyi-2"]["limit"] is None


def test_it_can_be_stopped_and_refuses_what_it_cannot_do():
    def stop(progress):
        raise CancelledError(progress.stage)

    with pytest.raises(CancelledError, match=r"xor, strength 0\.5, 60 samples"):
        measure("xor", SMALL, stop)
    with pytest.raises(UnknownNameError):
        measure("square", SMALL)
    with pytest.raises(SettingError, match="no spread"):
        Grid(seeds=1)
    with pytest.raises(SettingError, match="do not cross"):
        Grid(at=0.33)
    with pytest.raises(SettingError, match="do not cross"):
        Grid(among=123)


@pytest.mark.parametrize(
    ("off", "spread", "words"),
    [
        (-0.31, 0.02, "0.31 nats too little"),
        (0.2, 0.02, "0.20 nats too much"),
        (0.2, 0.3, "0.20 nats too much, within the seeds' spread"),
        (-0.004, 0.0, "right to 0.01 nats"),
    ],
)
def test_bias_is_told_in_words(off, spread, words):
    assert bias_said(off, spread) == words

"""The one estimate of a run's time to go."""

from itertools import pairwise

import pytest

from mipp_core.experiments.costs import Costs, costs_of
from mipp_core.jobs.progress import Pace
from mipp_core.pruners import ClosedForm
from mipp_core.runs import NetworkSpec, RunSpec

KNOWN = Costs(training=10.0, testing=2.0, rebuilding=8.0, retraining=20.0)
UNKNOWN = Costs(training=10.0, testing=None, rebuilding=8.0, retraining=20.0)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def played(pace: Pace, clock: Clock, times: int) -> list[float | None]:
    """Play a run on a machine so many times slower than a usual one; return the estimates, one a report."""
    found = []
    for stage, seconds in (("Training", 10), ("Testing fc1", 50), ("Rebuilding", 8), ("Retraining", 20)):
        for part in range(10):
            pace.tell(stage, part / 10)
            found.append(pace.remaining())
            clock.now += times * seconds / 10
    return found


def test_a_slow_machine_is_noticed_after_a_tenth_of_the_first_step(clock: Clock):
    pace = Pace(Costs(10.0, 50.0, 8.0, 20.0), clock=clock)
    estimates = played(pace, clock, times=30)
    assert estimates[0] == pytest.approx(88)
    assert estimates[2] == pytest.approx(30 * 88 - 60, rel=0.01)
    assert all(after < before for before, after in pairwise(estimates[2:]))


def test_nothing_is_said_before_the_tests_show_their_pace(clock: Clock):
    estimates = played(Pace(UNKNOWN, clock=clock), clock, times=1)
    assert estimates[:12] == [None] * 12
    assert estimates[12] == pytest.approx(40 + 8 + 20, rel=0.01)


def test_the_number_falls_between_two_reports(clock: Clock):
    pace = Pace(KNOWN, clock=clock)
    pace.tell("Training", 0.0)
    clock.now = 5
    pace.tell("Training", 0.5)
    before = pace.remaining()
    clock.now = 8
    assert pace.remaining() == pytest.approx(before - 3)
    clock.now = 1000
    assert pace.remaining() > 0


def test_the_share_never_falls_and_the_time_to_go_follows_from_it(clock: Clock):
    pace, shares = Pace(KNOWN, begun=0.4, clock=clock), []
    for done in (0.0, 0.3, 0.6, 0.9):
        pace.tell("Retraining", done)
        shares.append(pace.share())
        if clock.now:
            remaining = clock.now * (1 - shares[-1]) / (shares[-1] - 0.4)
            assert remaining == pytest.approx(pace.remaining(), rel=0.01)
        clock.now += 7
    assert shares == sorted(shares)
    assert shares[0] >= 0.4
    assert shares[-1] < 1


def test_a_step_that_was_found_in_the_store_does_not_count(clock: Clock):
    pace = Pace(KNOWN, clock=clock)
    pace.tell("Rebuilding", 0.0)
    assert pace.remaining() == pytest.approx(28)
    pace.tell("reading mnist-sample", 0.5)
    assert pace.remaining() == pytest.approx(28)


def test_costs_follow_what_is_computed():
    def cost(**changed: object) -> Costs:
        closed = {"pruner": "mipp-closed-form", "settings": ClosedForm()}
        return costs_of(RunSpec(NetworkSpec("lenet5"), **{**closed, **changed}))

    usual = cost()
    assert usual.first is not None
    assert cost(trained=False).training == 0
    assert cost(controls=("random",)).retraining > usual.retraining
    assert cost(confidences=(0.5, 0.75)).rebuilding == pytest.approx(usual.rebuilding / 10)
    assert costs_of(RunSpec(NetworkSpec("lenet5"))).first is None

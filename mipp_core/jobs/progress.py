"""How far a run has got, and how long it has still to go."""

import time
from collections.abc import Callable
from dataclasses import astuple

from mipp_core.experiments.costs import Costs

STEPS = ("Training", "Testing", "Rebuilding", "Retraining")
"""A run's steps, by the first word of what is reported."""

_ALIKE = {"Scoring": "Testing", "Ranking": "Testing"}

_ENOUGH = 0.1
"""Share of a step after which its own pace tells how long the rest of it takes."""

_UNKNOWN = 0.02
"""Share of the run that is shown at most while it is too early to tell."""


class Pace:
    """One estimate of a run's time to go, from its own steps, weighted by what they cost.

    The present step goes on as it went so far.  Later ones take what they cost, at the pace of what has been done.

    Args:
        costs: of the run's steps.
        begun: share of the run that was done when this attempt began.
        clock: seconds.
    """

    def __init__(self, costs: Costs, begun: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._costs = dict(zip(STEPS, astuple(costs), strict=True))
        self._begun, self._clock = begun, clock
        self._started = clock()
        self._step, self._at, self._done, self._first = "", self._started, 0.0, 0.0
        self._told = self._started
        self._finished: list[tuple[float, float]] = []
        self._share = begun

    def tell(self, stage: str, done: float) -> None:
        """Receive a report: what is being done, and how much of that step is done, in [0, 1]."""
        word = stage.partition(" ")[0]
        step = _ALIKE.get(word, word)
        if step not in STEPS:
            return
        if step != self._step:
            self._finish()
            self._step, self._at, self._first = step, self._clock(), done
        self._done, self._told = done, self._clock()

    def remaining(self) -> float | None:
        """Return the seconds to go; None while it is too early to tell."""
        if not self._step:
            return None
        passed = self._clock() - self._told
        later = [self._costs[step] for step in STEPS[STEPS.index(self._step) + 1 :]]
        here, pace = self._here(), self._pace()
        if here is None or any(cost is None for cost in later):
            return None
        return max(here - passed, 0.05 * here) + pace * sum(cost or 0.0 for cost in later)

    def share(self) -> float:
        """Return the share of the run's time that has passed, in [0, 1); it never falls.

        The time to go follows from it: seconds since the attempt began, times what is left, by what was gained.
        """
        passed, left = self._clock() - self._started, self.remaining()
        gained = _UNKNOWN * self._done * (self._step == "Testing") if left is None else passed / (passed + left + 1e-9)
        self._share = max(self._share, min(0.99, self._begun + (1 - self._begun) * gained))
        return self._share

    def _here(self) -> float | None:
        """Return the seconds of the present step's rest, as of the last report."""
        cost, gained = self._costs[self._step], self._done - self._first
        if gained > _ENOUGH:
            return (self._told - self._at) * (1 - self._done) / gained
        return None if cost is None else self._pace() * cost * (1 - self._done)

    def _pace(self) -> float:
        """Return the seconds that one second of cost takes here."""
        known = [*self._finished, *self._so_far()]
        cost = sum(cost for cost, _ in known)
        return sum(seconds for _, seconds in known) / cost if cost > 0 else 1.0

    def _so_far(self) -> list[tuple[float, float]]:
        cost, gained = self._costs.get(self._step), self._done - self._first
        return [(cost * gained, self._told - self._at)] if cost and gained > _ENOUGH else []

    def _finish(self) -> None:
        """Count the step that ends now."""
        cost = self._costs.get(self._step)
        if cost and self._first < _ENOUGH:
            self._finished.append((cost, self._clock() - self._at))

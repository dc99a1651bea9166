"""The test of ``mipp_core.information.reconstruction`` without its bias: every removal is compared with a control.

Retraining alone changes a loss: restarting the optimiser disturbs a converged fit, and a fit that has not converged
improves.  Against a loss that was measured before, pure noise and exact copies then seem to carry information.  So here

* a removal is compared with a *control*: the regressors of the retained set, retrained for as many steps on the same
  minibatches, with nothing newly masked.  All tests that start from one retained set share their minibatches, and so
  one control, which is trained in one batch with them;
* both informations are estimated on the *same* sample, so what they share cancels:
  standard error^2 = (between + within / estimate_size) / members, where ``between`` is the variance of the gain over
  regressors and ``within`` the variance over samples of the difference of losses;
* a removed unit is replaced by what the others tell of it (``mipp_core.information.imputation``).

Where regressors with too few samples do worse than the mean, the mean is compared with, and units are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from weakref import WeakKeyDictionary
from zlib import crc32

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.information.ensemble import Ensemble, Pairs, Reading, Weights, draw_batches
from mipp_core.information.imputation import Imputation
from mipp_core.information.reconstruction import gains_of
from mipp_core.information.terc import Branch, Gain
from mipp_core.memory import halving


@dataclass(frozen=True)
class Regressors:
    """An ensemble, without the trial dimension, and what it is shown, as a single trial."""

    weights: Weights
    shown: Reading


@dataclass(frozen=True, eq=False)
class Retained:
    """What a branch of TERC carries along.

    Attributes:
        regressors: of the retained set.
        wanted: 1 for the next layer's units that must be rebuilt.
        baseline: held-out losses of predicting the mean, [samples].
        information: mean loss reduction of the whole layer, at least 0.
        since: the place in the order at which the set last changed, -1 at first; the minibatches depend on it.
    """

    regressors: Regressors
    wanted: Float[Tensor, " t"]
    baseline: Float[Tensor, " m"]
    information: Float[Tensor, ""]
    since: int = -1


@dataclass(frozen=True)
class Controlled:
    """Tests removals against controls.

    Attributes:
        pairs: activations of the layer and of the next.
        ensemble: the regressors.
        steps: retraining iterations per test.
        learning_rate: of retraining.
        estimate_size: samples in one estimate.
        budget: share of the layer's information that a removal may cost.
        seed: of the minibatches.
    """

    pairs: Pairs
    ensemble: Ensemble
    steps: int
    learning_rate: float
    estimate_size: int
    budget: float
    seed: int
    _controls: WeakKeyDictionary[Retained, Tensor] = field(
        default_factory=WeakKeyDictionary, init=False, repr=False, compare=False
    )

    def start(self, weights: Weights, wanted: Float[Tensor, "g t"], steps: int) -> list[Retained]:
        """Fit the full layer to each group of targets, from weights fitted to all of them."""
        full = Regressors(weights_of(weights, 0), self._imputation.reading(self.pairs.live_inputs))
        batches = self._batches(steps, "start")
        fitted = self._retrained([full] * len(wanted), wanted, batches)
        return [self._retained(*pair, wanted[group]) for group, pair in enumerate(fitted)]

    def _retained(self, full: Regressors, losses: Tensor, wanted: Tensor) -> Retained:
        baseline = (self.pairs.baseline * (wanted / wanted.sum().clamp_min(1))).sum(1)
        return Retained(full, wanted, baseline, (baseline.mean() - losses.mean()).clamp_min(0))

    def test(self, branches: Sequence[Branch[Retained]]) -> list[tuple[Gain, Retained]]:
        """Mask the candidates, retrain the regressors without them, and compare held-out losses with the control's."""

        def work(together: int) -> list[tuple[Gain, Retained]]:
            parts = (branches[start : start + together] for start in range(0, len(branches), together))
            return [answer for part in parts for answer in self._test(part)]

        return halving(work, len(branches), "tests")

    def _test(self, branches: Sequence[Branch[Retained]]) -> list[tuple[Gain, Retained]]:
        states = [branch.state for branch in branches]
        new = [state for state in dict.fromkeys(states) if state not in self._controls]
        tried = [
            Regressors(branch.state.regressors.weights, self._imputation.reading(branch.without)) for branch in branches
        ]
        everyone = [*states, *new]
        batches = torch.cat([self._batches(self.steps, state.since) for state in everyone], dim=1)
        wanted = torch.stack([state.wanted for state in everyone])
        retrained = self._retrained([*tried, *(state.regressors for state in new)], wanted, batches)
        for state, (_, losses) in zip(new, retrained[len(states) :], strict=True):
            worse = losses.mean() > state.baseline.mean()
            self._controls[state] = torch.where(worse, state.baseline.expand_as(losses), losses)
        return self._judge(branches, retrained[: len(states)])

    def _retrained(
        self, regressors: list[Regressors], wanted: Float[Tensor, "g t"], batches: Tensor
    ) -> list[tuple[Regressors, Float[Tensor, "k m"]]]:
        """Retrain several ensembles in one batch; return each with its held-out losses."""
        weights = tuple(torch.stack(column) for column in zip(*(each.weights for each in regressors), strict=True))
        reading = Reading.together([each.shown for each in regressors])
        trained = self.ensemble.fit(weights, self.pairs, reading, wanted, batches, self.learning_rate)
        losses = self.ensemble.held_out_losses(trained, self.pairs, reading, wanted)
        return [(Regressors(weights_of(trained, row), each.shown), losses[row]) for row, each in enumerate(regressors)]

    def _judge(
        self, branches: Sequence[Branch[Retained]], tried: list[tuple[Regressors, Tensor]]
    ) -> list[tuple[Gain, Retained]]:
        controls = torch.stack([self._controls[branch.state] for branch in branches])
        without = torch.stack([losses for _, losses in tried])
        allowed = self.budget * torch.stack([branch.state.information for branch in branches])
        gains = compare(controls, without, allowed, self.estimate_size)
        return [
            (gain, replace(branch.state, regressors=regressors, since=branch.position))
            for gain, branch, (regressors, _) in zip(gains, branches, tried, strict=True)
        ]

    @cached_property
    def _imputation(self) -> Imputation:
        return Imputation.of(self.pairs)

    def _batches(self, steps: int, since: int | str) -> Tensor:
        """Draw minibatches by seed and place in the order alone, so that a level decides the same in any sweep."""
        seed = crc32(f"{self.seed} {since}".encode())
        return draw_batches(steps, self.ensemble, len(self.pairs.inputs), seed, self.pairs.inputs.device)


def compare(
    control: Float[Tensor, "g k m"], without: Float[Tensor, "g k m"], allowed: Float[Tensor, " g"], estimate_size: int
) -> list[Gain]:
    """Turn held-out losses into gains; synchronises once with the device for all trials.

    Args:
        control: losses with the unit.
        without: losses without it, on the same samples.
        allowed: the gain that may be lost, in units of the loss.
        estimate_size: samples in one estimate.
    """
    estimates, members = (without - control).mean(2), control.shape[1]
    within = (without - control).var(2).mean(1)
    between = estimates.var(1) if members > 1 else torch.zeros_like(within)
    return gains_of(estimates, ((between + within / estimate_size) / members).sqrt(), allowed)


def weights_of(weights: Weights, trial: int) -> Weights:
    """Return the weights of one trial."""
    return tuple(weight[trial] for weight in weights)

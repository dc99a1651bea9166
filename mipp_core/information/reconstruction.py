"""The test behind every decision: can the next layer be rebuilt without these units?

What one estimate is.  The paper estimates "all MIs five times before calculating confidence intervals" and does not
say what varies between the five, nor which statistic it uses.  Here one estimate of the information is the loss
reduction l(0, Y) - l(f(X), Y) of one trained regressor on its own sample of ``estimate_size`` activations.  Two
things in it are random: the sample, and the regressor (its initial weights and minibatches).  The two estimates that
a test compares, with and without the unit, use separate samples, so their variances add:

    standard error^2 = (between + (within_with + within_without) / estimate_size) / members

``between`` is the variance of the gain over regressors, ``within`` the variance of the loss reduction over samples.
Both, and the mean gain, are measured on the whole held-out part instead of on a few small draws: the standard error is
that of estimates of that size, but the choice of units does not have their noise.

The keep rule is: mean gain - budget * information - z_x * standard error > 0.  ``budget`` = 0 is the paper's rule.

The reference.  A layer holds at least the information that any part of it holds.  So if a regressor does better
*without* a unit, the full layer's regressors were not at their best (with many inputs they overfit).  ``fixed``
therefore compares with the lowest mean loss seen so far in the branch, the best estimate of the full layer's loss; a
reference left at the first fit would let later removals lose what has just been gained.  Predicting the mean counts
too: where regressors with too few samples do worse than the mean, the mean is the reference, and units are kept rather
than removed.  ``current`` compares with the loss of the present retained set, whatever it is, so losses may add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import copysign, inf, isfinite

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.errors import SettingError
from mipp_core.information.ensemble import Ensemble, Pairs, Reading, Weights, draw_batches
from mipp_core.information.terc import Branch, Gain
from mipp_core.memory import halving
from mipp_core.vocabulary import Reference


@dataclass(frozen=True)
class Fit:
    """What a branch of TERC carries along.

    Attributes:
        weights: of its regressors, without the trial dimension.
        wanted: 1 for the next layer's units that must be rebuilt.
        reference: held-out losses that removals are compared with, [members, samples].
        baseline: held-out losses of predicting the mean, [samples].
        information: mean loss reduction of the whole layer, at least 0.
    """

    weights: Weights
    wanted: Float[Tensor, " t"]
    reference: Float[Tensor, "k m"]
    baseline: Float[Tensor, " m"]
    information: Float[Tensor, ""]


@dataclass(frozen=True)
class Reconstruction:
    """Tests removals by retraining regressors without the candidates (MIPP paper, section 4.3 and equation 1).

    Attributes:
        pairs: activations of the layer and of the next.
        ensemble: the regressors.
        steps: retraining iterations per test.
        learning_rate: of retraining.
        estimate_size: samples in one estimate.
        budget: share of the layer's information that a removal may cost.
        reference: what loss to compare with: the full layer's or the present retained set's; see above.
        seed: of the minibatches.
    """

    pairs: Pairs
    ensemble: Ensemble
    steps: int
    learning_rate: float
    estimate_size: int
    budget: float
    reference: Reference
    seed: int

    def start(self, weights: Weights, wanted: Float[Tensor, "g t"], steps: int) -> list[Fit]:
        """Fit the full layer to each group of targets, from weights fitted to all of them."""
        groups = len(wanted)
        reading = Reading(self.pairs.live_inputs.expand(groups, -1))
        many = tuple(weight.expand(groups, *weight.shape[1:]) for weight in weights)
        batches = self._batches(steps, -1)
        fitted = self.ensemble.fit(many, self.pairs, reading, wanted, batches, self.learning_rate)
        losses = self.ensemble.held_out_losses(fitted, self.pairs, reading, wanted)
        return [self._fit(_row(fitted, group), wanted[group], losses[group]) for group in range(groups)]

    def _fit(self, weights: Weights, wanted: Tensor, losses: Tensor) -> Fit:
        baseline = (self.pairs.baseline * (wanted / wanted.sum().clamp_min(1))).sum(1)
        information = (baseline.mean() - losses.mean()).clamp_min(0)
        reference = torch.where(information > 0, losses, baseline.expand_as(losses))
        return Fit(weights, wanted, reference, baseline, information)

    def test(self, branches: Sequence[Branch[Fit]]) -> list[tuple[Gain, Fit]]:
        """Mask the candidates, retrain the regressors without them, and compare held-out losses."""

        def work(together: int) -> list[tuple[Gain, Fit]]:
            parts = (branches[start : start + together] for start in range(0, len(branches), together))
            return [answer for part in parts for answer in self._test(part)]

        return halving(work, len(branches), "tests")

    def _test(self, branches: Sequence[Branch[Fit]]) -> list[tuple[Gain, Fit]]:
        weights = tuple(torch.stack(column) for column in zip(*(b.state.weights for b in branches), strict=True))
        return self._judge(branches, self._retrain(branches, weights))

    def _retrain(self, branches: Sequence[Branch[Fit]], weights: Weights) -> Weights:
        batches = torch.cat([self._batches(self.steps, branch.position) for branch in branches], dim=1)
        reading, wanted = _masks(branches)
        return self.ensemble.fit(weights, self.pairs, reading, wanted, batches, self.learning_rate)

    def _judge(self, branches: Sequence[Branch[Fit]], weights: Weights) -> list[tuple[Gain, Fit]]:
        without = self.ensemble.held_out_losses(weights, self.pairs, *_masks(branches))
        reference = torch.stack([branch.state.reference for branch in branches])
        baseline = torch.stack([branch.state.baseline for branch in branches]).unsqueeze(1)
        allowed = self.budget * torch.stack([branch.state.information for branch in branches])
        gains = compare(reference, without, baseline, allowed, self.estimate_size)
        return [
            (gain, self._next(branch.state, _row(weights, row), without[row], gain))
            for row, (gain, branch) in enumerate(zip(gains, branches, strict=True))
        ]

    def _next(self, state: Fit, weights: Weights, losses: Tensor, gain: Gain) -> Fit:
        better = sum(gain.estimates) < 0
        reference = losses if better or self.reference == "current" else state.reference
        return Fit(weights, state.wanted, reference, state.baseline, state.information)

    def _batches(self, steps: int, position: int) -> Tensor:
        """Draw minibatches by seed and place in the order alone, so that a level decides the same in any sweep."""
        seed = self.seed * 1_000_003 + position + 1
        return draw_batches(steps, self.ensemble, len(self.pairs.inputs), seed, self.pairs.inputs.device)


def compare(
    reference: Float[Tensor, "g k m"],
    without: Float[Tensor, "g k m"],
    baseline: Float[Tensor, "g 1 m"],
    allowed: Float[Tensor, " g"],
    estimate_size: int,
) -> list[Gain]:
    """Turn held-out losses into gains; synchronises once with the device for all trials.

    Args:
        reference: losses with the unit.
        without: losses without it.
        baseline: losses of predicting the mean.
        allowed: the gain that may be lost, in units of the loss.
        estimate_size: samples in one estimate.
    """
    estimates = (without - reference).mean(2)
    within = (baseline - without).var(2).mean(1) + (baseline - reference).var(2).mean(1)
    between = estimates.var(1) if estimates.shape[1] > 1 else torch.zeros_like(within)
    error = ((between + within / estimate_size) / estimates.shape[1]).sqrt()
    return gains_of(estimates, error, allowed)


def gains_of(estimates: Float[Tensor, "g k"], error: Float[Tensor, " g"], allowed: Float[Tensor, " g"]) -> list[Gain]:
    """Gather each trial's estimates, standard error and allowed loss into a gain.

    Raises:
        SettingError: the regressors diverged.
    """
    table = torch.cat([estimates, error[:, None], allowed[:, None]], dim=1).double().tolist()
    return [_gain(row[:-2], row[-2], row[-1]) for row in table]


def _gain(estimates: list[float], error: float, allowed: float) -> Gain:
    excess = sum(estimates) / len(estimates) - allowed
    if not isfinite(excess) or not isfinite(error):
        raise SettingError(f"The regressors diverged (mean gain {excess}); lower learning_rate and unit_learning_rate.")
    if error > 0:
        return Gain(tuple(estimates), error, excess / error)
    return Gain(tuple(estimates), 0.0, copysign(inf, excess) if excess else 0.0)


def _masks(branches: Sequence[Branch[Fit]]) -> tuple[Reading, Tensor]:
    return Reading(torch.stack([b.without for b in branches])), torch.stack([b.state.wanted for b in branches])


def _row(weights: Weights, row: int) -> Weights:
    return tuple(weight[row] for weight in weights)

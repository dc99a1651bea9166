"""Many small regressors trained at once as one batched network.

The estimator of the MIPP paper (section 4.2.2, after Covert et al. 2020) is a multilayer perceptron that predicts
the next layer's activations Y from a layer's activations X; the information is by how much knowing X lowers the loss,
I(X; Y) ~ E l(f(0), Y) - E l(f(X), Y).  Confidence needs several of them (``members``); a sweep needs them for
several candidate masks (``trials``).  All have the same shape, so all are trained together by batched matrix products.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import sqrt

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.errors import SettingError

LIMIT = 4.0
"""Standardised inputs are clipped at this many standard deviations.

A unit that is rarely active (a pixel at the edge of a digit) has rare values of 50 and more; the regressors then fail
on the held-out part.  On the 784 pixels of MNIST, clipping lowers the held-out loss from 0.20 to 0.08.
"""

_NUMBERS = 2**26
"""Predictions held at once: 256 MB."""

Weights = tuple[Tensor, ...]
"""Two tensors per dense layer, a weight [trials, members, in, out] and a bias [trials, members, 1, out]."""


@dataclass(frozen=True)
class Pairs:
    """Standardised activations of a layer and of the next, split in two.

    A unit that never varies on the fitting part carries no information; it is set to 0.  Inputs are clipped at
    ``LIMIT`` standard deviations; targets are not.

    If a unit is added into a stream, its removal leaves what the stream holds without it.

    Attributes:
        inputs, targets: samples the regressors are fitted on, [n, units] and [n, next units].
        held_inputs, held_targets: samples they are judged on.
        live_inputs, live_targets: which units vary at all.
        without, held_without: what is left of each input when its unit is removed, on the inputs' scale; None if
            nothing is left, so that a removed input is replaced by its mean, 0.
    """

    inputs: Float[Tensor, "n c"]
    targets: Float[Tensor, "n t"]
    held_inputs: Float[Tensor, "m c"]
    held_targets: Float[Tensor, "m t"]
    live_inputs: Float[Tensor, " c"]
    live_targets: Float[Tensor, " t"]
    without: Float[Tensor, "n c"] | None = None
    held_without: Float[Tensor, "m c"] | None = None

    @classmethod
    def split(
        cls,
        inputs: Float[Tensor, "n c"],
        targets: Float[Tensor, "n t"],
        held_out: float,
        without: Float[Tensor, "n c"] | None = None,
    ) -> "Pairs":
        """Hold out the last share of the samples, and standardise both parts by the mean and spread of the others."""
        held = int(len(inputs) * held_out)
        fitted = len(inputs) - held
        if min(held, fitted) < 2:
            raise SettingError(
                f"Holding out {held_out} of {len(inputs)} samples leaves {fitted} to fit on and {held} to judge on; "
                "at least 2 of each are needed: use more samples or another share."
            )
        x, live_x = _standardise(inputs, fitted)
        y, live_y = _standardise(targets, fitted)
        x = x.clamp(-LIMIT, LIMIT)
        whole = cls(x[:fitted], y[:fitted], x[fitted:], y[fitted:], live_x, live_y)
        if without is None:
            return whole
        left = _on_scale_of(inputs, without, fitted).clamp(-LIMIT, LIMIT)
        own = _standardise(inputs - without, fitted)[1]
        return replace(whole, live_inputs=own, without=left[:fitted], held_without=left[fitted:])

    @property
    def own(self) -> "Pairs":
        """The same pairs, with each unit's own part as its input: what its removal takes away."""
        if self.without is None or self.held_without is None:
            return self
        inputs, held = self.inputs - self.without, self.held_inputs - self.held_without
        spread, mean = torch.std_mean(inputs, dim=0, correction=0)
        scaled = [((each - mean) / spread.clamp_min(1e-6)).clamp(-LIMIT, LIMIT) for each in (inputs, held)]
        return replace(self, inputs=scaled[0], held_inputs=scaled[1], without=None, held_without=None)

    @property
    def baseline(self) -> Float[Tensor, "m t"]:
        """Squared error without any input: each standardised target is predicted by its mean, which is 0."""
        return self.held_targets.square()


def _standardise(values: Tensor, fitted: int) -> tuple[Tensor, Tensor]:
    spread, mean = torch.std_mean(values[:fitted], dim=0, correction=0)
    live = spread > 1e-6 * values.abs().amax(0).clamp_min(1e-12)
    return torch.where(live, (values - mean) / spread.clamp_min(1e-30), 0.0), live.to(values.dtype)


def _on_scale_of(values: Tensor, others: Tensor, fitted: int) -> Tensor:
    """Standardise ``others`` by the mean and spread of ``values``; 0 where ``values`` never vary."""
    spread, mean = torch.std_mean(values[:fitted], dim=0, correction=0)
    live = _standardise(values, fitted)[1]
    return torch.where(live > 0, (others - mean) / spread.clamp_min(1e-30), 0.0)


@dataclass(frozen=True)
class Reading:
    """What the regressors of each trial are shown.

    Attributes:
        keep: 1 for the units a trial may use, 0 for the others.
        shares: by which every other unit is predicted from those, a column per unit; see
            ``mipp_core.information.imputation``.  None: the others are replaced by their mean, 0.
        rest: intercepts of these predictions.
    """

    keep: Float[Tensor, "g c"]
    shares: Float[Tensor, "g c c"] | None = None
    rest: Float[Tensor, "g c"] | None = None

    @classmethod
    def together(cls, readings: "Sequence[Reading]") -> "Reading":
        """Return several readings, all with predictions, as one of all their trials."""
        columns = ([getattr(each, name) for each in readings] for name in ("keep", "shares", "rest"))
        return cls(*(torch.cat(column) for column in columns))

    def of(
        self, inputs: Float[Tensor, "_ k n c"], without: Float[Tensor, "_ k n c"] | None
    ) -> Float[Tensor, "g k n c"]:
        """Return the kept units, and predictions of the others, or what is left of them and predictions of the rest."""
        keep = self.keep[:, None, None, :]
        read = inputs * keep if without is None else torch.lerp(without, inputs, keep)
        if self.shares is None or self.rest is None:
            return read
        return read + read @ self.shares[:, None] + self.rest[:, None, None, :]


@dataclass(frozen=True)
class Ensemble:
    """A batch of multilayer perceptrons with ReLU, ``members`` per trial.

    Attributes:
        members: regressors per trial; each has its own initial weights and its own minibatches.
        hidden: widths of the hidden layers.
        batch_size: samples per step.
    """

    members: int = 3
    hidden: tuple[int, ...] = (256, 256)
    batch_size: int = 100

    def fresh(self, trials: int, inputs: int, outputs: int, generator: torch.Generator, like: Tensor) -> Weights:
        """Draw initial weights, uniform in ±1/sqrt(fan in) as ``torch.nn.Linear`` does."""
        sizes = (inputs, *self.hidden, outputs)
        weights: list[Tensor] = []
        for fan_in, fan_out in pairwise(sizes):
            for rows in (fan_in, 1):
                drawn = torch.rand(trials, self.members, rows, fan_out, generator=generator, dtype=like.dtype)
                weights.append(((2 * drawn - 1) / sqrt(fan_in)).to(like.device))
        return tuple(weights)

    def predict(self, weights: Weights, inputs: Float[Tensor, "_ _ n c"]) -> Float[Tensor, "g k n t"]:
        """Run every regressor on its own inputs."""
        trials, members = weights[0].shape[:2]
        hidden = inputs.expand(trials, members, *inputs.shape[2:]).flatten(0, 1)
        flat = [weight.flatten(0, 1) for weight in weights]
        for layer in range(0, len(flat), 2):
            hidden = torch.baddbmm(flat[layer + 1], hidden.relu() if layer else hidden, flat[layer])
        return hidden.unflatten(0, (trials, members))

    def fit(
        self,
        weights: Weights,
        pairs: Pairs,
        reading: Reading,
        wanted: Float[Tensor, "g t"],
        batches: Int[Tensor, "steps _ k b"],
        learning_rate: float,
    ) -> Weights:
        """Train every regressor with Adam, the learning rate falling linearly to 0, and return new weights.

        Args:
            weights: the starting point; not changed.
            pairs: the activations.
            reading: what they are shown.
            wanted: 1 for the next layer's units a trial must predict.
            batches: indices into the fitting samples; a size of 1 in ``g`` is shared by all trials.
            learning_rate: of the first step.
        """
        share = _share(wanted)

        def loss(step: int, trained: Weights) -> Tensor:
            index = batches[step]
            without = None if pairs.without is None else pairs.without[index]
            inputs = reading.of(pairs.inputs[index], without)
            errors = (self.predict(trained, inputs) - pairs.targets[index]).square()
            return (errors * share).sum() / index.shape[-1]

        return descend(weights, len(batches), learning_rate, loss)

    @torch.no_grad()
    def held_out_losses(
        self, weights: Weights, pairs: Pairs, reading: Reading, wanted: Float[Tensor, "g t"]
    ) -> Float[Tensor, "g k m"]:
        """Return each regressor's mean squared error over the wanted targets, for every held-out sample."""
        parts = []
        at_once = _NUMBERS // (len(wanted) * self.members * wanted.shape[1])
        for inputs, without, targets in _chunks(pairs, max(64, min(2048, at_once))):
            seen = reading.of(inputs[None, None], None if without is None else without[None, None])
            parts.append(((self.predict(weights, seen) - targets).square() * _share(wanted)).sum(-1))
        return torch.cat(parts, dim=2)


@torch.enable_grad()
def descend(weights: Weights, steps: int, learning_rate: float, loss: Callable[[int, Weights], Tensor]) -> Weights:
    """Minimise a sum of independent losses with Adam; return new weights and leave the old ones as they are."""
    trained = tuple(weight.detach().clone().requires_grad_() for weight in weights)
    optimiser = torch.optim.Adam(trained, learning_rate, fused=True)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = learning_rate * (1 - step / steps)
        optimiser.zero_grad()
        loss(step, trained).backward()
        optimiser.step()
    return tuple(weight.detach() for weight in trained)


def _share(wanted: Float[Tensor, "g t"]) -> Float[Tensor, "g 1 1 t"]:
    """Weigh a trial's targets equally; a trial without targets has loss 0."""
    return (wanted / wanted.sum(1, keepdim=True).clamp_min(1))[:, None, None, :]


def _chunks(pairs: Pairs, size: int) -> Iterator[tuple[Tensor, Tensor | None, Tensor]]:
    """Yield the held-out samples in pieces, so that the hidden activations stay small."""
    for start in range(0, len(pairs.held_inputs), size):
        piece = slice(start, start + size)
        without = None if pairs.held_without is None else pairs.held_without[piece]
        yield pairs.held_inputs[piece], without, pairs.held_targets[piece]


def draw_batches(
    steps: int, ensemble: Ensemble, samples: int, seed: int, device: torch.device
) -> Int[Tensor, "steps 1 k b"]:
    """Draw minibatch indices, with replacement, from the seed alone: they do not depend on what else is fitted."""
    generator = torch.Generator().manual_seed(seed)
    shape = (steps, 1, ensemble.members, ensemble.batch_size)
    return torch.randint(samples, shape, generator=generator).to(device)

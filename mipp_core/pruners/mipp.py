"""Mutual Information Preserving Pruning (Westphal, Hailes and Musolesi, arXiv 2411.00147)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, get_args
from zlib import crc32

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.information import Ensemble, Pairs, quantiles
from mipp_core.information.controlled import Controlled
from mipp_core.information.ensemble import Reading, draw_batches
from mipp_core.information.ranking import single_unit_information
from mipp_core.information.reconstruction import Reconstruction
from mipp_core.information.terc import Branch, Decision, equal_runs, keep_masks, terc, uninformative
from mipp_core.network.activations import Activations, record, without
from mipp_core.network.finding import OUTPUT
from mipp_core.network.layers import Wiring, wiring_of
from mipp_core.pruners.contract import Decider, Need, Variant
from mipp_core.pruners.settings import above_zero, at_least, on_or_off, one_of, setting, share, widths
from mipp_core.vocabulary import INPUT, Collapse, Progress, Reference, Report, silent


@dataclass(frozen=True)
class Mipp(Decider):
    """Remove a unit when a small network can rebuild the next layer's activations without it.

    Idea: layers are pruned from the output to the input; the target of each is the already pruned next layer.  Units
    are tested one after another, the least informative first (``mipp_core.information.terc``), by retraining an
    ensemble of multilayer perceptrons without them (``mipp_core.information.reconstruction``, which says what one
    estimate is).  A unit is kept iff its mean gain exceeds z standard errors, z the normal quantile of the confidence,
    so a higher confidence prunes more.

    Cost: one fit per layer and one short retraining per test; tests of several levels run in one batch.

    Residual networks: the last layer of a block is pruned like any other while the stream it is added into keeps its
    width, as in the paper.  The next layer reads the sum.  So the regressors read the stream's channels; without a
    unit, they read what the stream holds without it: exactly what the pruned network's next layer would read.  (The
    paper does not say.)  The next layer is the first one that reads the stream and has a unit left.  A block that has
    lost all its units is not a layer collapse, because the stream passes it by.

    Where the paper does not say, we chose: Adam with the learning rate falling linearly to 0; minibatches of 100;
    activations standardised per unit, so that rescaling a unit changes nothing; held-out losses; one fit to the
    whole next layer, continued for some steps on each pruned version of it.  Where the paper's text and its
    Algorithm 2 disagree (on the order of testing), we follow the text.

    Example:
        >>> pruned = prune(model, images, pruner="mipp", confidence=0.99, settings={"fit_steps": 100})
        >>> sorted({decision.layer for decision in pruned.decisions})
        ['fc1', 'fc2']

    Attributes:
        collapse: turns a filter's map into one number.
        reference: the loss a removal is compared with: that of the retained set's regressors, retrained as the test's
            are (``control``), or one that was measured before: the full layer's, as in the paper's Algorithm 2
            (``fixed``), or the retained set's (``current``).  Beside those two, retraining alone looks like a change
            of information (``mipp_core.information.controlled``).
        members: regressors, and so estimates, per test, at least 2; the paper has 3 (App. D.3.2) and 5 (4.2.2).
        hidden: widths of a regressor's hidden layers.
        fit_steps: iterations of the first fit (1,500 in the paper).
        refit_steps: iterations on each version of the pruned next layer.
        unit_steps: iterations of each test's retraining (150 in the paper, 20 for VGG).
        rank_steps: iterations of the ranking fit (35 in the paper).
        batch_size: samples per iteration.
        learning_rate: of the first fit and the ranking.
        unit_learning_rate: of refits and tests.
        samples: activations used, drawn evenly from the classes (about 5,120 in the paper's later version).
        held_out: share of the samples that regressors are judged on, in (0, 1).
        estimate_size: samples in one estimate; with fewer, estimates are less certain and the confidence matters more.
        budget: share of a layer's information that a removal may cost, at least 0; 0 in the paper.
        longest_block: most units tested together; 1 is the paper's procedure.
        pixels: test the input's pixels too, against the pruned first layer (App. E.1).

    Raises:
        SettingError: a setting is out of its range.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"MIPP": Variant(usual=True)}
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "activations"})
    reads_neighbour: ClassVar[bool] = True

    collapse: Collapse = setting("l1", one_of(get_args(Collapse)))
    reference: Reference = setting("control", one_of(get_args(Reference)))
    members: int = setting(3, at_least(2))
    hidden: tuple[int, ...] = setting((256, 256), widths())
    fit_steps: int = setting(1500, at_least(0))
    refit_steps: int = setting(150, at_least(0))
    unit_steps: int = setting(20, at_least(0))
    rank_steps: int = setting(35, at_least(0))
    batch_size: int = setting(100, at_least(1))
    learning_rate: float = setting(1e-3, above_zero())
    unit_learning_rate: float = setting(5e-4, above_zero())
    samples: int = setting(8000, at_least(16))
    held_out: float = setting(0.25, share())
    estimate_size: int = setting(64, at_least(1))
    budget: float = setting(0.0, share(including_zero=True))
    longest_block: int = setting(8, at_least(1))
    pixels: bool = setting(False, on_or_off())

    def decide(
        self,
        model: nn.Module,
        data: Split,
        seed: int,
        confidences: tuple[float, ...],
        report: Report = silent,
    ) -> list[Decision]:
        """Decide about every unit at every confidence, from the output to the input.

        Args:
            model: left bit-identical.
            data: the split activations are drawn from, on the network's device; labels only balance the draw.
            seed: of the draw, the regressors and their minibatches.
            confidences: ascending, each in [0.5, 1).
            report: called after every round of tests; may raise ``CancelledError``.

        Returns:
            Decisions in the order they were made.
        """
        thresholds = quantiles(confidences)
        drawn = data.stratified(self.samples, torch.Generator().manual_seed(seed))
        activations = record(model, drawn.images, self.collapse)
        wiring = wiring_of(model)
        steps = [*_steps(wiring), *([_step(INPUT, wiring.image_readers, wiring)] if self.pixels else [])]
        kept: dict[str, Tensor] = {}
        decisions: list[Decision] = []
        work = [activations[step.layer].shape[1] + _NARROW for step in steps]
        for number, step in enumerate(steps):
            made: list[Decision] = []
            inputs, before = activations[step.layer], sum(work[:number])
            targets, wanted = _goal(step, activations, kept, len(confidences))
            left = activations.get(without(step.layer))
            for batch in self.test_units(step.layer, inputs, targets, wanted, thresholds, seed, left):
                made += batch
                done = before + work[number] * _share_done(made, wanted, inputs)
                so_far = partial(_so_far, kept, step.layer, made, wanted.shape[0], inputs.shape[1])
                report(Progress(f"Testing {step.layer}", done / sum(work), so_far))
            kept[step.layer] = keep_masks(made, inputs.shape[1], len(confidences))
            decisions += made
        return decisions

    def test_units(
        self,
        layer: str,
        inputs: Float[Tensor, "n c"],
        targets: Float[Tensor, "n t"],
        wanted: Bool[Tensor, "levels t"],
        thresholds: Float[Tensor, " levels"],
        seed: int,
        left: Float[Tensor, "n c"] | None = None,
    ) -> Iterator[list[Decision]]:
        """Test any variables against any targets, all levels at once; yield the decisions round by round.

        Args:
            layer: a name for the decisions.
            inputs: one column per unit to test.
            targets: what must still be rebuilt from them.
            wanted: the targets that count at each level.
            thresholds: z_x of each level, ascending.
            seed: of the regressors and their minibatches.
            left: what is left of each column when its unit is removed; None for nothing.
        """
        pairs, units = Pairs.split(inputs, targets, self.held_out, left), inputs.shape[1]
        seed = crc32(f"{seed} {layer}".encode())
        informed = (wanted.to(inputs.device) * pairs.live_targets).to(inputs.dtype)
        constant = (pairs.live_inputs == 0).nonzero().flatten().tolist()
        groups = []
        for levels in equal_runs(informed):
            hopeless = not informed[levels.start].any()
            yield uninformative(layer, range(units) if hopeless else constant, levels)
            groups += [] if hopeless else [levels]
        if groups and len(constant) < units:
            estimator = self._estimator(pairs, seed)
            branches = self._branches(estimator, groups, informed, len(constant), seed)
            yield from terc(layer, branches, estimator, thresholds, self.longest_block)

    def _estimator(self, pairs: Pairs, seed: int) -> Reconstruction | Controlled:
        ensemble = Ensemble(self.members, self.hidden, self.batch_size)
        usual = pairs, ensemble, self.unit_steps, self.unit_learning_rate, self.estimate_size, self.budget
        return Controlled(*usual, seed) if self.reference == "control" else Reconstruction(*usual, self.reference, seed)

    def _branches(
        self, estimator: Reconstruction | Controlled, groups: list[range], informed: Tensor, constant: int, seed: int
    ) -> list[Branch[Any]]:
        """Fit the full layer, order its units, and start one branch for each version of the next layer."""
        pairs, ensemble = estimator.pairs, estimator.ensemble
        generator = torch.Generator().manual_seed(seed)
        fresh = ensemble.fresh(1, pairs.inputs.shape[1], pairs.targets.shape[1], generator, pairs.inputs)
        everything = Reading(pairs.live_inputs[None]), pairs.live_targets[None]
        batches = draw_batches(self.fit_steps, ensemble, len(pairs.inputs), seed, pairs.inputs.device)
        fitted = ensemble.fit(fresh, pairs, *everything, batches, self.learning_rate)
        alone = single_unit_information(
            pairs.own, self.hidden, self.batch_size, self.rank_steps, 2 * self.learning_rate, seed
        )
        versions = informed[[levels.start for levels in groups]]
        ranks = (versions @ alone.T).masked_fill(pairs.live_inputs == 0, -torch.inf).argsort(dim=1, stable=True)
        fits = estimator.start(fitted, versions, self.refit_steps)
        return [
            Branch(levels, pairs.live_inputs, tuple(order), fit, position=constant)
            for levels, order, fit in zip(groups, ranks.tolist(), fits, strict=True)
        ]


SMALL = Mipp(members=2, hidden=(64, 64), refit_steps=50, unit_steps=10, samples=3000, longest_block=32)
"""The small setting: prunes networks of thousands of units on a CPU in minutes; its estimates are less certain."""

_NARROW = 8
"""Units' worth of tests that any layer takes beside its own: levels agree less in a narrow one."""


@dataclass(frozen=True)
class _Step:
    """One step of pruning: the layer whose units are tested, and the layers that read them, in order."""

    layer: str
    readers: tuple[str, ...]


def _so_far(
    kept: Mapping[str, Tensor], layer: str, made: Sequence[Decision], levels: int, units: int
) -> dict[str, Tensor]:
    """Return what is kept of the layers before, and of this one as far as it is decided."""
    return {**kept, layer: keep_masks(tuple(made), units, levels)}


def _steps(wiring: Wiring) -> list[_Step]:
    """List the layers from the output to the input."""
    return [_step(layer.name, layer.readers, wiring) for layer in reversed(wiring.layers)]


def _step(layer: str, readers: tuple[str, ...], wiring: Wiring) -> _Step:
    return _Step(layer, tuple(OUTPUT if reader == wiring.last else reader for reader in readers))


def _goal(
    step: _Step, activations: Activations, kept: dict[str, Tensor], levels: int
) -> tuple[Float[Tensor, "n t"], Bool[Tensor, "levels t"]]:
    """Return what must still be rebuilt at each level: the remaining units of the first reader that has any."""
    goals: dict[str, Tensor] = {}
    still = torch.ones(levels, dtype=torch.bool)
    for name in step.readers:
        units = kept.get(name, torch.ones(levels, activations[name].shape[1], dtype=torch.bool))
        goals[name] = units & still[:, None]
        still = still & ~units.any(1)
    used = [name for name, wanted in goals.items() if wanted.any()] or [step.readers[0]]
    return torch.cat([activations[name] for name in used], 1), torch.cat([goals[name] for name in used], 1)


def _share_done(decisions: list[Decision], wanted: Tensor, inputs: Tensor) -> float:
    """Return the share of (unit, level) pairs that are decided."""
    decided = sum(decision.last_level - decision.first_level + 1 for decision in decisions)
    return decided / (inputs.shape[1] * len(wanted))

"""MIPP in closed form: Mutual Information Preserving Pruning (arXiv 2411.00147) by least squares; ours, no paper."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, get_args

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.information import quantiles
from mipp_core.information.elimination import Path, eliminated, one_by_one
from mipp_core.information.goals import Goal, Heard, budgets_of, inverse, variances
from mipp_core.information.next_layers import NextLayers
from mipp_core.information.regressions import RIDGE, Problem, alone
from mipp_core.information.terc import Decision, Gain, equal_runs, keep_masks, uninformative
from mipp_core.information.verdict import Verdict, worths
from mipp_core.network.layers import wiring_of
from mipp_core.pruners.contract import Decider, Need, Variant
from mipp_core.pruners.settings import above_zero, at_least, on_or_off, one_of, setting
from mipp_core.vocabulary import (
    INPUT,
    Budget,
    Counted,
    LossKind,
    Order,
    PathKind,
    Progress,
    Reference,
    Report,
    Weighing,
    silent,
)


@dataclass(frozen=True)
class ClosedForm(Decider):
    """Remove a unit when the next layer, its weights refitted, can compute nearly the same without it.

    Idea: MIPP with linear regressors, which need no training.  Layers are pruned from the output to the input; the
    targets of each are the units that are left of the already pruned next layer.  What a layer computes before its
    normalisation and nonlinearity is linear in what it reads, so the best linear prediction of it is the best that the
    layer itself can do with the units that stay (``mipp_core.information.elimination``): Theorem 1's function g is
    found, and its coefficients are the rebuilt weights.  Whole maps are read, not one number per filter.
    Formula: a removal costs gain_t = (B_g' P_gg^-1 B_g)_tt of target t's variance; it is made iff its statistic is at
    most z_x, so a higher confidence x prunes more (``mipp_core.information.verdict`` says what is random in it).
    Needs: images.  Cost: one forward pass, one matrix of products per layer, one small update per unit; all levels
    together take seconds.

    Blind: to information that only a nonlinear function can use.  The next layer's own computation is linear, so for it
    nothing is overlooked; but of A = 1 if three bits agree, each bit by itself and all three together tell a linear
    function nothing (TERC's synthetic set), where the perceptrons of MIPP find all three.

    Residual networks: as with MIPP, a layer that is added into a stream is judged by the next layer that reads the
    stream; without a unit, that reads what the stream holds without it.  Where a next layer reads only after channels
    are mixed (attention, say), each map is collapsed to one number, as in the paper, and the linear part counts.

    Example:
        >>> pruned = prune(model, images, pruner="mipp-closed-form", confidence=0.99)
        >>> sorted({decision.layer for decision in pruned.decisions})
        ['fc1', 'fc2']

    Attributes:
        samples: images, drawn evenly from the classes.
        weighing: what a target's loss is worth: the same share of each target's own variance (``alike``), or what the
            outputs hear of it, E||d outputs / d target||^2, as a share of all that they hear of the layer (``heard``)
            or of the outputs' own variance (``outputs``), which makes losses of all layers comparable; ``asked`` is
            ``outputs`` where a share of parameters or MACs is asked for, and else ``alike``.
        budget: how much a layer may lose: the same in all (``alike``), or in proportion to the parameters or
            multiply-accumulates that its units take, so that more is removed where it saves more; ``asked`` is the
            one that goes with the target, where a share of parameters or MACs is asked for, and else ``alike``.
        loss: share of variance, or Gaussian information in nats.
        noise: share of a target's variance below which a loss does not matter.
        estimate_size: images in one estimate; with fewer, estimates are less certain and more is removed.
        reference: what a loss is compared with: the full layer's (``fixed``), or the present retained set's.
        order: which unit is tested next: the one that costs least (``greedy``), or, as in the paper, ever more
            informative ones (``ascending``), each once.
        path: one order for all levels, so that what a level removes all higher ones remove (``common``), or one for
            each version of the pruned next layer (``own``); ascending orders are always tested level by level.
        pixels: test the input's pixels too, against the pruned first layer.

    Raises:
        SettingError: a setting is out of its range.
        ModelError: the first layer is not linear in the pixels.
    """

    variants: ClassVar[Mapping[str, Variant]] = {
        "MIPP closed form": Variant(usual=True),
        "MIPP closed form (parameters)": Variant({"weighing": "outputs", "budget": "parameters"}, usual=True),
        "MIPP closed form (MACs)": Variant({"weighing": "outputs", "budget": "macs"}, usual=True),
    }
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "activations"})
    reads_neighbour: ClassVar[bool] = True

    samples: int = setting(4000, at_least(16))
    weighing: Weighing = setting("asked", one_of(get_args(Weighing)))
    budget: Budget = setting("asked", one_of(get_args(Budget)))
    loss: LossKind = setting("variance", one_of(get_args(LossKind)))
    noise: float = setting(0.004, above_zero())
    estimate_size: int = setting(50, at_least(1))
    reference: Reference = setting("fixed", one_of(("fixed", "current")))
    order: Order = setting("greedy", one_of(get_args(Order)))
    path: PathKind = setting("common", one_of(get_args(PathKind)))
    pixels: bool = setting(False, on_or_off())

    def towards(self, of: Counted) -> "ClosedForm":
        """Weigh and split what may be lost by what is asked for, where that is left open."""
        usual: tuple[Weighing, Budget] = ("alike", "alike") if of == "units" else ("outputs", of)
        weighing, budget = usual
        return replace(
            self,
            weighing=weighing if self.weighing == "asked" else self.weighing,
            budget=budget if self.budget == "asked" else self.budget,
        )

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
            data: the split images are drawn from, on the network's device; labels only balance the draw.
            seed: of the draw and of positions in large maps.
            confidences: ascending, each in [0.5, 1).
            report: called before every layer; may raise ``CancelledError``.

        Returns:
            Decisions in the order they were made.
        """
        if "asked" in (self.weighing, self.budget):
            return self.towards("units").decide(model, data, seed, confidences, report)
        images = data.stratified(self.samples, torch.Generator().manual_seed(seed)).images
        wiring = wiring_of(model, images[:2])
        following = NextLayers(wiring, images, RIDGE, seed)
        hearers = [*(reader for layer in wiring.layers for reader in layer.readers), *wiring.image_readers]
        heard = Heard(wiring.network, hearers, images, seed, self.weighing)
        thresholds, kept = quantiles(confidences), dict[str, Tensor]()
        budgets = budgets_of(wiring, images.shape[1:], self.budget)
        steps = [(layer.name, layer.readers, layer.units) for layer in reversed(wiring.layers)]
        steps += [(INPUT, wiring.image_readers, images[0].numel())] if self.pixels else []
        decisions: list[Decision] = []
        for done, (layer, readers, units) in enumerate(steps):
            report(Progress(f"Testing {layer}", done / len(steps), partial(dict, kept)))
            made: list[Decision] = []
            for reader, levels in _read_by(readers, kept, len(confidences)):
                if reader is None:
                    made += uninformative(layer, range(units), levels)
                    continue
                problems, owners = following.of(layer, reader)
                known = kept.get(reader)
                wanted = torch.ones(len(levels), len(owners), dtype=torch.bool)
                wanted = wanted if known is None else known[levels.start : levels.stop][:, owners]
                goal = Goal(problems, units, wanted, *heard.of(reader, owners, problems), budgets.get(layer, 1.0))
                made += self._judge(layer, goal, thresholds[levels.start : levels.stop], levels)
            kept[layer] = keep_masks(made, units, len(confidences))
            decisions += made
        return decisions

    def test_units(
        self,
        layer: str,
        problems: Sequence[Problem],
        units: int,
        wanted: Bool[Tensor, "levels t"],
        thresholds: Float[Tensor, " levels"],
    ) -> list[Decision]:
        """Test any variables against any linear targets, all levels at once.

        Args:
            layer: a name for the decisions.
            problems: what the targets are computed from.
            units: how many variables there are.
            wanted: the targets that count at each level.
            thresholds: z_x of each level, ascending.
        """
        variance = variances(problems, wanted.shape[1])
        goal = Goal(problems, units, wanted, inverse(variance), variance, None, 1.0)
        return self._judge(layer, goal, thresholds, range(len(wanted)))

    def _judge(self, layer: str, goal: Goal, thresholds: Tensor, levels: range) -> list[Decision]:
        """Judge a layer's units at consecutive levels whose targets belong to one next layer."""
        by_itself = self.order == "ascending"
        each = [range(place, place + 1) for place in range(len(levels))]
        groups = each if by_itself else [range(len(levels))] if self.path == "common" else equal_runs(goal.wanted)
        made: list[Decision] = []
        for group in groups:
            rows, above = slice(group.start, group.stop), thresholds[group.start : group.stop]
            own = range(levels.start + group.start, levels.start + group.stop)
            shares = worths(goal.wanted[rows], goal.heard, goal.variance, goal.total) / goal.budget
            verdict = Verdict(shares, goal.variance, self.noise, self.estimate_size, self.loss, self.reference)
            made += _decided(layer, self._path(goal, shares.mean(0), verdict, above), verdict, above, own)
        return made

    def _path(self, goal: Goal, worth: Tensor, verdict: Verdict, above: Tensor) -> Path:
        def enough(before: Tensor, after: Tensor) -> bool:
            return bool((verdict.statistics(before.cpu(), after.cpu()) > above).all())

        worth = worth.to(goal.problems[0].weights.device)
        if self.order == "greedy":
            return eliminated(goal.problems, goal.units, worth, enough)
        told = torch.zeros(goal.units, dtype=torch.double, device=worth.device)
        for problem in goal.problems:
            told.index_add_(0, problem.units, alone(problem) @ worth[problem.targets])
        return one_by_one(goal.problems, told.argsort(stable=True).tolist(), worth, enough)


def _read_by(readers: Sequence[str], kept: Mapping[str, Tensor], levels: int) -> Iterator[tuple[str | None, range]]:
    """Yield runs of levels with the first reader that has any unit left there; None where there is none."""
    chosen: list[str | None] = [None] * levels
    for reader in reversed(readers):
        alive = kept[reader].any(1) if reader in kept else torch.ones(levels, dtype=torch.bool)
        chosen = [reader if here else other for here, other in zip(alive.tolist(), chosen, strict=True)]
    start = 0
    for level in range(1, levels + 1):
        if level == levels or chosen[level] != chosen[start]:
            yield chosen[start], range(start, level)
            start = level


def _decided(layer: str, path: Path, verdict: Verdict, above: Tensor, levels: range) -> Iterator[Decision]:
    """Yield a decision per unit; units go in the order of the path, and a level that has removed one stays ahead."""
    before, after = path.before.cpu(), path.after.cpu()
    pairs = list(zip(before, after, strict=True))
    costs = torch.stack([verdict.losses(*pair) for pair in pairs])
    statistics = torch.stack([verdict.statistics(*pair) for pair in pairs])
    bounds = torch.cat([statistics[: path.removed].cummax(0).values, statistics[path.removed :]])
    stays = bounds > above
    stays[path.removed :] = True
    for step, unit in enumerate(path.units):
        going = (~stays[step]).nonzero().flatten()
        place = int(going[0]) if len(going) else len(levels)
        shown = min(place, len(levels) - 1)
        cost, statistic = costs[step, shown].item(), bounds[step, shown].item()
        gain = Gain((cost,), cost / statistic if statistic else 0.0, statistic)
        yield Decision(layer, unit, step, levels.start, levels.stop - 1, levels.start + place, 1, gain)

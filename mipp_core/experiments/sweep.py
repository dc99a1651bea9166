"""One experiment from end to end: train, prune, shrink, rebuild, retrain, measure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from mipp_core.data import Dataset, Split
from mipp_core.evaluation import accuracy, is_untrainable, macs, parameters
from mipp_core.experiments.masking import Point, control_masks, sweep_points
from mipp_core.experiments.networks import initial_network, load_data, trained_network
from mipp_core.experiments.result import (
    Accuracies,
    LevelResult,
    RunResult,
    device_name,
    layer_results,
    stopwatch,
    versions,
)
from mipp_core.experiments.spec import RunSpec
from mipp_core.experiments.store import Store
from mipp_core.masks import KeepMasks
from mipp_core.rebuilding import Preactivations, preactivations, rebuild
from mipp_core.surgery import shrink
from mipp_core.training import train
from mipp_core.vocabulary import Progress, Report, silent

Publish = Callable[[RunResult], None]
"""Receives the run as far as it has got."""

SlimWeights = dict[int, dict[str, torch.Tensor]]
"""Level -> state dict of its retrained slim network."""

_REBUILD_ON = 4000  # unlabelled images for the closed form: enough for LeNet5's 400 regressors


@dataclass(frozen=True)
class Bench:
    """What every level of one run shares."""

    spec: RunSpec
    data: Dataset
    model: nn.Module

    @cached_property
    def wanted(self) -> Preactivations:
        """What rebuilding aims at."""
        return preactivations(self.model, self.data.train.images[:_REBUILD_ON])

    def cut(self, masks: KeepMasks) -> nn.Module:
        """Return the slim network."""
        return shrink(self.model, self.spec.network.architecture, masks)[0]

    def seen(self, split: Split, masks: KeepMasks) -> Split:
        """Return the images as the slim network sees them."""
        return Split(masks.blank_pixels(split.images), split.labels)

    def untrained_accuracies(self, masks: KeepMasks) -> Accuracies:
        """Measure the network right after cutting and after rebuilding."""
        slim, test = self.cut(masks), self.seen(self.data.test, masks)
        pruned = accuracy(slim, test)
        rebuild(slim, masks, self.data.train.images[:_REBUILD_ON], self.wanted)
        return Accuracies(accuracy_pruned=pruned, accuracy_rebuilt=accuracy(slim, test))

    def retrained(self, masks: KeepMasks, slim: nn.Module, report: Report) -> tuple[float, nn.Module]:
        """Retrain a slim network; return its accuracy and itself."""
        how, seed = self.spec.retraining, self.spec.network.seed
        train(slim, self.seen(self.data.train, masks), how, seed=seed, report=report, stage="Retraining")
        return accuracy(slim, self.seen(self.data.test, masks)), slim

    def scratch(self, masks: KeepMasks, report: Report) -> float:
        """Train a network of the same size from fresh weights, with the dense network's recipe."""
        _, slim = shrink(self.model, self.spec.network.architecture, masks)
        fresh = slim.build(self.spec.network.seed + 1).to(self.data.train.images.device)
        recipe = self.spec.network.recipe
        train(fresh, self.seen(self.data.train, masks), recipe, seed=self.spec.network.seed, report=report)
        return accuracy(fresh, self.seen(self.data.test, masks))


def run(
    spec: RunSpec,
    store: Store | None = None,
    *,
    data_dir: Path | None = None,
    device: str | torch.device = "cpu",
    report: Report = silent,
    publish: Publish | None = None,
) -> tuple[RunResult, SlimWeights]:
    """Run an experiment.

    Args:
        spec: what to do.
        store: where trained networks are kept; the per-user one by default.
        data_dir: where downloaded datasets are.
        device: where to compute.
        report: receives progress; may raise ``CancelledError``.
        publish: receives the result whenever a level has been filled in.

    Returns:
        The result, and the retrained slim network's weights of every level.
    """
    device = torch.device(device)
    result = RunResult(spec, device=device_name(device), versions=versions())
    with stopwatch() as taken:
        data = load_data(spec.network, data_dir, device, report)
        dense = trained_network(spec.network, data, store or Store.at(), report)
        model = dense if spec.trained else initial_network(spec.network, device)
    result = replace(
        result.with_seconds("train", taken[0]),
        dense_accuracy=accuracy(dense, data.test),
        network_accuracy=accuracy(model, data.test),
        parameters=parameters(model),
        macs=macs(model, data.image_shape),
    )
    with stopwatch() as taken:
        points, decisions = sweep_points(spec, model, data.train, report)
    result = replace(result.with_seconds("prune", taken[0]), decisions=tuple(decisions))
    return _fill(Bench(spec, data, model), result, points, report, publish or (lambda _: None))


def _fill(
    bench: Bench, result: RunResult, points: list[Point], report: Report, publish: Publish
) -> tuple[RunResult, SlimWeights]:
    """Measure all levels, first without retraining, then with; equal keep-masks are measured once."""
    with stopwatch() as taken:
        levels: dict[int, LevelResult] = {}
        for number, point in enumerate(points):
            report(Progress("Rebuilding", number / len(points)))
            twin = _twin(points, number)
            levels[number] = (
                replace(levels[twin], level=number, confidence=point.confidence)
                if twin != number
                else _measure(bench, number, point)
            )
    result = replace(result.with_seconds("rebuild", taken[0]), levels=tuple(levels.values()))
    publish(result)
    weights: SlimWeights = {}
    for done, number in enumerate(_coarse_to_fine(len(points))):
        twin = _twin(points, number)
        with stopwatch() as taken:
            if twin not in weights:
                levels[twin], weights[twin] = _retrain(
                    bench, levels[twin], points[twin].masks, _within(report, "Retraining", done, len(points))
                )
        kept = levels[twin]
        levels[number] = replace(kept, level=number, confidence=points[number].confidence)
        weights[number] = weights[twin]
        result = replace(result.with_seconds("retrain", taken[0]), levels=tuple(levels[i] for i in range(len(points))))
        publish(result)
    result = replace(result, state="done")
    publish(result)
    return result, {number: weights[number] for number in range(len(points))}


def _measure(bench: Bench, number: int, point: Point) -> LevelResult:
    """Cut and rebuild one level, and its controls."""
    slim = bench.cut(point.masks)
    own = bench.untrained_accuracies(point.masks)
    controls = {
        name: bench.untrained_accuracies(_control(bench, name, point.masks)) if name != "scratch" else Accuracies()
        for name in bench.spec.controls
    }
    return LevelResult(
        accuracy_pruned=own.accuracy_pruned,
        accuracy_rebuilt=own.accuracy_rebuilt,
        level=number,
        confidence=point.confidence,
        sparsity=point.masks.sparsity,
        parameters=parameters(slim),
        macs=macs(slim, bench.data.image_shape),
        layers=layer_results(point.masks),
        controls=controls,
    )


def _retrain(
    bench: Bench, level: LevelResult, masks: KeepMasks, report: Report
) -> tuple[LevelResult, dict[str, torch.Tensor]]:
    reached, slim = bench.retrained(masks, bench.cut(masks), report)
    controls = {name: _retrain_control(bench, name, known, masks, report) for name, known in level.controls.items()}
    untrainable = is_untrainable(reached, bench.data.test)
    level = replace(level, accuracy_retrained=reached, untrainable=untrainable, controls=controls)
    return level, {name: tensor.cpu() for name, tensor in slim.state_dict().items()}


def _retrain_control(bench: Bench, name: str, known: Accuracies, masks: KeepMasks, report: Report) -> Accuracies:
    if name == "scratch":
        return replace(known, accuracy_retrained=bench.scratch(masks, report))
    if not bench.spec.retrain_controls:
        return known
    chosen = _control(bench, name, masks)
    return replace(known, accuracy_retrained=bench.retrained(chosen, bench.cut(chosen), report)[0])


def _control(bench: Bench, name: str, masks: KeepMasks) -> KeepMasks:
    return control_masks(name, masks, bench.model, bench.data.train, bench.spec.network.seed)


def _twin(points: list[Point], number: int) -> int:
    """Return the first level with the same keep-masks."""
    return next(i for i, point in enumerate(points) if point.masks == points[number].masks)


def _coarse_to_fine(count: int) -> list[int]:
    """Order levels so that the curve's shape shows early: ends first, then halves."""
    order, step = [0, count - 1], count // 2
    while step:
        order += range(step, count, step)
        step //= 2
    return list(dict.fromkeys(i for i in order if i < count))


def _within(report: Report, stage: str, done: int, parts: int) -> Report:
    """Report one part's progress as progress of the whole stage."""
    return lambda progress: report(Progress(stage, (done + progress.done) / parts))

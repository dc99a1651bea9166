"""One experiment from end to end: train, prune, shrink, rebuild, retrain, measure."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from mipp_core.cutting.collapse import collapsed
from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.targets import emptied, require_reachable
from mipp_core.evaluation import macs, parameters
from mipp_core.experiments.experiment import Experiment
from mipp_core.experiments.masking import Point
from mipp_core.experiments.networks import initial_network
from mipp_core.runs.naming import revisions_in
from mipp_core.runs.result import Accuracies, LevelResult, RunResult, device_name, layer_results, versions
from mipp_core.runs.spec import RunSpec
from mipp_core.store import Store
from mipp_core.store.weights import SlimWeights
from mipp_core.vocabulary import Progress, Report, silent

Publish = Callable[[RunResult], None]
"""Receives the run as far as it has got."""

_FRESH = ("scratch", "reinitialised")
"""Controls that start from fresh weights: they have no accuracy before training."""

_A_LEVEL = 0.2
"""What any level costs to retrain, beside its multiply-accumulates as a share of the dense network's."""


def run(
    spec: RunSpec,
    store: Store | None = None,
    *,
    data_dir: Path | None = None,
    device: str | torch.device = "cpu",
    report: Report = silent,
    publish: Publish = lambda _: None,
    before_stage: Callable[[], None] = lambda: None,
) -> tuple[RunResult, SlimWeights]:
    """Run an experiment; what the store already holds is not computed again.

    Args:
        spec: what to do.
        store: where every stage's outcome is kept; the per-user one by default.
        data_dir: where downloaded datasets are.
        device: where to compute.
        report: receives progress; may raise ``CancelledError``.
        publish: receives the result whenever a level has been filled in.
        before_stage: called before each stage that must be computed; may raise to stop between two stages.

    Returns:
        The result, and the retrained slim network's weights of every level.
    """
    device = torch.device(device)
    name = device_name(device)
    store = store or Store.at()
    store.places.find(spec.network.dataset)
    store.places.keep(spec.network.dataset)
    stages = store.stages(spec.hash, name, before_stage)
    experiment = Experiment(spec, stages, device, report, data_dir)
    model = initial_network(spec.network, torch.device("cpu"))
    shape = spec.network.architecture.image_shape
    _require_reachable(spec, Counter(model, shape))
    dense = experiment.dense()
    result = RunResult(
        spec,
        dense_accuracy=dense.value["accuracy"],
        dense_train_accuracy=experiment.dense_train_accuracy(),
        network_accuracy=experiment.start_accuracy(),
        parameters=parameters(model),
        macs=macs(model, shape),
        device=name,
        versions=versions(),
        revisions=revisions_in(spec),
    )
    points, decisions = experiment.prune()
    with experiment.side_by_side([point.masks for point in points]):
        levels = [_measure(experiment, point, done / len(points)) for done, point in enumerate(points)]
    orders = experiment.examined.to_json() if experiment.examined else {}
    result = replace(result, decisions=decisions, orders=orders, levels=tuple(levels))
    publish(_timed(result, stages.seconds))
    weights: SlimWeights = {}
    order = _coarse_to_fine(len(points))
    work = [_A_LEVEL + levels[place].macs / result.macs for place in order]
    for done, place in enumerate(order):
        within = _within(report, "Retraining", sum(work[:done]) / sum(work), work[done] / sum(work))
        levels[place] = _compared(experiment, levels[place], points[place].masks)
        levels[place], weights[points[place].level] = _retrain(experiment, levels[place], points[place].masks, within)
        result = replace(result, levels=tuple(levels))
        publish(_timed(result, stages.seconds))
    result = _timed(replace(result, state="done"), stages.seconds)
    publish(result)
    return result, {point.level: weights[point.level] for point in points}


def _require_reachable(spec: RunSpec, counter: Counter) -> None:
    """Refuse targets beyond what can be removed, before anything is trained."""
    selection = spec.selection
    for target in spec.targets or ():
        if target.of != "units" or selection.scope == "global":
            require_reachable(target, emptied(selection.floor, counter), selection.floor, counter)


def _timed(result: RunResult, seconds: dict[str, float]) -> RunResult:
    return replace(result, seconds={kind: round(spent, 3) for kind, spent in seconds.items()})


def _measure(experiment: Experiment, point: Point, done: float) -> LevelResult:
    """Cut and rebuild one level, which is what somebody at a page waits for."""
    experiment.report(Progress("Rebuilding", done))
    masks = point.masks
    return LevelResult(
        level=point.level,
        confidence=point.confidence,
        sparsity=masks.sparsity,
        layers=layer_results(masks, set(masks) - set(collapsed(masks, experiment.counter.wiring))),
        controls={name: Accuracies() for name in experiment.spec.controls},
        **experiment.measure(masks).value,
    )


def _compared(experiment: Experiment, level: LevelResult, masks: KeepMasks) -> LevelResult:
    """Measure a level on the training split, too, and its controls."""
    controls = {
        name: known if name in _FRESH else experiment.measured(experiment.control(name, masks))
        for name, known in level.controls.items()
    }
    return replace(level, controls=controls, **experiment.seen_in_training(masks).value)


def _retrain(
    experiment: Experiment, level: LevelResult, masks: KeepMasks, report: Report
) -> tuple[LevelResult, dict[str, torch.Tensor]]:
    outcome = experiment.retrain(masks, report)
    controls = {
        name: _retrain_control(experiment, name, known, masks, report) for name, known in level.controls.items()
    }
    level = replace(
        level,
        accuracy_retrained=outcome.value["accuracy"],
        train_accuracy_retrained=experiment.train_accuracy(outcome, masks),
        untrainable=outcome.value["untrainable"],
        weights=outcome.blob,
        controls=controls,
    )
    return level, outcome.tensors or {}


def _retrain_control(
    experiment: Experiment, name: str, known: Accuracies, masks: KeepMasks, report: Report
) -> Accuracies:
    if name in _FRESH:
        trained = (experiment.scratch if name == "scratch" else experiment.reinitialise)(masks, report)
        return replace(known, accuracy_retrained=trained.value["accuracy"])
    if not experiment.spec.retrain_controls:
        return known
    return replace(
        known, accuracy_retrained=experiment.retrain(experiment.control(name, masks), report).value["accuracy"]
    )


def _coarse_to_fine(count: int) -> list[int]:
    """Order levels so that the curve's shape shows early: ends first, then halves."""
    order, step = [0, count - 1], count // 2
    while step:
        order += range(step, count, step)
        step //= 2
    return list(dict.fromkeys(i for i in order if i < count))


def _within(report: Report, stage: str, before: float, part: float) -> Report:
    """Report one part's progress as progress of the whole stage, in which so much is done before it."""
    return lambda progress: report(Progress(stage, before + part * progress.done))

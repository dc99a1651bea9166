"""The stages of an experiment: each asks the store first, and computes only what is not there."""

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mipp_core.checkpoints.fitting import load
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.recalibration import recalibrate
from mipp_core.cutting.surgery import cut_difference, shrink
from mipp_core.data import Dataset, Samples, Split
from mipp_core.data.drawing import stratified_index
from mipp_core.evaluation import accuracy, is_untrainable, macs, parameters
from mipp_core.experiments.masking import (
    Point,
    bare,
    between_levels,
    control_masks,
    decided_points,
    even_steps,
    points_of,
    rows_of,
    schedule,
)
from mipp_core.experiments.networks import given_weights, initial_network, load_data
from mipp_core.network.layers import wiring_of
from mipp_core.network.streams import passed_by
from mipp_core.pruners import Decider, Ranker, Task
from mipp_core.runs.document import DecisionColumns
from mipp_core.runs.result import Accuracies, decision_columns
from mipp_core.runs.spec import RunSpec
from mipp_core.store import Outcome, Stages
from mipp_core.store.files import Tensors
from mipp_core.training import Recipe, reinitialised, train
from mipp_core.vocabulary import Report

REBUILD_ON = 4000  # unlabelled images for the closed form: enough for LeNet5's 400 regressors
JUDGE_ON = 10_000  # training images for the accuracy on the training split
_COMPARE_ON = 64  # test images for the difference between the cut network and the masked one
_PRUNE_ON = 8_000  # training images at hand for pruners where the split is streamed: as many as MIPP draws by default


@dataclass(frozen=True)
class Bench:
    """What all stages of one run share.

    Attributes:
        spec: the run.
        stages: the store's.
        device: where to compute.
        report: receives progress; may raise ``CancelledError``.
        data_dir: where downloaded datasets are.
    """

    spec: RunSpec
    stages: Stages
    device: torch.device
    report: Report
    data_dir: Path | None = None

    @cached_property
    def data(self) -> Dataset:
        """The dataset, loaded when the first stage needs it."""
        return load_data(self.spec.network, self.data_dir, self.device, self.report)

    @cached_property
    def _given(self) -> Tensors | None:
        return given_weights(self.spec.network, self.stages.blobs, self.data_dir, self.report)

    def initial(self) -> nn.Module:
        """Return the network before it is trained: with fresh weights, or those it was given."""
        model = initial_network(self.spec.network, self.device)
        if self._given is not None:
            load(model, self._given)
        return model

    def dense(self) -> Outcome:
        """Train the dense network: its weights and ``accuracy``."""
        network = self.spec.network

        def make() -> Outcome:
            model = self.initial()
            words = "Training the dense network"
            train(model, self.data.train, network.recipe, seed=network.seed, report=self.report, stage=words)
            return Outcome({"accuracy": accuracy(model, self.data.test)}, model.state_dict())

        return self.stages.remember("train", {"network": network}, make)

    @cached_property
    def _seen_in_training(self) -> Samples:
        """The part of the training split that accuracies are measured on; not read yet where it is streamed."""
        split = self.data.train
        return split.take(stratified_index(split.labels, JUDGE_ON, torch.Generator().manual_seed(0)))

    @cached_property
    def _at_hand(self) -> Split:
        """The training images that pruners look at: all that are in memory, or some of those that are streamed."""
        split = self.data.train
        return split if isinstance(split, Split) else split.fixed(_PRUNE_ON)

    @cached_property
    def rebuilt_on(self) -> Split:
        """The training images that layers are rebuilt on."""
        return self.data.train.fixed(REBUILD_ON)

    def dense_train_accuracy(self) -> float:
        """Measure the dense network on the training split."""
        network = self.spec.network

        def make() -> Outcome:
            model = initial_network(network, self.device)
            load(model, self.dense().tensors or {})
            return Outcome({"accuracy": accuracy(model, self._seen_in_training)})

        asked = {"network": network, "trained": True, "split": "train"}
        return self.stages.remember("evaluate", asked, make).value["accuracy"]

    def start_accuracy(self) -> float:
        """Measure the network that is pruned: the dense one, or the same at initialisation."""
        if self.spec.trained:
            return self.dense().value["accuracy"]

        def make() -> Outcome:
            return Outcome({"accuracy": accuracy(self.initial(), self.data.test)})

        return self.stages.remember("evaluate", {"network": self.spec.network, "trained": False}, make).value[
            "accuracy"
        ]

    @cached_property
    def model(self) -> nn.Module:
        """The network that is pruned."""
        model = self.initial()
        if self.spec.trained:
            load(model, self.dense().tensors or {})
        return model

    @cached_property
    def passed_by(self) -> frozenset[str]:
        """Names of the layers that the network can do without."""
        return passed_by(wiring_of(initial_network(self.spec.network)))

    def prune(self) -> tuple[list[Point], DecisionColumns]:
        """Ask the pruner: keep-masks for every point that is measured, and its decisions as columns."""
        spec = self.spec
        if isinstance(spec.settings, Decider):
            points, columns = self._decide(spec.pruner, spec.settings)
            if spec.sparsities is not None:
                points = between_levels(points, columns, spec.sparsities)
            return [points[number] for number in spec.points], columns
        if spec.follow is None:
            sparsities = spec.sparsities or even_steps()
            return self._rank(spec.settings, {number: sparsities[number] for number in spec.points}), {}
        found, _ = self._decide("mipp", spec.follow, counted=False)
        ranked = self._rank(spec.settings, {number: found[number].masks.sparsity for number in spec.points})
        return [replace(point, confidence=found[point.level].confidence) for point in ranked], {}

    def _decide(self, name: str, pruner: Decider, counted: bool = True) -> tuple[list[Point], DecisionColumns]:
        """Ask a pruner that decides, at every confidence."""
        confidences = self.spec.confidences

        def make() -> Outcome:
            points, decisions = decided_points(pruner, self._task(self.model), confidences or schedule())
            return Outcome({"points": rows_of(points), "decisions": decision_columns(tuple(decisions))})

        asked = {"pruner": name, "settings": pruner, "confidences": confidences}
        value = self.stages.remember("prune", {**self.depends_on, **asked}, make, counted).value
        return points_of(value["points"]), value["decisions"]

    def _rank(self, pruner: Ranker, wanted: dict[int, float]) -> list[Point]:
        """Ask a pruner that ranks, at every sparsity."""
        spec, sparsities = self.spec, tuple(wanted.values())
        trains = "training" in pruner.needs

        def make() -> Outcome:
            model = self.initial() if trains else self.model
            masks = pruner.masks(self._task(model), sparsities, spec.selection)
            return Outcome({"masks": [each.to_json() for each in masks]})

        asked = {"pruner": spec.pruner, "settings": pruner, "sparsities": sparsities, "selection": spec.selection}
        found = self.stages.remember("prune", {**self.depends_on, **asked}, make).value["masks"]
        return [Point(number, KeepMasks.from_json(each), None) for number, each in zip(wanted, found, strict=True)]

    def _task(self, model: nn.Module) -> Task:
        network = self.spec.network

        def again(model: nn.Module, report: Report) -> None:
            train(model, self.data.train, network.recipe, seed=network.seed, report=report)

        return Task(model, self._at_hand, network.seed, again, self.report)

    def control(self, name: str, masks: KeepMasks) -> KeepMasks:
        """Choose other units at the same per-layer counts."""
        return control_masks(name, masks, self.model, self._at_hand, self.spec.network.seed)

    def measure(self, masks: KeepMasks) -> Outcome:
        """Cut, count, compare, recalibrate and rebuild.

        Returns:
            ``parameters``, ``macs``, ``cut_difference``, and the accuracies pruned, recalibrated and rebuilt on both
            splits; None for recalibrated where there is no batch normalisation.
        """

        def make() -> Outcome:
            slim = self.cut(masks)
            counts = {"parameters": parameters(slim), "macs": macs(slim, self.data.image_shape)}
            difference = {"cut_difference": self._cut_difference(slim, masks)}
            pruned = self._both(slim, masks, "pruned") | self._recalibrated(deepcopy(slim), masks)
            rebuild(self.model, slim, masks, self.rebuilt_on.images)
            return Outcome({**counts, **difference, **pruned, **self._both(slim, masks, "rebuilt")})

        return self.stages.remember("measure", {**self.depends_on, "masks": bare(masks), "measures": 3}, make)

    def measured(self, masks: KeepMasks) -> Accuracies:
        """Return what ``measure`` finds as accuracies."""
        value = self.measure(masks).value
        return Accuracies(**{name: number for name, number in value.items() if "accuracy" in name})

    def retrain(self, masks: KeepMasks, report: Report) -> Outcome:
        """Retrain the slim network: its weights, ``accuracy`` and ``untrainable``.

        A pruner that rewinds has its network trained from the dense network's initial weights, with its recipe.
        """
        spec = self.spec
        how = spec.network.recipe if spec.settings.rewinds else spec.retraining

        def make() -> Outcome:
            start = self.initial() if spec.settings.rewinds else self.model
            return self._trained(self.cut(masks, start), masks, how, report, "Retraining")

        asked = {**self.depends_on, "masks": bare(masks), "recipe": how}
        return self.stages.remember("retrain", asked | ({"rewound": True} if spec.settings.rewinds else {}), make)

    def scratch(self, masks: KeepMasks, report: Report) -> Outcome:
        """Train a network of the same size from fresh weights."""
        network, how = self.spec.network, self._training

        def make() -> Outcome:
            fresh = reinitialised(self.cut(masks), network.seed + 1)
            return self._trained(fresh, masks, how, report, "Training from scratch")

        return self.stages.remember("scratch", {"network": network, "masks": bare(masks), "recipe": how}, make)

    def reinitialise(self, masks: KeepMasks, report: Report) -> Outcome:
        """Cut the same units out of the dense network with fresh weights and train it.

        Unlike in a network built small, every weight is drawn at the dense network's scale.
        """
        network, how = self.spec.network, self._training

        def make() -> Outcome:
            fresh = initial_network(replace(network, seed=network.seed + 1), self.device)
            return self._trained(self.cut(masks, fresh), masks, how, report, "Training fresh weights")

        return self.stages.remember("reinitialise", {"network": network, "masks": bare(masks), "recipe": how}, make)

    def train_accuracy(self, trained: Outcome, masks: KeepMasks) -> float:
        """Measure a slim network on the training split."""

        def make() -> Outcome:
            slim = self.cut(masks)
            load(slim, trained.tensors or {})
            return Outcome({"accuracy": accuracy(slim, self._seen_in_training, view=masks.blank_pixels)})

        asked = {"network": self.spec.network, "weights": trained.blob, "split": "train"}
        return self.stages.remember("evaluate", asked, make).value["accuracy"]

    @property
    def _training(self) -> Recipe:
        """How a network with fresh weights is trained: as the dense one, or as pruned ones at initialisation are."""
        return self.spec.network.recipe if self.spec.trained else self.spec.retraining

    @property
    def depends_on(self) -> dict[str, Any]:
        """What every stage about the network that is pruned depends on."""
        return {"network": self.spec.network, "trained": self.spec.trained}

    def cut(self, masks: KeepMasks, start: nn.Module | None = None) -> nn.Module:
        """Cut removed units out of the network that is pruned, or out of another of its shape."""
        return shrink(self.model if start is None else start, masks)

    def _both(self, slim: nn.Module, masks: KeepMasks, measure: str) -> dict[str, float]:
        """Measure a slim network on both splits."""
        splits = {"accuracy": self.data.test, "train_accuracy": self._seen_in_training}
        return {f"{name}_{measure}": accuracy(slim, split, view=masks.blank_pixels) for name, split in splits.items()}

    def _recalibrated(self, slim: nn.Module, masks: KeepMasks) -> dict[str, float | None]:
        """Measure a slim network with fresh statistics, on both splits."""
        if recalibrate(slim, masks.blank_pixels(self.rebuilt_on.images)):
            return dict(self._both(slim, masks, "recalibrated"))
        return {"accuracy_recalibrated": None, "train_accuracy_recalibrated": None}

    def _cut_difference(self, slim: nn.Module, masks: KeepMasks) -> float:
        """Compare a slim network with the dense one whose removed units are multiplied by 0."""
        images = self.data.test.take(torch.arange(min(_COMPARE_ON, len(self.data.test)))).in_memory().images
        return cut_difference(self.model, slim, masks, images)

    def _trained(self, slim: nn.Module, masks: KeepMasks, how: Recipe, report: Report, stage: str) -> Outcome:
        """Train a slim network and judge it."""
        seed, view = self.spec.network.seed, masks.blank_pixels
        train(slim, self.data.train, how, seed=seed, report=report, stage=stage, view=view)
        reached = accuracy(slim, self.data.test, view=view)
        value = {"accuracy": reached, "untrainable": is_untrainable(reached, self.data.test)}
        return Outcome(value, slim.state_dict())

"""The stages of an experiment: each asks the store first, and computes only what is not there."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mipp_core.data import Dataset, Split
from mipp_core.evaluation import accuracy, is_untrainable, macs, parameters
from mipp_core.experiments.masking import Point, control_masks, sweep_points
from mipp_core.experiments.networks import initial_network, load_data
from mipp_core.experiments.result import Accuracies, decision_columns
from mipp_core.experiments.spec import RunSpec
from mipp_core.experiments.store import Outcome, Stages
from mipp_core.masks import KeepMasks
from mipp_core.rebuilding import Preactivations, preactivations, rebuild
from mipp_core.surgery import shrink
from mipp_core.training import train
from mipp_core.vocabulary import Report

_REBUILD_ON = 4000  # unlabelled images for the closed form: enough for LeNet5's 400 regressors


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

    def dense(self) -> Outcome:
        """Train the dense network: its weights and ``accuracy``."""
        network = self.spec.network

        def make() -> Outcome:
            model = initial_network(network, self.device)
            words = "Training the dense network"
            train(model, self.data.train, network.recipe, seed=network.seed, report=self.report, stage=words)
            return Outcome({"accuracy": accuracy(model, self.data.test)}, model.state_dict())

        return self.stages.remember("train", {"network": network}, make)

    def start_accuracy(self) -> float:
        """Measure the network that is pruned: the dense one, or the same at initialisation."""
        if self.spec.trained:
            return self.dense().value["accuracy"]

        def make() -> Outcome:
            return Outcome({"accuracy": accuracy(initial_network(self.spec.network, self.device), self.data.test)})

        return self.stages.remember("evaluate", {"network": self.spec.network, "trained": False}, make).value[
            "accuracy"
        ]

    @cached_property
    def model(self) -> nn.Module:
        """The network that is pruned."""
        model = initial_network(self.spec.network, self.device)
        if self.spec.trained:
            model.load_state_dict(self.dense().tensors)
        return model

    @cached_property
    def _wanted(self) -> Preactivations:
        """What rebuilding aims at."""
        return preactivations(self.model, self.data.train.images[:_REBUILD_ON])

    def prune(self) -> tuple[list[Point], dict[str, list[Any]]]:
        """Ask the pruner: keep-masks for every level, and its decisions as columns."""
        spec = self.spec

        def make() -> Outcome:
            points, decisions = sweep_points(spec, self.model, self.data.train, self.report)
            rows = [{"masks": point.masks.to_json(), "confidence": point.confidence} for point in points]
            return Outcome({"points": rows, "decisions": decision_columns(tuple(decisions))})

        asked = {"pruner": spec.pruner, "settings": spec.settings, "confidences": spec.confidences}
        value = self.stages.remember("prune", {**self._network, **asked}, make).value
        points = [Point(KeepMasks.from_json(row["masks"]), row["confidence"]) for row in value["points"]]
        return points, value["decisions"]

    def control(self, name: str, masks: KeepMasks) -> KeepMasks:
        """Choose other units at the same per-layer counts."""
        return control_masks(name, masks, self.model, self.data.train, self.spec.network.seed)

    def measure(self, masks: KeepMasks) -> Outcome:
        """Cut, count and rebuild: ``parameters``, ``macs``, ``accuracy_pruned``, ``accuracy_rebuilt``."""

        def make() -> Outcome:
            slim, test = self._cut(masks), self._seen(self.data.test, masks)
            pruned = accuracy(slim, test)
            rebuild(slim, masks, self.data.train.images[:_REBUILD_ON], self._wanted)
            counts = {"parameters": parameters(slim), "macs": macs(slim, self.data.image_shape)}
            return Outcome({**counts, "accuracy_pruned": pruned, "accuracy_rebuilt": accuracy(slim, test)})

        return self.stages.remember("measure", {**self._network, "masks": _bare(masks)}, make)

    def measured(self, masks: KeepMasks) -> Accuracies:
        """Return what ``measure`` finds as accuracies."""
        value = self.measure(masks).value
        return Accuracies(value["accuracy_pruned"], value["accuracy_rebuilt"])

    def retrain(self, masks: KeepMasks, report: Report) -> Outcome:
        """Retrain the slim network: its weights, ``accuracy`` and ``untrainable``."""
        how, seed = self.spec.retraining, self.spec.network.seed

        def make() -> Outcome:
            slim = self._cut(masks)
            train(slim, self._seen(self.data.train, masks), how, seed=seed, report=report, stage="Retraining")
            return self._judged(slim, masks)

        return self.stages.remember("retrain", {**self._network, "masks": _bare(masks), "recipe": how}, make)

    def scratch(self, masks: KeepMasks, report: Report) -> Outcome:
        """Train a network of the same size from fresh weights, with the dense network's recipe."""
        network = self.spec.network

        def make() -> Outcome:
            _, slim = shrink(self.model, network.architecture, masks)
            fresh = slim.build(network.seed + 1).to(self.device)
            train(fresh, self._seen(self.data.train, masks), network.recipe, seed=network.seed, report=report)
            return self._judged(fresh, masks)

        return self.stages.remember("scratch", {"network": network, "masks": _bare(masks)}, make)

    @property
    def _network(self) -> dict[str, Any]:
        return {"network": self.spec.network, "trained": self.spec.trained}

    def _cut(self, masks: KeepMasks) -> nn.Module:
        return shrink(self.model, self.spec.network.architecture, masks)[0]

    def _seen(self, split: Split, masks: KeepMasks) -> Split:
        """Return the images as the slim network sees them."""
        return Split(masks.blank_pixels(split.images), split.labels)

    def _judged(self, slim: nn.Module, masks: KeepMasks) -> Outcome:
        reached = accuracy(slim, self._seen(self.data.test, masks))
        value = {"accuracy": reached, "untrainable": is_untrainable(reached, self.data.test)}
        return Outcome(value, slim.state_dict())


def _bare(masks: KeepMasks) -> dict[str, list[int]]:
    """Return the kept units as plain JSON."""
    return {name: mask.nonzero().flatten().tolist() for name, mask in masks.items()}

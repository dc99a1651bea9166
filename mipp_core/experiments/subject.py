"""The network that a run prunes: trained, or at initialisation, and measured."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mipp_core.checkpoints.fitting import load
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import cut_exactly
from mipp_core.data import Dataset, Samples, Split
from mipp_core.data.drawing import stratified_index
from mipp_core.evaluation import accuracy
from mipp_core.experiments.networks import given_weights, initial_network, load_data
from mipp_core.network.recording import recorded
from mipp_core.runs.spec import RunSpec
from mipp_core.store import Outcome, Stages
from mipp_core.store.files import Tensors
from mipp_core.training import train
from mipp_core.vocabulary import Report

REBUILD_ON = 4000  # unlabelled images for the closed form: enough for LeNet5's 400 regressors
JUDGE_ON = 10_000  # training images for the accuracy on the training split
_PRUNE_ON = 8_000  # training images at hand for pruners where the split is streamed: as many as MIPP draws by default

_FOLLOWED_ON = 8  # test images on which the graph is compared with the network
_CUT_ON = 2  # test images on which every cut is compared with the masked network; levels are, on more


@dataclass(frozen=True)
class Subject:
    """The network that a run prunes, and its data: what all its stages share.

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
        """The network that is pruned, as a graph that was compared with it on real images."""
        model = self.initial()
        if self.spec.trained:
            load(model, self.dense().tensors or {})
        return self.followed(model)

    def followed(self, model: nn.Module) -> nn.Module:
        """Return a network as a graph that was compared with it on real images; it shares the weights.

        Raises:
            ModelError: it cannot be followed.
        """
        return recorded(model, self.shown(_FOLLOWED_ON))

    def shown(self, count: int) -> Tensor:
        """Return some test images."""
        return self.data.test.take(torch.arange(min(count, len(self.data.test)))).in_memory().images

    @property
    def depends_on(self) -> dict[str, Any]:
        """What every stage about the network that is pruned depends on."""
        return {"network": self.spec.network, "trained": self.spec.trained}

    def cut(self, masks: KeepMasks, start: nn.Module | None = None) -> nn.Module:
        """Cut removed units out of the network that is pruned, or out of another of its shape.

        Raises:
            ModelError: the cut is not exact on a few images.
        """
        return cut_exactly(self.model if start is None else self.followed(start), masks, self.shown(_CUT_ON))

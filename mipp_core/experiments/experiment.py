"""The stages of an experiment: each asks the store first, and computes only what is not there."""

import warnings
from dataclasses import dataclass, replace
from functools import cached_property

from torch import nn

from mipp_core.checkpoints.fitting import load
from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.targets import Target
from mipp_core.errors import SettingError, TargetWarning
from mipp_core.evaluation import accuracy, is_untrainable
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
from mipp_core.experiments.measuring import Measuring
from mipp_core.experiments.networks import initial_network
from mipp_core.pruners import Cmi, Decider, Ranker, Task
from mipp_core.pruners.cmi_trace import Examined, Look
from mipp_core.pruners.reaching import reach
from mipp_core.runs.document import DecisionColumns
from mipp_core.runs.result import decision_columns
from mipp_core.store import Outcome
from mipp_core.training import Recipe, reinitialised, train
from mipp_core.vocabulary import Report


@dataclass(frozen=True)
class Experiment(Measuring):
    """The stages of one run after its network is there: prune, measure, retrain, and the controls."""

    def prune(self) -> tuple[list[Point], DecisionColumns]:
        """Ask the pruner: keep-masks for every point that is measured, and its decisions as columns."""
        spec = self.spec
        asked = [number for number in spec.points if number != spec.own_point]
        if isinstance(spec.settings, Decider):
            meant = spec.settings if spec.targets is None else spec.settings.towards(spec.share_of)
            points, columns = self._decide(spec.pruner, meant)
            if spec.targets is not None:
                points = between_levels(columns, spec.targets, self.counter)
            return [points[number] for number in spec.points], columns
        if spec.follow is None:
            targets = spec.targets or tuple(map(Target, even_steps()))
            return self._with_own(self._rank(spec.settings, {number: targets[number] for number in asked})), {}
        found, _ = self._decide("mipp", spec.follow, counted=False)
        ranked = self._rank(spec.settings, {number: Target(found[number].masks.sparsity) for number in asked})
        confidences = {point.level: point.confidence for point in found}
        return self._with_own([replace(point, confidence=confidences[point.level]) for point in ranked]), {}

    def _decide(self, name: str, pruner: Decider, counted: bool = True) -> tuple[list[Point], DecisionColumns]:
        """Ask a pruner that decides, at every confidence."""
        confidences = self.spec.confidences

        def make() -> Outcome:
            points, decisions = decided_points(pruner, self._task(self.model), confidences or schedule())
            return Outcome({"points": rows_of(points), "decisions": decision_columns(tuple(decisions))})

        asked = {"pruner": name, "settings": pruner, "confidences": confidences}
        value = self.stages.remember("prune", {**self.depends_on, **asked}, make, counted).value
        return points_of(value["points"]), value["decisions"]

    def _rank(self, pruner: Ranker, wanted: dict[int, Target]) -> list[Point]:
        """Ask a pruner that ranks, at every target."""
        spec, targets = self.spec, tuple(wanted.values())
        if not targets:
            return []
        trains = "training" in pruner.needs

        def make() -> Outcome:
            model = self.followed(self.initial()) if trains else self.model
            known = self.examined.scores if self.examined else None
            found = reach(pruner, self._task(model), targets, spec.selection, self.counter, known)
            notes = [each.note for each in found if each.note]
            return Outcome({"masks": [each.masks.to_json() for each in found], "notes": notes})

        shares = {"sparsities": tuple(target.share for target in targets)}
        of = {"share_of": spec.share_of} if spec.share_of != "units" else {}
        asked = {"pruner": spec.pruner, "settings": pruner, "selection": spec.selection, **shares, **of}
        value = self.stages.remember("prune", {**self.depends_on, **asked}, make).value
        for note in value.get("notes", ()):
            warnings.warn(TargetWarning(note), stacklevel=2)
        masks = map(KeepMasks.from_json, value["masks"])
        return [Point(number, each, None) for number, each in zip(wanted, masks, strict=True)]

    @cached_property
    def examined(self) -> Examined | None:
        """What CMI has found; None for other pruners."""
        pruner = self.spec.settings
        if not isinstance(pruner, Cmi):
            return None

        def make() -> Outcome:
            task = self._task(self.model)
            return Outcome(pruner.examine(task.model, task.data, task.seed, task.report).to_json())

        asked = {"pruner": self.spec.pruner, "settings": pruner}
        return Examined.from_json(self.stages.remember("prune", {**self.depends_on, **asked}, make).value)

    def look(self, layer: str) -> Look:
        """Order one layer by itself by CMI, with the run's settings.

        Raises:
            SettingError: the pruner is not CMI, or the layer cannot be pruned.
        """
        pruner = self.spec.settings
        if not isinstance(pruner, Cmi):
            raise SettingError(f"{self.spec.pruner} does not order units by CMI; choose cmi.")

        def make() -> Outcome:
            task = self._task(self.model)
            return Outcome(pruner.look(task.model, task.data, task.seed, layer).to_json())

        asked = {"pruner": self.spec.pruner, "settings": pruner, "look": layer}
        return Look.from_json(self.stages.remember("prune", {**self.depends_on, **asked}, make).value)

    def _with_own(self, asked: list[Point]) -> list[Point]:
        """Put the pruner's own cut, if it is wanted, among the points at which it was asked, by what they remove."""
        spec, pruner = self.spec, self.spec.settings
        if spec.own_point not in spec.points or not isinstance(pruner, Ranker):
            return asked
        if self.examined is None:
            key = {"pruner": spec.pruner, "settings": pruner, "own": True}
            value = self.stages.remember(
                "prune", {**self.depends_on, **key}, lambda: Outcome(pruner.own(self._task(self.model)).to_json())
            ).value
            masks = KeepMasks.from_json(value)
        else:
            masks = self.examined.masks
        return sorted([*asked, Point(spec.own_point, masks, None)], key=lambda point: point.masks.sparsity)

    @cached_property
    def counter(self) -> Counter:
        """Counts what slim networks have."""
        return Counter(self.model, self.spec.network.architecture.image_shape)

    def _task(self, model: nn.Module) -> Task:
        network = self.spec.network

        def again(model: nn.Module, report: Report) -> None:
            train(model, self.data.train, network.recipe, seed=network.seed, report=report)

        return Task(model, self._at_hand, network.seed, again, self.report)

    def control(self, name: str, masks: KeepMasks) -> KeepMasks:
        """Choose other units at the same per-layer counts."""
        return control_masks(name, masks, self.model, self._at_hand, self.spec.network.seed)

    def retrain(self, masks: KeepMasks, report: Report) -> Outcome:
        """Retrain the slim network: its weights, ``accuracy`` and ``untrainable``.

        A pruner that rewinds has its network trained from the dense network's initial weights, with its recipe.
        """
        spec = self.spec
        how = spec.network.recipe if spec.settings.rewinds else spec.retraining

        def make() -> Outcome:
            if self._stays_as_cut:
                return self._judged(self.cut(masks), self.measure(masks).value["accuracy_pruned"])
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
        """Measure a retrained slim network on the training split."""

        def make() -> Outcome:
            if self._stays_as_cut:
                return Outcome({"accuracy": self.seen_in_training(masks).value["train_accuracy_pruned"]})
            slim = self.cut(masks)
            load(slim, trained.tensors or {})
            return Outcome({"accuracy": accuracy(slim, self._seen_in_training, view=masks.blank_pixels)})

        asked = {"network": self.spec.network, "weights": trained.blob, "split": "train"}
        return self.stages.remember("evaluate", asked, make).value["accuracy"]

    @property
    def _stays_as_cut(self) -> bool:
        """Whether slim networks are not retrained at all, so that what ``measure`` found of them still holds."""
        return not self.spec.retraining.epochs and not self.spec.settings.rewinds

    @property
    def _training(self) -> Recipe:
        """How a network with fresh weights is trained: as the dense one, or as pruned ones at initialisation are."""
        return self.spec.network.recipe if self.spec.trained else self.spec.retraining

    def _trained(self, slim: nn.Module, masks: KeepMasks, how: Recipe, report: Report, stage: str) -> Outcome:
        """Train a slim network and judge it."""
        seed, view = self.spec.network.seed, masks.blank_pixels
        train(slim, self.data.train, how, seed=seed, report=report, stage=stage, view=view)
        return self._judged(slim, accuracy(slim, self.data.test, view=view))

    def _judged(self, slim: nn.Module, reached: float) -> Outcome:
        """Return a slim network that was trained, with the test accuracy it has reached."""
        value = {"accuracy": reached, "untrainable": is_untrainable(reached, self.data.test)}
        return Outcome(value, slim.state_dict())

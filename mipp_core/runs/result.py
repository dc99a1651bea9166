"""What a run gives: one document, the same for the page, the command line and Python."""

import platform
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from importlib.metadata import version
from typing import Any, Literal

import torch
from torch import Tensor

from mipp_core.cutting.masks import KeepMasks
from mipp_core.errors import SettingError
from mipp_core.information.terc import Decision, Gain
from mipp_core.runs.document import AccuraciesDocument, DecisionColumns, LevelDocument, RunDocument
from mipp_core.runs.naming import plain
from mipp_core.runs.spec import RunSpec
from mipp_core.vocabulary import INPUT

State = Literal["running", "done", "cancelled", "failed"]


@dataclass(frozen=True)
class Accuracies:
    """Accuracies of one set of units, in [0, 1]; None where not (yet) measured.

    Those on the training split are measured on 10,000 of its images at most, drawn evenly from the classes.

    Attributes:
        accuracy_pruned: right after cutting.
        accuracy_recalibrated: after fresh statistics of the batch normalisations, where there are any.
        accuracy_rebuilt: after the closed-form rebuild.
        accuracy_retrained: after retraining.
    """

    accuracy_pruned: float | None = None
    accuracy_recalibrated: float | None = None
    accuracy_rebuilt: float | None = None
    accuracy_retrained: float | None = None
    train_accuracy_pruned: float | None = None
    train_accuracy_recalibrated: float | None = None
    train_accuracy_rebuilt: float | None = None
    train_accuracy_retrained: float | None = None


@dataclass(frozen=True)
class LayerResult:
    """One layer at one level; the input is a layer when pixels were tested.

    Attributes:
        name: of the layer.
        units, kept: before and after.
        pruning_ratio: units removed / units.
        collapsed: no unit is left and nothing goes round the layer, so that the network is cut through there.
        kept_units: their numbers.
        passed_by: no unit is left, and the stream or another branch goes round the layer.
    """

    name: str
    units: int
    kept: int
    pruning_ratio: float
    collapsed: bool
    kept_units: tuple[int, ...]
    passed_by: bool = False


@dataclass(frozen=True)
class LevelResult(Accuracies):
    """One point of the sweep.

    Attributes:
        level: its number in the sweep, from 0.
        confidence: x in [0.5, 1); None for a pruner that takes a ratio.
        sparsity: units removed / units, pixels apart.
        parameters, macs: of the slim network.
        layers: input to output.
        cut_difference: the largest difference between the outputs of the slim network and of the dense one with removed
            units at 0, relative to the largest output of the latter (at least 1), on 64 test images; None in older
            documents.
        untrainable: still at chance after retraining; None before.
        weights: content name of the retrained slim network's weights in the store; None before.
        controls: what other choices at the same per-layer counts reach.
    """

    level: int = 0
    confidence: float | None = None
    sparsity: float = 0.0
    parameters: int = 0
    macs: int = 0
    layers: tuple[LayerResult, ...] = ()
    cut_difference: float | None = None
    untrainable: bool | None = None
    weights: str | None = None
    controls: dict[str, Accuracies] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """A whole run.

    Attributes:
        spec: what was asked.
        state: how far it got.
        dense_accuracy: of the trained dense network; ``dense_train_accuracy`` on the training split.
        network_accuracy: of the network that was pruned: the same, or the untrained one.
        parameters, macs: of the dense network.
        levels: the points, in order.
        decisions: MIPP's trace as columns, see ``decision_columns``; empty for other pruners.
        orders: what a pruner that cuts by itself has found: ``mipp_core.pruners.cmi_trace.Examined``; else empty.
        seconds: per kind of stage.
        device: where it ran.
        versions: of what it ran on.
        revisions: of the code that made it, see ``mipp_core.runs.revisions``; 1 where an older document has none.
        message: why it failed, for a person.
    """

    spec: RunSpec
    state: State = "running"
    dense_accuracy: float | None = None
    dense_train_accuracy: float | None = None
    network_accuracy: float | None = None
    parameters: int = 0
    macs: int = 0
    levels: tuple[LevelResult, ...] = ()
    decisions: DecisionColumns = field(default_factory=DecisionColumns)
    orders: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    device: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    message: str = ""

    def to_json(self) -> RunDocument:
        """Return the document, with decisions as columns; ``RunResult.from_json`` reads it back."""
        return {
            "spec": self.spec.to_json(),
            "hash": self.spec.hash_under(self.revisions),
            "state": self.state,
            "dense_accuracy": self.dense_accuracy,
            "dense_train_accuracy": self.dense_train_accuracy,
            "network_accuracy": self.network_accuracy,
            "parameters": self.parameters,
            "macs": self.macs,
            "seconds": self.seconds,
            "device": self.device,
            "versions": self.versions,
            "revisions": self.revisions,
            "message": self.message,
            "levels": [plain(level) for level in self.levels],
            "decisions": self.decisions,
            "orders": self.orders,
        }

    @classmethod
    def from_json(cls, document: RunDocument) -> "RunResult":
        """Read what ``to_json`` wrote, in this version or an earlier one; the specification is checked again.

        Raises:
            SettingError: a field is missing, or of the wrong kind.
        """
        spec = RunSpec.from_json(document["spec"])
        given: dict[str, Any] = dict(document)
        try:
            levels = tuple(_level(level) for level in given["levels"])
            known = {each.name: given[each.name] for each in fields(cls) if each.name in given}
            return cls(**{**known, "spec": spec, "levels": levels})
        except (KeyError, TypeError) as problem:
            raise SettingError(f"This run's document cannot be read ({problem}); make the run again.") from problem


def _level(document: dict[str, Any]) -> LevelResult:
    layers = tuple(LayerResult(**{**layer, "kept_units": tuple(layer["kept_units"])}) for layer in document["layers"])
    controls = {name: Accuracies(**values) for name, values in document["controls"].items()}
    return LevelResult(**{**document, "layers": layers, "controls": controls})


def layer_results(masks: KeepMasks, around: Collection[str] = ()) -> tuple[LayerResult, ...]:
    """Describe keep-masks layer by layer.

    Args:
        masks: what was kept.
        around: names of the layers that the network works without, see ``mipp_core.cutting.collapse``.
    """
    return tuple(_layer_result(name, mask, name in around) for name, mask in masks.items())


def _layer_result(name: str, mask: Tensor, has_way_round: bool) -> LayerResult:
    kept = mask.nonzero().flatten().tolist()
    return LayerResult(
        name=name,
        units=len(mask),
        kept=len(kept),
        pruning_ratio=1 - len(kept) / len(mask),
        collapsed=not kept and not has_way_round,
        kept_units=tuple(kept),
        passed_by=not kept and has_way_round,
    )


def entry_of(run: RunDocument, level: int) -> LevelDocument:
    """Return one level of the document by its number; a run may have measured only some."""
    return next(entry for entry in run["levels"] if entry["level"] == level)


def accuracy_of(values: AccuraciesDocument, measure: str, split: Literal["test", "train"] = "test") -> float | None:
    """Return one accuracy of a level or of a control; None where it was not measured.

    Args:
        values: the level's document, or the control's.
        measure: pruned, recalibrated, rebuilt or retrained.
        split: of which images.
    """
    found: Mapping[str, Any] = values
    return found.get(f"{'' if split == 'test' else 'train_'}accuracy_{measure}")


def masks_of(level: LevelDocument) -> KeepMasks:
    """Read the keep-masks back from one level of the document."""
    return KeepMasks.from_json({layer["name"]: layer for layer in level["layers"]})


def collapsed_layers(level: LevelDocument) -> list[str]:
    """Name the network's own layers that have no unit left."""
    return [layer["name"] for layer in level["layers"] if layer["collapsed"] and layer["name"] != INPUT]


def passed_layers(level: LevelDocument) -> list[str]:
    """Name the layers that have no unit left and that the network works without."""
    return [layer["name"] for layer in level["layers"] if layer.get("passed_by")]


def decision_columns(decisions: tuple[Decision, ...]) -> DecisionColumns:
    """Turn the trace into columns, numbers to six significant digits."""
    return {
        "layer": [d.layer for d in decisions],
        "unit": [d.unit for d in decisions],
        "order": [d.order for d in decisions],
        "first_level": [d.first_level for d in decisions],
        "last_level": [d.last_level for d in decisions],
        "removed_from": [d.removed_from for d in decisions],
        "tested_with": [d.tested_with for d in decisions],
        "gains": [[_short(g) for g in d.gain.estimates] if d.gain else None for d in decisions],
        "standard_error": [_short(d.gain.standard_error) if d.gain else None for d in decisions],
        "z": [_short(d.gain.statistic) if d.gain else None for d in decisions],
    }


def decisions_of(columns: DecisionColumns) -> list[Decision]:
    """Read the trace back from its columns."""
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    whole = ("layer", "unit", "order", "first_level", "last_level", "removed_from", "tested_with")
    return [Decision(**{name: row[name] for name in whole}, gain=_gain(row)) for row in rows]


def _gain(row: dict[str, Any]) -> Gain | None:
    return None if row["gains"] is None else Gain(tuple(row["gains"]), row["standard_error"], row["z"])


def _short(value: float) -> float:
    """Six significant digits; JSON has no infinity, so an infinite z becomes ±1e9."""
    return float(f"{max(-1e9, min(1e9, value)):.6g}")


def versions() -> dict[str, str]:
    """Return the versions a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in ("torch", "torchvision")}}


def device_name(device: torch.device) -> str:
    """Return the device in words: ``cpu (2 threads)``, or the name of the GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({torch.get_num_threads()} threads)"

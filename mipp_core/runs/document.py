"""The document of a run as typed dictionaries: what ``run.json``, the store and ``--json`` hold.

``NotRequired`` marks what documents of earlier versions lack.
"""

from typing import Any, NotRequired, TypedDict


class RecipeDocument(TypedDict):
    """A ``mipp_core.recipes.Recipe``."""

    epochs: int
    learning_rate: float
    milestones: list[int]
    batch_size: int
    momentum: float
    weight_decay: float
    augmentation: NotRequired[dict[str, Any] | None]
    scale_penalty: NotRequired[float]


class NetworkDocument(TypedDict):
    """A ``mipp_core.runs.NetworkSpec``."""

    model: str
    dataset: str
    widths: list[int] | None
    deformation: float
    recipe: RecipeDocument
    seed: int
    weights: NotRequired[str | None]
    mean: NotRequired[list[float] | None]
    std: NotRequired[list[float] | None]


class SpecDocument(TypedDict):
    """A ``mipp_core.runs.RunSpec``; the pruner's settings are its own."""

    network: NetworkDocument
    trained: bool
    pruner: str
    settings: dict[str, Any]
    confidences: list[float] | None
    retraining: RecipeDocument
    controls: list[str]
    retrain_controls: bool
    sparsities: NotRequired[list[float] | None]
    follow: NotRequired[dict[str, Any] | None]
    scope: NotRequired[str | None]
    floor: NotRequired[int]
    measured: NotRequired[list[int] | None]
    share_of: NotRequired[str]


class LayerDocument(TypedDict):
    """A ``mipp_core.runs.result.LayerResult``."""

    name: str
    units: int
    kept: int
    pruning_ratio: float
    collapsed: bool
    kept_units: list[int]
    passed_by: NotRequired[bool]


class AccuraciesDocument(TypedDict):
    """A ``mipp_core.runs.result.Accuracies``, in [0, 1]; None where not (yet) measured."""

    accuracy_pruned: float | None
    accuracy_recalibrated: NotRequired[float | None]
    accuracy_rebuilt: float | None
    accuracy_retrained: float | None
    train_accuracy_pruned: NotRequired[float | None]
    train_accuracy_recalibrated: NotRequired[float | None]
    train_accuracy_rebuilt: NotRequired[float | None]
    train_accuracy_retrained: NotRequired[float | None]


class LevelDocument(AccuraciesDocument):
    """A ``mipp_core.runs.result.LevelResult``."""

    level: int
    confidence: float | None
    sparsity: float
    parameters: int
    macs: int
    layers: list[LayerDocument]
    cut_difference: NotRequired[float | None]
    untrainable: bool | None
    weights: NotRequired[str | None]
    controls: dict[str, AccuraciesDocument]


class DecisionColumns(TypedDict, total=False):
    """TERC's trace, one entry of every list per decision; nothing for pruners that rank.

    ``gains``, ``standard_error`` and ``z`` are None where a unit was removed without a test.
    """

    layer: list[str]
    unit: list[int]
    order: list[int]
    first_level: list[int]
    last_level: list[int]
    removed_from: list[int]
    tested_with: list[int]
    gains: list[list[float] | None]
    standard_error: list[float | None]
    z: list[float | None]


class RunDocument(TypedDict):
    """A ``mipp_core.runs.RunResult``."""

    spec: SpecDocument
    hash: str
    state: str
    dense_accuracy: float | None
    dense_train_accuracy: NotRequired[float | None]
    network_accuracy: float | None
    parameters: int
    macs: int
    seconds: dict[str, float]
    device: str
    versions: dict[str, str]
    message: str
    levels: list[LevelDocument]
    decisions: DecisionColumns
    orders: NotRequired[dict[str, Any]]
    revisions: NotRequired[dict[str, int]]

"""What every pruner is: a frozen dataclass of settings that either ranks units or decides which to remove.

Neither kind touches the network: parameters, buffers, gradients, training flags, hooks and the global random state
are bit-identical afterwards.  Randomness comes from the seed passed in.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Scope, Selection
from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.information.terc import Decision
from mipp_core.pruners.settings import require_in_range
from mipp_core.vocabulary import Counted, Report, silent

Need = Literal["data", "labels", "gradients", "activations", "training", "normalisation"]
"""What a pruner uses besides the weights; ``normalisation``: every layer must have one."""

Scores = dict[str, Float[Tensor, " units"]]
"""Layer name -> one score per unit; units with the highest scores are kept."""


def cannot_train(model: nn.Module, report: Report) -> None:
    """Stand in for ``Task.train`` where none is given.

    Raises:
        SettingError: always.
    """
    raise SettingError("This pruner trains the network between its rounds; give the task a function `train`.")


@dataclass(frozen=True)
class Task:
    """What a ranking pruner is given.

    Attributes:
        model: the network to prune; left bit-identical.
        data: the training split, on the network's device.
        seed: the only source of randomness.
        train: trains a network in place, as the dense network is trained, for pruners that need training; the second
            argument receives progress.
        report: receives progress; may raise ``CancelledError``.
    """

    model: nn.Module
    data: Split
    seed: int = 0
    train: Callable[[nn.Module, Report], None] = cannot_train
    report: Report = silent


@dataclass(frozen=True)
class Variant:
    """One line of a comparison: a pruner as it is meant there.

    Attributes:
        settings: those that are not the usual ones.
        scope: how a ratio is spread over the layers; None for the pruner's usual way.
        usual: whether the page Compare shows it unless it is asked for others.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    scope: Scope | None = None
    usual: bool = False


@dataclass(frozen=True)
class Pruner:
    """What both kinds share: what they look at, what they are called, and settings checked against their ranges.

    A setting is a field of the dataclass, made by ``mipp_core.pruners.settings.setting(default, range)``.
    """

    needs: ClassVar[frozenset[Need]] = frozenset()
    reads_neighbour: ClassVar[bool] = False
    """Whether a layer's units are judged by their effect on the next layer."""
    rewinds: ClassVar[bool] = False
    """Whether the pruned network is retrained from the dense network's initial weights."""
    revision: ClassVar[int] = 1
    """Raised when the same settings, network, data and seed give another answer; see ``mipp_core.runs.revisions``."""
    variants: ClassVar[Mapping[str, Variant]] = {}
    """Its lines in a comparison, by the name each has in the literature; by default one, named after the class."""

    def __init_subclass__(cls) -> None:
        if "variants" not in cls.__dict__:
            cls.variants = {cls.__name__: Variant()}

    def __post_init__(self) -> None:
        require_in_range(self)

    @property
    def revisions(self) -> dict[str, int]:
        """The revision of its code."""
        return {f"pruner {type(self).__name__}": self.revision}


@dataclass(frozen=True)
class Ranker(Pruner, ABC):
    """A pruner that scores units; ``mipp_core.cutting.selection`` turns scores into keep-masks."""

    scopes: ClassVar[tuple[Scope, ...]] = ("global", "layer")
    """How a ratio may be spread over the layers; the first is the usual one.

    Over the whole network where scores of all layers are of one kind, such as losses; per layer where they are not,
    such as norms, of which wide layers have smaller or larger ones than narrow layers.
    """
    once_usual: ClassVar[Scope | None] = None
    """The usual scope of the runs whose description names none, where it is another one by now."""

    cuts_itself: ClassVar[bool] = False
    """Whether it has a pruning ratio of its own for each layer, which ``own`` gives."""

    @property
    def scores_once(self) -> bool:
        """Whether all sparsities share one scoring of the whole network, so that units go in one order."""
        return type(self).masks is Ranker.masks

    @property
    def nested(self) -> bool:
        """Whether a higher sparsity removes all that a lower one does, as with scores that are given once."""
        return True

    @abstractmethod
    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Score every unit of every prunable layer.

        Raises:
            ModelError: the pruner needs normalisation, and a layer has none.
        """

    def scored(self, task: Task) -> Scores:
        """Score every unit for a task; a pruner that takes long reports its progress and can be cancelled."""
        return self.scores(task.model, task.data, task.seed)

    def own(self, task: Task) -> KeepMasks:
        """Return the keep-masks of its own ratios, where it has some.

        Raises:
            SettingError: it has none.
        """
        raise SettingError(f"{type(self).__name__} has no ratio of its own; give a share to remove, as sparsity=0.5.")

    def masks(self, task: Task, sparsities: tuple[float, ...], selection: Selection) -> list[KeepMasks]:
        """Return keep-masks for each sparsity: the shares are exact, and the masks nested if the pruner scores once."""
        scores = self.scored(task)
        return [selection.keep(scores, sparsity) for sparsity in sparsities]


@dataclass(frozen=True)
class Decider(Pruner, ABC):
    """A pruner that finds its own pruning ratios from a confidence."""

    def towards(self, of: Counted) -> "Decider":
        """Return the pruner as it is meant where a share of the units, parameters or MACs is asked for."""
        return self

    @abstractmethod
    def decide(
        self, model: nn.Module, data: Split, seed: int, confidences: tuple[float, ...], report: Report
    ) -> list[Decision]:
        """Decide about every unit at every confidence; these are given in ascending order."""

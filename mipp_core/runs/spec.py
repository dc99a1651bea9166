"""A run is a value; its hash is its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from re import fullmatch
from typing import Any

from mipp_core.cutting.selection import Scope, Selection
from mipp_core.cutting.targets import Target
from mipp_core.data import Deformation, Normalisation, card_of
from mipp_core.data.normalisation import given_normalisation
from mipp_core.errors import ModelError, SettingError, UnknownNameError
from mipp_core.information import LEVELS
from mipp_core.models import Architecture, architecture, family
from mipp_core.models.from_torchvision import PRETRAINED_CLASSES
from mipp_core.pruners import PRUNERS, Decider, Mipp, Ranker, kind_of, pruner
from mipp_core.runs.document import NetworkDocument, SpecDocument
from mipp_core.runs.naming import digest, plain
from mipp_core.runs.reading import recipe_of, tuples_in, unreadable
from mipp_core.runs.revisions import STAGES
from mipp_core.training import RECIPES, Recipe
from mipp_core.vocabulary import CONTROLS, COUNTED, Counted


@dataclass(frozen=True)
class NetworkSpec:
    """A dense network and how it is trained.

    Attributes:
        model: the name of a family, see ``mipp_core.models.family``.
        dataset: a name in ``DATASETS``, or that of images of a user's own, see ``mipp_core.data.folder``.
        widths: of the family's layers or stages; None for the published ones.
        deformation: strength in [0, 1]; 0 leaves the images as they are.
        recipe: of its training.
        seed: of its initial weights, its training and the deformation.
        weights: that training starts from: a name of the family's pretrained ones, or the content name of weights that
            somebody brought; None for a fresh initialisation.
        mean, std: that images are normalised with, one number per channel, of pixels in [0, 1]: both, for weights that
            were trained with other statistics than the dataset's; None for the dataset's.

    Raises:
        UnknownNameError, ModelError, SettingError: a value is unknown or out of range.
    """

    model: str = "lenet5"
    dataset: str = "mnist-sample"
    widths: tuple[int, ...] | None = None
    deformation: float = 0.0
    recipe: Recipe = RECIPES["live"]
    seed: int = 0
    weights: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        card_of(self.dataset)
        if not 0 <= self.seed < 2**31:
            raise SettingError(f"The seed {self.seed} is out of range; choose a whole number from 0 to {2**31 - 1}.")
        Deformation(self.deformation)
        _check_weights(self.weights, self.architecture)
        _ = self.own_normalisation

    @classmethod
    def from_json(cls, value: NetworkDocument) -> "NetworkSpec":
        """Read a network's part of what ``RunSpec.to_json`` wrote.

        Raises:
            SettingError: a field is missing, unknown or of the wrong kind.
        """
        try:
            return cls(**{**tuples_in(dict(value)), "recipe": recipe_of(value["recipe"])})
        except (KeyError, TypeError) as problem:
            raise unreadable(problem) from problem

    @property
    def architecture(self) -> Architecture:
        """The dense network's architecture for its dataset."""
        card = card_of(self.dataset)
        return architecture(self.model, card.image_shape, len(card.classes), self.widths)

    @property
    def own_normalisation(self) -> Normalisation | None:
        """What images are normalised with in place of the dataset's statistics; None for those."""
        return given_normalisation(self.mean, self.std, card_of(self.dataset).image_shape[0])

    @property
    def normalisation(self) -> Normalisation:
        """What images are normalised with."""
        return self.own_normalisation or card_of(self.dataset).normalisation

    @property
    def revisions(self) -> dict[str, int]:
        """The revisions of the code that makes the dense network; its recipe has its own."""
        return {
            f"model {self.model}": family(self.model).revision,
            f"dataset {self.dataset}": card_of(self.dataset).revision,
            "stage train": STAGES["train"],
        }


def _check_weights(name: str | None, made: Architecture) -> None:
    known = family(made.family).weights
    if name in known and made.classes != PRETRAINED_CLASSES:
        raise ModelError(
            f"The weights {name} are for {PRETRAINED_CLASSES} classes and this dataset has {made.classes}; choose "
            "imagenet, or leave the weights out."
        )
    if name is not None and name not in known and not fullmatch("[0-9a-f]{64}", name):
        offered = f"it has {' and '.join(known)}" if known else "it has none"
        raise ModelError(f"There are no pretrained weights called {name!r} for {made.family}; {offered}.")


@dataclass(frozen=True)
class RunSpec:
    """One pruning experiment, from the dense network to the retrained ones.

    Attributes:
        network: the dense network.
        trained: prune it after training, or at initialisation.
        pruner: a name in ``PRUNERS``.
        settings: the pruner's own settings.
        confidences: where a pruner that decides is asked, ascending; None for the paper's 20 levels.
        sparsities: where a pruner that ranks is asked, each in [0, 1]; None for 20 even steps, 0 to 0.95.  A pruner
            that decides is then asked at all 20 levels, and its units go in the order in which it gives them up.
        follow: MIPP's settings: the run is asked at the sparsities that MIPP finds with them, level by level.
        scope: how a ratio is spread over the layers; None for the pruner's usual way.  Where that was another one once,
            the scope is written out, so that a description without one still means what it meant.
        floor: units of each layer that a pruner that ranks never removes.
        measured: numbers of the points of the sweep that are cut, measured and retrained; None for all.  A pruner that
            cuts by itself has one more point, see ``own_point``.
        share_of: what the sparsities are shares of: the units, or the whole network's parameters or MACs.
        retraining: recipe of the pruned networks; at initialisation it is their training.
        controls: names in ``CONTROLS``.
        retrain_controls: retrain the controls too (``scratch`` always is).

    Raises:
        UnknownNameError, SettingError: a value is unknown or out of range.
    """

    network: NetworkSpec = field(default_factory=NetworkSpec)
    trained: bool = True
    pruner: str = "mipp"
    settings: Ranker | Decider = field(default_factory=Mipp)
    confidences: tuple[float, ...] | None = None
    retraining: Recipe = RECIPES["live-retrain"]
    controls: tuple[str, ...] = ()
    retrain_controls: bool = False
    sparsities: tuple[float, ...] | None = None
    follow: Mipp | None = None
    scope: Scope | None = None
    floor: int = 0
    measured: tuple[int, ...] | None = None
    share_of: Counted = "units"

    def __post_init__(self) -> None:
        if type(self.settings) is not kind_of(self.pruner):
            raise SettingError(f"The settings {self.settings} are not those of {self.pruner}; use that pruner's class.")
        if self.scope is None and isinstance(self.settings, Ranker) and self.settings.once_usual is not None:
            object.__setattr__(self, "scope", self.settings.scopes[0])
        self._check_targets()
        self._check_scope()
        if not self.trained and "training" in self.settings.needs:
            raise SettingError(f"The pruner {self.pruner} trains the network; it cannot prune it at initialisation.")
        for control in self.controls:
            if control not in CONTROLS:
                raise UnknownNameError("control", control, CONTROLS)

    def _check_targets(self) -> None:
        decides = isinstance(self.settings, Decider)
        if self.confidences is not None and not decides and self.follow is None:
            raise SettingError(f"The pruner {self.pruner} ranks units: it has no confidence; leave the confidence out.")
        if self.share_of not in COUNTED:
            raise UnknownNameError("thing to take a share of", self.share_of, COUNTED)
        if self.share_of != "units" and self.sparsities is None:
            raise SettingError(f"A share of the {COUNTED[self.share_of]} needs sparsities; give at least one, as 0.5.")
        if self.follow is not None and (decides or self.sparsities is not None):
            raise SettingError("Only a pruner that ranks, and has no sparsities of its own, can follow MIPP's ratios.")
        if self.sparsities is not None and (not self.sparsities or not all(0 <= s <= 1 for s in self.sparsities)):
            raise SettingError(f"The sparsities {self.sparsities} are not all in [0, 1]; give at least one, as 0.5.")
        points = self._count
        if self.measured is not None and not (self.measured and all(0 <= n < points for n in self.measured)):
            raise SettingError(f"The points {list(self.measured)} are not all in this sweep; it has 0 to {points - 1}.")
        if decides and self.sparsities is not None and self.confidences is not None:
            raise SettingError("Give confidences or sparsities, not both.")

    def _check_scope(self) -> None:
        if isinstance(self.settings, Decider):
            if self.scope is not None or self.floor:
                raise SettingError(f"The pruner {self.pruner} finds its own ratios; leave scope and floor out.")
        elif self.scope is not None and self.scope not in self.settings.scopes:
            known = " or ".join(self.settings.scopes)
            raise SettingError(f"The pruner {self.pruner} cannot prune with scope {self.scope}; choose {known}.")
        _ = self.selection

    @property
    def points(self) -> tuple[int, ...]:
        """Numbers of the points that are measured, ascending."""
        return tuple(range(self._count)) if self.measured is None else tuple(sorted(set(self.measured)))

    @property
    def own_point(self) -> int | None:
        """The number of the point at which a pruner that cuts by itself has its own ratios: after all that is asked.

        None for other pruners, and where sparsities are given.
        """
        cuts_itself = isinstance(self.settings, Ranker) and self.settings.cuts_itself
        return self._asked if cuts_itself and self.sparsities is None else None

    @property
    def _asked(self) -> int:
        return len(self.sparsities or self.confidences or range(LEVELS))

    @property
    def _count(self) -> int:
        return self._asked + (self.own_point is not None)

    @property
    def targets(self) -> tuple[Target, ...] | None:
        """What the sparsities ask for; None where there are none."""
        return None if self.sparsities is None else tuple(Target(share, self.share_of) for share in self.sparsities)

    @property
    def neutral(self) -> dict[str, Any]:
        """The scope that names leave out, where descriptions without one mean another than the usual one."""
        once = self.settings.once_usual if isinstance(self.settings, Ranker) else None
        return {} if once is None else {"scope": once}

    @property
    def selection(self) -> Selection:
        """How scores and a sparsity become keep-masks."""
        usual: Scope = "global" if isinstance(self.settings, Decider) else self.settings.scopes[0]
        return Selection(self.scope or usual, self.floor)

    @property
    def revisions(self) -> dict[str, int]:
        """The revisions of the code that the run asks for besides its network's, its pruners' and its recipes'."""
        stages = {f"stage {kind}": number for kind, number in STAGES.items() if kind != "train"}
        controls = [PRUNERS[name] for name in self.controls if name in PRUNERS]
        return stages | {"selection": Selection.revision} | {f"pruner {c.__name__}": c.revision for c in controls}

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that name the run; see ``digest``."""
        return digest(self)

    def hash_under(self, revisions: Mapping[str, int]) -> str:
        """Return the name that the run had when code had these revisions."""
        return digest(self, revisions)

    def to_json(self) -> SpecDocument:
        """Return every field as plain JSON; ``RunSpec.from_json`` reads it back."""
        return plain(self)

    @classmethod
    def from_json(cls, value: SpecDocument) -> "RunSpec":
        """Read what ``to_json`` wrote; every value is checked again.

        Raises:
            SettingError: a field is missing, unknown or of the wrong kind.
        """
        try:
            settings = pruner(value["pruner"], **tuples_in(value["settings"]))
            rest = tuples_in({key: value[key] for key in ("trained", "pruner", "confidences", "controls")})
            given: dict[str, Any] = dict(value)
            rest |= tuples_in({key: given[key] for key in _ADDED if key in given})
            if rest.get("scope") is None and isinstance(settings, Ranker):
                rest["scope"] = settings.once_usual
            if (follow := value.get("follow")) is not None:
                rest["follow"] = Mipp(**tuples_in(follow))
            return cls(
                network=NetworkSpec.from_json(value["network"]),
                settings=settings,
                retraining=recipe_of(value["retraining"]),
                retrain_controls=value["retrain_controls"],
                **rest,
            )
        except (KeyError, TypeError) as problem:
            raise unreadable(problem) from problem


_ADDED = ("sparsities", "scope", "floor", "measured", "share_of")
"""Fields that descriptions of the first version lack."""

"""A sweep over many runs: every combination of the values given, from flags or from a TOML file."""

import tomllib
from dataclasses import dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Any, cast

from mipp_core.cutting.selection import Scope, Selection
from mipp_core.data import card_of, is_own
from mipp_core.errors import SettingError
from mipp_core.information import LEVELS, confidence_of, fine_schedule
from mipp_core.pruners import Decider, Mipp
from mipp_core.pruners import pruner as make_pruner
from mipp_core.runs.spec import NetworkSpec, RunSpec
from mipp_core.training import RECIPES, Recipe, recipe
from mipp_core.vocabulary import Counted


@dataclass(frozen=True)
class Grid:
    """The axes of a sweep and what its cells share.

    In a file each field is a key of the table ``[grid]``, a value or a list, and ``[settings.NAME]`` holds the
    settings of the pruner NAME:

        [grid]
        model = ["lenet5", "mlp"]
        pruner = ["mipp", "random"]
        seed = [0, 1, 2]

        [settings.mipp]
        members = 5

    Attributes:
        model, dataset, pruner, seed, trained, deformation: the axes; each has at least one value.
        widths: of the family's layers or stages; empty for the published ones.
        weights: that dense networks start from, see ``NetworkSpec``; empty for fresh ones.
        mean, std: that images are normalised with, one number per channel; empty for the dataset's.
        levels: of the paper's schedule, for pruners that decide; empty for all 20.
        fine: ask at confidences between the schedule's, too, so that no step is large.
        sparsities: where pruners are asked, each in [0, 1]; empty for their usual points.
        share_of: what these are shares of: units, parameters or macs.
        follow: pruners that rank are asked at the sparsities that MIPP finds, with MIPP's settings given here.
        scope: how pruners that rank spread a ratio over the layers; empty for their usual way.
        floor: units of each layer that they never remove.
        measure: numbers of the points that are cut, measured and retrained; empty for all.
        recipe: how dense networks are trained; empty for the usual one, see ``usual_recipes``.
        retrain_recipe: how pruned networks are; empty for the usual one.
        controls: names of controls.
        retrain_controls: retrain the controls too.
        settings: pruner -> its settings.

    Raises:
        SettingError, UnknownNameError: a value is unknown or out of range.
    """

    model: tuple[str, ...] = ("lenet5",)
    dataset: tuple[str, ...] = ("mnist-sample",)
    pruner: tuple[str, ...] = ("mipp",)
    seed: tuple[int, ...] = (0,)
    trained: tuple[bool, ...] = (True,)
    deformation: tuple[float, ...] = (0.0,)
    widths: tuple[int, ...] = ()
    weights: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    levels: tuple[int, ...] = ()
    fine: bool = False
    sparsities: tuple[float, ...] = ()
    share_of: str = "units"
    follow: bool = False
    scope: str = ""
    floor: int = 0
    measure: tuple[int, ...] = ()
    recipe: str = ""
    retrain_recipe: str = ""
    controls: tuple[str, ...] = ()
    retrain_controls: bool = False
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for axis in AXES:
            if not getattr(self, axis):
                raise SettingError(f"The axis {axis} of the sweep is empty; give it at least one value.")
        if self.fine and self.levels:
            raise SettingError("fine and levels exclude each other: a fine schedule has all levels and more.")
        for level in self.levels:
            if not 0 <= level < LEVELS:
                raise SettingError(f"The level {level} is outside the schedule; choose from 0 to {LEVELS - 1}.")
        stray = self.settings.keys() - set(self.pruner) - ({"mipp"} if self.follow else set())
        if stray:
            raise SettingError(f"There are settings for {', '.join(sorted(stray))}, which the sweep does not use.")

    @classmethod
    def read(cls, path: Path) -> "Grid":
        """Read a grid from a TOML file.

        Raises:
            SettingError: the file is missing, is not TOML, or has an unknown key or a value of the wrong kind.
        """
        try:
            read = tomllib.loads(path.read_text())
        except OSError as problem:
            raise SettingError(
                f"{path} cannot be read ({problem.strerror}); give the path of a TOML file."
            ) from problem
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise SettingError(f"{path} is not TOML ({problem}); see `sweep --help` for an example.") from problem
        values, settings = read.pop("grid", {}), read.pop("settings", {})
        unknown = [*read, *(values.keys() - {f.name for f in fields(cls) if f.name != "settings"})]
        if unknown:
            known = ", ".join(f.name for f in fields(cls) if f.name != "settings")
            raise SettingError(f"{path} has an unknown entry {unknown[0]!r}; [grid] may have: {known}.")
        return cls(settings={name: _tuples(own) for name, own in settings.items()}, **_axes(values))

    def cells(self) -> list[RunSpec]:
        """Return the specification of every run, the first axis changing slowest."""
        combinations = product(*(getattr(self, axis) for axis in AXES))
        return [self._cell(**dict(zip(AXES, values, strict=True))) for values in combinations]

    def _cell(self, model: str, dataset: str, pruner: str, trained: bool, deformation: float, seed: int) -> RunSpec:
        training, again = usual_recipes(dataset)
        network = NetworkSpec(
            model,
            dataset,
            self.widths or None,
            deformation,
            recipe(self.recipe) if self.recipe else training,
            seed,
            self.weights or None,
            self.mean or None,
            self.std or None,
        )
        settings = make_pruner(pruner, **self.settings.get(pruner, {}))
        retraining = again if trained else network.recipe
        decides = isinstance(settings, Decider)
        follows = self.follow and not decides
        return RunSpec(
            network=network,
            trained=trained,
            pruner=pruner,
            settings=settings,
            confidences=self._confidences if decides or follows else None,
            sparsities=self.sparsities or None,
            share_of=cast("Counted", self.share_of),
            follow=Mipp(**self.settings.get("mipp", {})) if follows else None,
            scope=None if decides else self._scope,
            floor=0 if decides else self.floor,
            measured=self.measure or None,
            retraining=recipe(self.retrain_recipe) if self.retrain_recipe else retraining,
            controls=self.controls,
            retrain_controls=self.retrain_controls,
        )

    @property
    def _scope(self) -> Scope | None:
        return Selection(cast("Scope", self.scope)).scope if self.scope else None

    @property
    def _confidences(self) -> tuple[float, ...] | None:
        if self.fine:
            return fine_schedule()
        return tuple(confidence_of(level) for level in sorted(set(self.levels))) or None


def usual_recipes(dataset: str) -> tuple[Recipe, Recipe]:
    """Return how dense networks are trained and pruned ones retrained where nobody says how.

    Images of a user's own have recipes that suit their number; all others have ``live``, whatever suits them.
    """
    return card_of(dataset).recipes.live_pair() if is_own(dataset) else (RECIPES["live"], RECIPES["live-retrain"])


AXES = ("model", "dataset", "pruner", "trained", "deformation", "seed")
"""The fields of a grid that may have several values."""

_KINDS: dict[str, type] = {
    **dict.fromkeys(("widths", "levels", "measure"), int),
    **dict.fromkeys(("sparsities", "mean", "std"), float),
    "controls": str,
}
"""Of the fields that are empty by default."""


def _axes(values: dict[str, Any]) -> dict[str, Any]:
    """Turn the values of a file into fields, checking kinds, since a file may hold anything."""
    return {name: _field(name, value) for name, value in values.items()}


def _field(name: str, value: Any) -> Any:
    default = next(f.default for f in fields(Grid) if f.name == name)
    several = isinstance(default, tuple)
    items = value if several and isinstance(value, list) else [value]
    kind = _KINDS.get(name) or type(default[0] if isinstance(default, tuple) else default)
    if any(type(item) is not kind and not (kind is float and type(item) is int) for item in items):
        raise SettingError(f"The entry {name} = {value!r} is of the wrong kind; it takes {kind.__name__} values.")
    return tuple(map(kind, items)) if several else value


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}

"""Which slim network a command is about: one in a folder, or one point of a run."""

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from mipp_core.errors import DataError, SettingError
from mipp_core.experiments.remaking import remade
from mipp_core.models import Architecture, load_file
from mipp_core.reports.archive import load_run, load_slim, save_slim, slim_description, slim_network, slim_weights
from mipp_core.reports.tables import Measure, measures_of
from mipp_core.runs import RunSpec, masks_of
from mipp_core.runs.document import LevelDocument, RunDocument
from mipp_core.store import Store
from mipp_core.store.files import Tensors, read_json
from mipp_core.vocabulary import COUNTED


@dataclass(frozen=True)
class Slim:
    """A slim network and where files about it go.

    Attributes:
        description: what ``slim.json`` holds.
        weights: None where they are in the folder already.
        folder: beside the network, or one named after the run and the point.
    """

    description: dict[str, Any]
    weights: Tensors | None
    folder: Path

    @property
    def dense(self) -> Architecture:
        """What it was cut from."""
        return Architecture.from_json(self.description["architecture"])

    def load(self) -> nn.Module:
        """Return the network.

        Raises:
            DataError, ModelError: its weights are missing, or do not fit.
        """
        return load_slim(self.folder) if self.weights is None else slim_network(self.description, self.weights)

    def save(self, folder: Path) -> None:
        """Write ``slim.json`` and ``slim.safetensors`` for a point of a run."""
        if self.weights is not None:
            save_slim(folder, self.description, self.weights)


def slim_of(chosen: Namespace) -> Slim:
    """Return the slim network that was named.

    Raises:
        DataError: the folder holds none, or its weights are gone.
        SettingError: no run has this name, or the run has no such point or several.
    """
    if chosen.model:
        load_file(chosen.model)  # run only because the user named it
    folder = Path(chosen.network)
    description = read_json(folder / "slim.json")
    if description is not None and not _asks(chosen):
        return Slim(description, None, folder)
    run = load_run(folder)
    if run is not None:
        return _whole_point(chosen, run, folder)
    if description is not None:
        raise SettingError(
            f"{folder} holds one slim network and no run: nothing can be chosen, so leave --level and the like out."
        )
    if folder.is_dir():
        raise DataError(
            f"{folder} holds no run and no slim.json that says what was pruned; give a folder that "
            "prune --save-dir or sweep --save-dir wrote, or one with both files of a slim network from the page."
        )
    return _whole_point(chosen, _stored(chosen), None)


def _asks(chosen: Namespace) -> bool:
    ways = (chosen.level, chosen.confidence, chosen.sparsity, chosen.parameters, chosen.macs, chosen.weights)
    return any(way is not None for way in ways)


def _stored(chosen: Namespace) -> RunDocument:
    runs, name = Store.at(chosen.store).runs, chosen.network
    matching = [job for job in runs.list() if name and job.hash.startswith(name)]
    if len(matching) != 1:
        problem = "is no folder, and no run's hash begins with it" if not matching else "begins several runs' hashes"
        raise SettingError(f"{name!r} {problem}; see: runs list.")
    document = runs.document(matching[0].hash)
    if document is None:
        raise DataError(f"The run {matching[0].hash} has no result yet; wait for it, or look at: runs show {name}.")
    return document


def _whole_point(chosen: Namespace, run: RunDocument, folder: Path | None) -> Slim:
    try:
        return _point(chosen, run, folder)
    except (KeyError, TypeError, IndexError, AttributeError, ArithmeticError) as problem:
        raise DataError(f"The document of this run is damaged ({problem!r}); export the run again.") from problem


def _point(chosen: Namespace, run: RunDocument, folder: Path | None) -> Slim:
    entry, measure = _entry(chosen, run), _measure(chosen, run)
    weights = _weights(chosen, run, entry, measure, folder)
    name = f"level-{entry['level']}" + (f"-{measure}" if measure != "retrained" else "")
    place = Path(f"mipp-{run['hash']}-{name}") if folder is None else folder / name
    return Slim(slim_description(run, entry["level"], measure), weights, place)


def _measure(chosen: Namespace, run: RunDocument) -> Measure:
    known, wanted = measures_of(run), chosen.weights or "retrained"
    for measure in known:
        if measure == wanted:
            return measure
    raise SettingError(f"The run {run['hash']} has no {wanted} weights; choose one of: {', '.join(known)}.")


def _entry(chosen: Namespace, run: RunDocument) -> LevelDocument:
    """Return the point that was asked for; the only one if nothing was."""
    fits = [_fits(chosen, run, entry) for entry in run["levels"]]
    found = [entry for entry, each in zip(run["levels"], fits, strict=True) if all(each)]
    if len(found) == 1:
        return found[0]
    asked = any(fits)
    which = "several such points" if asked and found else "no such point" if asked else f"{len(found)} points"
    raise SettingError(f"The run {run['hash']} has {which}; choose one with --level N or --sparsity X: {_listed(run)}.")


def _fits(chosen: Namespace, run: RunDocument, entry: LevelDocument) -> list[bool]:
    """Tell whether a point is what was asked for, for every way in which it was."""
    fits = [] if chosen.level is None else [entry["level"] == chosen.level]
    if chosen.confidence is not None:
        fits.append(entry["confidence"] is not None and abs(entry["confidence"] - chosen.confidence) < _ALIKE)
    gone, asked = _gone(run, entry), _asked(run, entry)
    for of, share in {"units": chosen.sparsity, "parameters": chosen.parameters, "macs": chosen.macs}.items():
        if share is not None:
            fits.append(abs(gone[of] - share) < _SHOWN or (of in asked and abs(asked[of] - share) < _ALIKE))
    return fits


_ALIKE = 1e-7
"""Of numbers that were written down."""

_SHOWN = 0.0005
"""Of shares that are shown with three digits."""


def _gone(run: RunDocument, entry: LevelDocument) -> dict[str, float]:
    parameters, macs = 1 - entry["parameters"] / run["parameters"], 1 - entry["macs"] / run["macs"]
    return {"units": entry["sparsity"], "parameters": parameters, "macs": macs}


def _asked(run: RunDocument, entry: LevelDocument) -> dict[str, float]:
    shares = run["spec"].get("sparsities")
    return {run["spec"].get("share_of", "units"): shares[entry["level"]]} if shares else {}


def _listed(run: RunDocument) -> str:
    of = run["spec"].get("share_of", "units")
    gone = [f"{entry['level']} ({_gone(run, entry)[of]:.1%})" for entry in run["levels"]]
    words = next(word for name, word in COUNTED.items() if name == of)
    return f"{', '.join(gone)} of the {words} removed" if gone else "none is measured yet"


def _weights(
    chosen: Namespace, run: RunDocument, entry: LevelDocument, measure: Measure, folder: Path | None
) -> Tensors:
    store = Store.at(chosen.store)
    if measure != "retrained":
        spec = RunSpec.from_json(run["spec"])
        return remade(spec, masks_of(entry), measure, store, data_dir=chosen.data_dir)
    found = slim_weights(folder, entry["level"]) if folder else None
    blob = entry.get("weights")
    found = found or (store.blobs.get(blob) if blob else None)
    if found is None:
        raise DataError(
            f"The retrained weights of level {entry['level']} of the run {run['hash']} are not here; wait until it is "
            "done, or make the run again."
        )
    return found

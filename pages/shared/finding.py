"""Find the run that the controls describe: shipped with the package, or in the store."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st
from torch import Tensor

from mipp_core.errors import DataError
from mipp_core.experiments.remaking import dense_weights
from mipp_core.reports.archive import has_weights, load_run, shipped_documents, shipped_runs, slim_weights
from mipp_core.reports.networks import shipped_dense
from mipp_core.reports.tables import headline
from mipp_core.runs import RunSpec, entry_of
from mipp_core.runs.document import RunDocument
from mipp_core.store import Job, Store

SEEDS = 5
"""Seeds that are looked for, to show how far a result depends on them."""


@dataclass(frozen=True)
class Found:
    """A run that can be shown.

    Attributes:
        document: the result as far as it has got.
        folder: where a shipped run with weights is; None for any other.
        is_shipped: whether it came with the package.
    """

    document: RunDocument
    folder: Path | None = None
    is_shipped: bool = False

    def has_weights(self, level: int) -> bool:
        """Tell whether a level's slim network is kept."""
        if self.folder is not None:
            return has_weights(self.folder)
        blob = entry_of(self.document, level)["weights"]
        return blob is not None and store().blobs.path(blob).exists()

    def weights(self, level: int) -> dict[str, Tensor]:
        """Return a level's slim network."""
        if self.folder is not None:
            return slim_weights(self.folder, level) or {}
        blob = entry_of(self.document, level)["weights"]
        return {} if blob is None else store().blobs.get(blob) or {}

    def dense(self) -> dict[str, Tensor]:
        """Return the trained dense network's weights; empty where they are not kept."""
        spec = RunSpec.from_json(self.document["spec"])
        return (shipped_dense(spec.network) if self.is_shipped else dense_weights(spec, store())) or {}


@st.cache_resource(show_spinner=False, max_entries=4)
def _store(root: str) -> Store:
    return Store(Path(root))


def store() -> Store:
    """Return the per-user store."""
    return _store(str(Store.at().root))


def bare(spec: RunSpec) -> RunSpec:
    """Return the run without its controls, which decide nothing about it."""
    return replace(spec, controls=(), retrain_controls=False)


@st.cache_data(show_spinner=False, max_entries=32)
def _read(root: str, name: str, changed: float) -> RunDocument | None:
    return _store(root).runs.document(name)


@st.cache_data(show_spinner=False, max_entries=4096)
def _sum_up(root: str, name: str, changed: float, shipped: str | None) -> dict[str, Any] | None:
    document = load_run(Path(shipped)) if shipped else _store(root).runs.document(name)
    return {**headline(document), "device": document["device"]} if document and document["levels"] else None


@st.cache_data(show_spinner=False, max_entries=16)
def _unpack(folder: str) -> RunDocument | None:
    return load_run(Path(folder))


@st.cache_data(show_spinner=False, max_entries=1)
def _shipped() -> dict[str, str]:
    """Map the hash of each shipped run, controls apart, to its folder."""
    found = {}
    for folder in shipped_runs():
        document = load_run(folder)
        if document is None:
            raise DataError(f"The shipped run {folder.name} is damaged; install the package again.")
        found[bare(RunSpec.from_json(document["spec"])).hash_under(document.get("revisions", {}))] = str(folder)
    return found


@st.cache_resource(show_spinner=False)
def _comparisons() -> Mapping[str, RunDocument]:
    """Map the hash of each run of the shipped comparisons to its document, which all visitors share."""
    return MappingProxyType({run["hash"]: run for run in shipped_documents()})


@st.cache_data(show_spinner=False, max_entries=256)
def _compared(name: str) -> RunDocument:
    """Return a document of the shipped comparisons, a copy for each visitor."""
    return _comparisons()[name]


@st.cache_data(show_spinner=False, max_entries=1)
def _shipped_names() -> dict[str, str]:
    """Map the name of each shipped run to its folder."""
    documents = {folder: _unpack(folder) for folder in _shipped().values()}
    return {document["hash"]: folder for folder, document in documents.items() if document}


def shipped_name(folder: str) -> str:
    """Return the name of the run that ships in a folder."""
    return next(name for name, path in _shipped_names().items() if Path(path).name == folder)


def is_shipped(spec: RunSpec) -> bool:
    """Tell whether the package has a run of these settings."""
    return bare(spec).hash in _shipped()


def shipped() -> list[RunDocument]:
    """Return the shipped runs that have weights."""
    return [document for folder in _shipped_names().values() if (document := _unpack(folder))]


def find(spec: RunSpec) -> Found | None:
    """Return a run that has something to show."""
    shipped = _shipped().get(bare(spec).hash)
    document = _unpack(shipped) if shipped else None
    if shipped and document:
        return Found(document, Path(shipped), is_shipped=True)
    return find_named(spec.hash)


def find_named(name: str) -> Found | None:
    """Return a shipped run, or one of the store that has something to show, by its name."""
    folder = _shipped_names().get(name)
    if folder and (document := _unpack(folder)):
        return Found(document, Path(folder), is_shipped=True)
    if name in _comparisons():
        return Found(_compared(name), is_shipped=True)
    job = store().runs.look(name)
    if job is None or not job.changed_at:
        return None
    document = _read(str(store().root), name, job.changed_at)
    return Found(document) if document and document["levels"] else None


def figures(spec: RunSpec, job: Job) -> dict[str, Any] | None:
    """Return the headline figures and the device of a run that has something to show."""
    return _sum_up(str(store().root), job.hash, job.changed_at, _shipped().get(bare(spec).hash))


def by_name(name: str) -> RunSpec | None:
    """Return the specification of a run in the store or of one that is shipped; None if there is none.

    Raises:
        MippError: it cannot be read: another version wrote it, or it is about a Python file.
    """
    if name in _shipped_names() and (document := _unpack(_shipped_names()[name])):
        return RunSpec.from_json(document["spec"])
    if name in _comparisons():
        return RunSpec.from_json(_comparisons()[name]["spec"])
    job = store().runs.look(name)
    return RunSpec.from_json(job.spec) if job else None


def whole(spec: RunSpec) -> str | None:
    """Return the name of the run that has every level of one that has some, as Explore asks for it, if there is one."""
    if spec.measured is None:
        return None
    found = find(replace(spec, measured=None, controls=("random", "magnitude"), retrain_controls=False))
    return found.document["hash"] if found and found.document["state"] == "done" else None


def other_seeds(spec: RunSpec) -> list[RunDocument]:
    """Return the finished runs that differ from this one in nothing but a seed below ``SEEDS``."""
    alike = (replace(spec, network=replace(spec.network, seed=seed)) for seed in range(SEEDS))
    found = (find(other) for other in alike if other != spec)
    return [run.document for run in found if run and run.document["state"] == "done"]

"""Finding the run that belongs to the controls: shipped with the package, or in the store."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from mipp_core.experiments import RunSpec, Store
from mipp_core.experiments.archive import load_run, shipped_runs

SEEDS = 5
"""Seeds that are looked for, to show how far a result depends on them."""


def store() -> Store:
    """Return the per-user store."""
    return Store.at()


def bare(spec: RunSpec) -> RunSpec:
    """Return the run without its controls, which decide nothing about it."""
    return replace(spec, controls=(), retrain_controls=False)


@st.cache_data(show_spinner=False, max_entries=32)
def _read(folder: str, _changed: float) -> dict[str, Any] | None:
    return load_run(Path(folder))


@st.cache_data(show_spinner=False, max_entries=1)
def _shipped() -> dict[str, str]:
    """Map the hash of each shipped run, controls apart, to its folder."""
    found = {}
    for folder in shipped_runs():
        document = load_run(folder)
        found[bare(RunSpec.from_json(document["spec"])).hash] = str(folder)
    return found


def find(spec: RunSpec) -> tuple[Path, dict[str, Any] | None]:
    """Return the folder and the document of a run; no document when nobody has run it."""
    shipped = _shipped().get(bare(spec).hash)
    folder = Path(shipped) if shipped else store().run(spec.hash)
    try:
        changed = max(path.stat().st_mtime for path in folder.glob("run.json*"))
    except ValueError:
        return folder, None
    return folder, _read(str(folder), changed)


def other_seeds(spec: RunSpec) -> list[dict[str, Any]]:
    """Return the finished runs that differ from this one in nothing but a seed below ``SEEDS``."""
    alike = (replace(spec, network=replace(spec.network, seed=seed)) for seed in range(SEEDS))
    found = (find(other)[1] for other in alike if other != spec)
    return [document for document in found if document and document["state"] == "done"]


def is_shipped(folder: Path) -> bool:
    """Tell whether a run came with the package."""
    return str(folder) in _shipped().values()

"""Explore while there is nothing yet for the chosen settings: the last result, greyed, the runs nearest to them, and
runs that start at once."""

from collections.abc import Iterator
from itertools import islice
from types import MappingProxyType
from typing import Any

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.pruners import Decider
from mipp_core.reports.level_words import called
from mipp_core.reports.living import deciding
from mipp_core.runs import RunSpec
from pages.explore import levels, panels
from pages.shared import at_once, live, living_view
from pages.shared.chips import chips, method_of
from pages.shared.finding import find_named, shipped, store

_LOOK = 0.5
"""Seconds between looks at what is decided."""

NEAREST = 3
"""Runs that are offered."""

_LOOKED_AT = 100
"""Runs of the store that are compared with the settings, the latest first."""


def show(spec: RunSpec) -> None:
    """Draw what there is instead: the last result, greyed, or the nearest runs."""
    name = at_once.last_shown("explore")
    last = find_named(name) if name else None
    words, line = live.waiting_words(spec), st.empty()
    if live.goes_on(spec) and isinstance(spec.settings, Decider) and (last is None or not at_once.is_short(spec)):
        _falling(spec)
        st.caption(words)
        return
    if not live.goes_on(spec):
        _offer(spec, name)
    if last is None:
        line.info(words, icon=":material/info:")
        return
    old = RunSpec.from_json(last.document["spec"])
    with at_once.greyed():
        level = levels.chosen(last.document)
        panels.overview(last, level)
    where = f"{method_of(old)}, {_named(old)}, {called(last.document, level)}"
    line.warning(f"**This is still {where}.** {words}", icon=":material/history:")


@st.fragment(run_every=_LOOK)
def _falling(spec: RunSpec) -> None:
    """Draw the network while its units are being decided: they fall one by one."""
    job = store().runs.look(spec.hash)
    stage = job.stage if job and job.state == "running" else "Waiting for its turn"
    at = levels.asked_for(levels.DEFAULT)
    living_view.draw(
        deciding(spec, store().sketches.get(spec.hash), stage, at),
        moved=levels.ask_for,
        chosen=lambda _: None,
        key="living_deciding",
    )


def _named(spec: RunSpec) -> str:
    """Describe a run by its chips, the method apart."""
    return ", ".join(chip for chip in chips(spec) if chip not in (spec.pruner, method_of(spec)))


def _offer(spec: RunSpec, shown: str | None) -> None:
    """Link to the runs that differ least from the settings."""
    near = list(islice(_nearest(spec, shown), NEAREST))
    if near:
        links = " · ".join(f"[{_differs(other, spec)}](./?run={name})" for name, other in near)
        st.caption(f"Already there, and near: {links}")


def _nearest(spec: RunSpec, shown: str | None) -> Iterator[tuple[str, RunSpec]]:
    """Yield finished runs of the same model, those first that differ in the fewest settings."""
    known = {document["hash"]: document["spec"] for document in shipped()}
    jobs = [job for job in store().runs.list() if job.state == "done"][:_LOOKED_AT]
    known |= {job.hash: job.spec for job in jobs}
    wanted, found = _flat(spec.to_json()), []
    for name, description in known.items():
        try:
            other = RunSpec.from_json(description)
        except MippError:
            continue  # another version wrote it
        if other.network.model == spec.network.model and name not in (shown, spec.hash):
            own = _flat(other.to_json())
            apart = sum(_WEIGHTS.get(key, 1) for key in own.keys() | wanted.keys() if own.get(key) != wanted.get(key))
            found.append((apart, name, other))
    for _, name, other in sorted(found, key=lambda each: each[:2]):
        yield name, other


_WEIGHTS = MappingProxyType({"network.dataset": 4, "trained": 4, "network.deformation": 2, "pruner": 1})
"""What makes two runs differ more than another seed does."""


def _flat(values: Any, name: str = "") -> dict[str, Any]:
    """Return nested settings by their paths; recipes follow from the dataset, and another pruner has other settings."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        path = f"{name}.{key}" if name else key
        if path in ("network.recipe", "retraining", "settings", "controls", "retrain_controls"):
            continue
        found |= _flat(value, path) if isinstance(value, dict) else {path: value}
    return found | ({} if name else {"settings": values["settings"]})


def _differs(other: RunSpec, spec: RunSpec) -> str:
    """Say in a few words how another run differs."""
    own = set(chips(spec))
    words = [chip for chip in chips(other) if chip not in own]
    words = [method_of(other) if word == other.pruner else word for word in words]
    return ", ".join(words) or "other settings"

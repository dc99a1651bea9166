"""A run of this machine on the page: its pixels are ranked and its network is blanked while the visitor waits."""

import streamlit as st

from mipp_core.errors import MippError, SettingError
from mipp_core.experiments.networks import load_data
from mipp_core.pixels.study import LIVE, LIVE_MACS
from mipp_core.pruners import ClosedForm
from mipp_core.recipes import RECIPES
from mipp_core.reports.pixels import Measured, PixelStudy, blanked_in, dense_network, shipped_pixels, studied
from mipp_core.runs import NetworkSpec, RunSpec
from pages.pixels import sections
from pages.shared import address, finding, images, live
from pages.shared.finding import Found
from pages.shared.plain import plainly
from pages.shared.turn import turn

_SAMPLE = "mnist-sample"


def panel() -> None:
    """Draw the controls of a run in closed form on the embedded sample, the run's state, and its study."""
    with st.sidebar:
        images.deformation()
        address.seed()
    spec = _spec(round(float(st.session_state["deformation"]), 2), int(st.session_state["seed"]))
    found = finding.find(spec)
    live.panel(spec, found)
    if found is None:
        st.info(live.waiting_words(spec), icon=":material/info:")
    else:
        _show(found)


def _spec(deformation: float, seed: int) -> RunSpec:
    """Return the run that Explore makes of the same settings, so that both find it."""
    network = NetworkSpec("lenet5", _SAMPLE, deformation=deformation, recipe=RECIPES["live"], seed=seed)
    settings = ClosedForm(pixels=True)
    return RunSpec(network, pruner="mipp-closed-form", settings=settings, controls=("random", "magnitude"))


def named(name: str) -> None:
    """Draw the run that the address names."""
    st.button("Back to the shipped runs", key="back", icon=":material/arrow_back:", on_click=_forget)
    ships = next((each for each in shipped_pixels()["studies"].values() if each["run"] == name), None)
    if ships:
        sections.shipped(ships)
        return
    found = finding.find_named(name)
    if found is None:
        st.error(
            plainly(f"This machine has no run called {name[:20]!r}; look at the page Runs, or go back."),
            icon=":material/block:",
        )
    else:
        _show(found)


def _forget() -> None:
    st.query_params.pop("run", None)


def _show(found: Found) -> None:
    """Draw a run's study as far as it can be made."""
    try:
        spec = _looked_at(found)
        with st.spinner("Ranking the pixels…", show_time=True):
            study = _study(found.document["hash"], found, spec)
        with st.spinner("Blanking pixels…", show_time=True):
            measured = _blanked(found.document["hash"], found, spec, study)
    except MippError as problem:
        st.info(plainly(str(problem)), icon=":material/info:")
        return
    whole: PixelStudy = {**study, "blanked": measured}
    sections.figures(whole, sections.opened_at(whole))
    sections.provenance(whole, f"This run has [its own address](./pixels?run={study['run']}).")


def _looked_at(found: Found) -> RunSpec:
    """Return a run's specification, if it can be studied while somebody waits.

    Raises:
        SettingError: it is on other images, its network is too large or not trained, or it is not finished.
    """
    spec, macs = RunSpec.from_json(found.document["spec"]), found.document["macs"]
    if found.document["state"] != "done":
        raise SettingError("The pixels are looked at when the run has finished.")
    if spec.network.dataset != _SAMPLE:
        raise SettingError(f"This run is on {spec.network.dataset}; here are runs on the embedded {_SAMPLE} only.")
    if not spec.trained:
        raise SettingError("This run prunes a network before it is trained, which has nothing to attribute yet.")
    if macs > LIVE_MACS:
        raise SettingError(
            f"An image takes this network {macs:,} multiply-accumulates; here are networks of up to {LIVE_MACS:,}, "
            "such as lenet5."
        )
    return spec


@st.cache_data(max_entries=32, show_spinner=False)
def _study(name: str, _found: Found, _spec: RunSpec) -> PixelStudy:
    with turn():
        model = dense_network(_spec, _found.dense())
        return studied(_found.document, model, load_data(_spec.network).test, LIVE)


@st.cache_data(max_entries=32, show_spinner=False)
def _blanked(name: str, _found: Found, _spec: RunSpec, _study: PixelStudy) -> Measured:
    with turn():
        model = dense_network(_spec, _found.dense())
        return blanked_in(_study, model, load_data(_spec.network).test, LIVE)

"""The inputs of Compare, and the runs they describe."""

from typing import Any

import streamlit as st

from mipp_core import jobs
from mipp_core.errors import MippError
from mipp_core.models import MODELS
from mipp_core.pruners import Pruner
from mipp_core.pruners.network_slimming import is_normalised
from mipp_core.reports.comparison import ENTRIES, PROTOCOLS, by_layer_only, entries_that, leader, member, usual
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import BATCH, Job
from pages.compare import compared
from pages.shared import images, live, told, watching
from pages.shared.chips import where_images_are
from pages.shared.finding import find, store
from pages.shared.turn import turn

POLL = 2.0
"""Seconds between looks at a comparison that is going on."""

SEEDS = 5

Wanted = dict[str, list[RunSpec]]
"""Entry -> its runs, one per seed."""


def show() -> None:
    """Draw the page."""
    wanted = _sidebar()
    if wanted is None:
        return
    found = {name: [run.document for spec in specs if (run := find(spec))] for name, specs in wanted.items()}
    done = {name: [run for run in runs if run["state"] == "done"] for name, runs in found.items()}
    _progress([spec for specs in wanted.values() for spec in specs], sum(map(len, done.values())))
    whole = {name: runs for name, runs in done.items() if runs}
    if whole:
        compared.show(whole)
    else:
        st.info(
            "Nobody has compared these yet. Press *Run what is missing*: the runs go on in the background.",
            icon=":material/info:",
        )


def _sidebar() -> Wanted | None:
    with st.sidebar:
        st.selectbox(
            "Model",
            list(MODELS),
            key="cmp_model",
            bind="query-params",
            accept_new_options=True,
            help="The network to prune; type torchvision:NAME for any other of torchvision's.",
        )
        st.selectbox(
            "Dataset",
            images.choices(),
            index=images.choices().index("mnist"),
            key="cmp_dataset",
            bind="query-params",
            help=where_images_are(),
        )
        start = st.segmented_control(
            "Prune the network",
            ["trained", "at initialisation"],
            default="trained",
            key="cmp_start",
            required=True,
            bind="query-params",
            help="After training, or before it has seen any data.",
        )
        start = start or "trained"  # an address may name nothing
        protocol = st.radio(
            "Who sets the ratios",
            list(PROTOCOLS),
            format_func=lambda name: PROTOCOLS[name].partition(":")[0],
            key="cmp_protocol",
            bind="query-params",
            help="; ".join(PROTOCOLS.values())
            + f". {entries_that(by_layer_only)} remove the same share of every layer.",
        )
        seeds = st.pills(
            "Seeds",
            list(range(SEEDS)),
            selection_mode="multi",
            default=[0, 1, 2],
            key="cmp_seeds",
            bind="query-params",
            help="One run per seed; curves are means, bands go from the lowest to the highest.",
        )
        names = st.pills(
            "Pruners",
            [name for name in ENTRIES if _works(name, start == "trained")],
            selection_mode="multi",
            default=usual(start == "trained"),
            key=_pruners_key(start),
            bind="query-params",
            help=f"{entries_that(_trains)} trains the network, so it cannot prune one at initialisation; "
            f"{entries_that(_normalises)} needs a batch normalisation in every layer.",
        )
        if not seeds or not names:
            st.error("Choose at least one seed and one pruner.", icon=":material/block:")
            return None
        return _wanted(names, sorted(seeds), start == "trained", protocol)


def _trains(settings: Pruner) -> bool:
    return "training" in settings.needs


def _normalises(settings: Pruner) -> bool:
    return "normalisation" in settings.needs


def _pruners_key(start: str) -> str:
    """Return the key of the choice of pruners, which differ from network to network."""
    state = st.session_state
    normalised = "_normalised" if _normalised(state.cmp_model, state.cmp_dataset) else ""
    return f"cmp_pruners_{start.replace(' ', '_')}{normalised}"


def _works(name: str, trained: bool) -> bool:
    """Tell whether a pruner can be asked about the chosen network."""
    entry, state = ENTRIES[name], st.session_state
    if not (trained or entry.works_untrained):
        return False
    return "normalisation" not in entry.settings.needs or _normalised(state.cmp_model, state.cmp_dataset)


@st.cache_data(show_spinner=False, max_entries=64)
def _normalised(model: str, dataset: str) -> bool:
    try:
        with turn():
            return is_normalised(NetworkSpec(model, images.chosen(dataset).name).architecture.sketch())
    except MippError:
        return False


def _wanted(names: list[str], seeds: list[int], trained: bool, protocol: Any) -> Wanted | None:
    state = st.session_state
    try:
        card = images.chosen(state.cmp_dataset)
        recipe, again = card.recipes.live_pair()
        bases = [
            leader(
                NetworkSpec(state.cmp_model, card.name, recipe=recipe, seed=seed),
                trained,
                again,
            )
            for seed in seeds
        ]
        return {name: [member(base, name, protocol) for base in bases] for name in names}
    except MippError as problem:
        st.error(str(problem), icon=":material/block:")
        return None


def _progress(specs: list[RunSpec], done: int) -> None:
    """Say how many runs are done, and offer to start the others."""
    open_ = [job for spec in specs if (job := _job(spec)) and job.state in ("queued", "running")]
    if open_:
        st.fragment(_follow, run_every=POLL)(specs, done)
    elif done < len(specs):
        missing = [spec for spec in specs if not _done(spec)]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"Run what is missing ({len(missing)})",
                type="primary",
                icon=":material/play_arrow:",
                key="run_missing",
                on_click=_ask,
                args=(missing,),
            )
            st.caption(f"{done} of {len(specs)} runs are done.")
    for message in {job.message for spec in specs if (job := _job(spec)) and job.state == "failed"}:
        st.error(message, icon=":material/block:")
    refusal = st.session_state.pop("refusal", None)
    if refusal:
        st.error(refusal, icon=":material/block:")


def _follow(specs: list[RunSpec], known: int) -> None:
    """Show a comparison's progress; draw the page again whenever a run has ended."""
    found = [job for spec in specs if (job := _job(spec))]
    going = [job for job in found if job.state in ("queued", "running")]
    done = sum(_done(spec) for spec in specs)
    if done != known or not going:
        st.rerun()
    jobs.ensure(store())
    now = next((job for job in going if job.state == "running"), going[0])
    with st.container(horizontal=True, vertical_alignment="center"):
        said = f"{done} of {len(specs)} runs; now {now.spec['pruner']} seed {now.spec['network']['seed']}: "
        st.progress((done + now.done) / len(specs), text=said + told.words(now))
        st.button("Cancel", key="cancel_comparison", icon=":material/stop:", on_click=_cancel, args=(going,))


def _job(spec: RunSpec) -> Job | None:
    return store().runs.look(spec.hash)


def _done(spec: RunSpec) -> bool:
    run = find(spec)
    return run is not None and run.document["state"] == "done"


def _ask(specs: list[RunSpec]) -> None:
    try:
        for spec in specs:
            jobs.start(spec, store(), owner=live.visitor(), lane=BATCH)
        watching.watch(specs)
    except MippError as problem:
        st.session_state["refusal"] = str(problem)


def _cancel(going: list[Job]) -> None:
    for job in going:
        store().runs.cancel(job.hash)

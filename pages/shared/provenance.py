"""Where a run's figures come from: how it was made, where, by which command; and its files."""

import json
from collections.abc import Callable

import streamlit as st

from mipp_core.data import shown
from mipp_core.errors import MippError
from mipp_core.reports.archive import command_of
from mipp_core.reports.tables import curve_table
from mipp_core.runs import RunSpec
from mipp_core.runs.document import RunDocument
from pages.shared.chips import in_paper
from pages.shared.finding import Found


def show(found: Found, spec: RunSpec) -> None:
    document = found.document
    recipe, retraining = spec.network.recipe, spec.retraining
    shipped = "A shipped run: " if found.is_shipped else "A run on this machine: "
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    st.divider()
    words, paper = "retrained" if spec.trained else "trained", in_paper(spec.network.dataset)
    st.caption(
        f"{shipped}{spec.network.model} on {shown(spec.network.dataset)}, seed {spec.network.seed}, trained for "
        f"{recipe.epochs} epochs, pruned networks {words} for {retraining.epochs}{paper}. "
        f"{document['device']}; {versions}; {sum(document['seconds'].values()):.0f} s in all."
    )
    _downloads(document)
    st.code(_command(spec), language="bash", wrap_lines=True)


def _command(spec: RunSpec) -> str:
    try:
        return command_of(spec)
    except MippError as problem:
        return f"# {problem}"


def _downloads(document: RunDocument) -> None:
    name = f"mipp-{document['hash']}"
    with st.container(horizontal=True):
        _download("Curve (CSV)", lambda: curve_table(document).to_csv(index=False), f"{name}.csv", "text/csv")
        _download("Run (JSON)", lambda: json.dumps(document), f"{name}.json", "application/json")


def _download(label: str, data: Callable[[], str | bytes], file_name: str, mime: str) -> None:
    """Offer a file that is made only when it is asked for, so that the page need not wait for it."""
    st.download_button(
        label, data, file_name, mime, on_click="ignore", key=f"download {file_name}", icon=":material/download:"
    )

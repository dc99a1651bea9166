"""The runs that come with the package: there is something to open before anything has been run."""

import streamlit as st

from mipp_core.reports.tables import headline
from mipp_core.runs import RunSpec
from mipp_core.runs.document import RunDocument
from pages.shared.chips import chips
from pages.shared.finding import shipped
from pages.shared.plain import plainly


def panel(is_first: bool) -> None:
    """Draw the list; closed where there are runs of this machine to look at."""
    with st.expander("Runs that ship with the package", expanded=is_first):
        st.markdown(_list(tuple(document["hash"] for document in shipped())))
        st.caption(
            "Removed: the most units that went with retrained accuracy within 1 point of the dense network's, which "
            "is the one before pruning."
        )


@st.cache_data(show_spinner=False, max_entries=1)
def _list(names: tuple[str, ...]) -> str:
    """Return a table in Markdown, the runs with all levels first."""
    documents = sorted(shipped(), key=lambda document: -len(document["levels"]))
    return "\n".join(["| Open in Explore | Dense | Removed |", "| --- | ---: | ---: |", *map(_row, documents)])


def _row(document: RunDocument) -> str:
    known = headline(document)
    pixels = "" if known["pixels"] is None else f", {_percent(known['pixels'])} of pixels"
    named = plainly(", ".join(chips(RunSpec.from_json(document["spec"]))))
    return (
        f"| [{named}](./?run={document['hash']}) | {_percent(known['dense'])} | {_percent(known['removed'])}{pixels} |"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"

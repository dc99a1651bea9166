"""A cut made by hand, beside the run's: what both are worth once they are rebuilt; it is in the address."""

import pandas as pd
import streamlit as st
import torch

from mipp_core.reports.level_words import called, name_of
from mipp_core.reports.own_cut import CutWorth, masks_from, nearest_level, worth_of
from mipp_core.runs import entry_of, masks_of
from mipp_core.runs.document import RunDocument
from pages.explore.subject import subject
from pages.shared.finding import Found
from pages.shared.turn import turn

_REBUILT_ON = 2000
"""Training images that both are rebuilt on."""


def choose(code: str) -> None:
    """Write a cut into the address, or take it out."""
    if code:
        st.query_params["mine"] = code
    else:
        st.query_params.pop("mine", None)


def chosen(document: RunDocument) -> str | None:
    """Return the cut that the address names; None where it is none of this run's layers."""
    code = st.query_params.get("mine", "")
    return code if masks_from(code, document["levels"][0]) is not None else None


def panel(found: Found) -> None:
    """Draw what the cut is worth; nothing where none is made."""
    document, code = found.document, chosen(found.document)
    if code is None:
        return
    masks = masks_from(code, document["levels"][0])
    assert masks is not None, "it was read before"
    near = nearest_level(document, masks.sparsity)["level"]
    with st.container(border=True, key="own_cut"):
        st.header("Your cut", anchor=False)
        with st.spinner("Cutting and rebuilding both…"):
            own, theirs = (_worth(document["hash"], each, found) for each in (code, near))
        if own is None or theirs is None:
            st.caption("It cannot be rebuilt: the dense network or the images are not on this machine.")
            return
        st.markdown(_verdict(own, theirs, called(document, near)))
        rows = {"yours": own, name_of(document, near): theirs}
        table = pd.DataFrame(
            {
                "Units removed": [each.units for each in rows.values()],
                "Cut": [each.cut for each in rows.values()],
                "Rebuilt": [each.rebuilt for each in rows.values()],
            },
            index=list(rows),
        )
        st.dataframe(table.style.format("{:.1%}"), alt="Accuracies of your cut and of the run's nearest level")
        st.caption("On the same test images of this machine. The address of this page holds your cut: share it.")


def _verdict(own: CutWorth, theirs: CutWorth, level: str) -> str:
    apart = 100 * (own.rebuilt - theirs.rebuilt)
    if abs(apart) < 1:
        return f"Rebuilt, your cut and {level} are within a point of each other."
    return f"Rebuilt, your cut is **{abs(apart):.1f} points {'ahead of' if apart > 0 else 'behind'}** {level}."


@st.cache_data(show_spinner=False, max_entries=256)
def _worth(name: str, cut: str | int, _found: Found) -> CutWorth | None:
    """Measure one's own cut, or a level's."""
    levels = _found.document["levels"]
    here = subject(name, _found)
    if here is None:
        return None
    masks = masks_from(cut, levels[0]) if isinstance(cut, str) else masks_of(entry_of(_found.document, cut))
    assert masks is not None, "it was read before"
    seen = here.train.stratified(_REBUILT_ON, torch.Generator().manual_seed(0))
    with turn():
        return worth_of(here.model, masks, seen, here.test)

"""What a run shows at one level."""

from functools import partial
from math import floor, log10
from typing import cast

import pandas as pd
import streamlit as st

from mipp_core.figures import AXES, accuracy_curve
from mipp_core.reports.in_browser import for_browser
from mipp_core.reports.level_words import collapses, said_of_nesting
from mipp_core.reports.living import living
from mipp_core.reports.tables import curve_table, measures_of
from mipp_core.runs import RunSpec, entry_of
from mipp_core.runs.document import RunDocument
from mipp_core.runs.result import accuracy_of
from mipp_core.vocabulary import INPUT
from pages.explore import decisions, levels, mine, orders, selection, slim, unit
from pages.shared import living_view, provenance
from pages.shared.chips import idea_of
from pages.shared.finding import Found, other_seeds

DRAWN = "first picture drawn"
"""In the session: the browser has been given the picture, so the rest of the page may follow."""


def show(found: Found, level: int) -> None:
    """Draw every panel for the chosen level."""
    document = found.document
    spec = RunSpec.from_json(document["spec"])
    overview(found, level)
    if document.get("orders"):
        orders.panel(document)
    else:
        decisions.table(document, level, selection.chosen(document))
    slim.panel(found, level)
    provenance.show(found, spec)


def overview(found: Found, level: int) -> None:
    """Draw the panels that sum a level up: the living network, and the curve."""
    document = found.document
    looked_into = selection.chosen(document)
    given = {
        **living(document, level),
        "chosen": looked_into and [looked_into.layer, looked_into.unit],
        "looks": True,
        "cuts": for_browser(RunSpec.from_json(document["spec"]).network) is not None,
        "mine": mine.chosen(document),
    }
    moved = partial(levels.choose, document)
    waits = not st.session_state.get(DRAWN)
    drawn = _drawn if waits else None
    living_view.draw(given, moved, chosen=selection.choose, key="living", mine=mine.choose, drawn=drawn)
    if waits:  # charts and tables take the browser a second, for which the picture would wait, too
        _drawn()
        st.stop()
    spec = RunSpec.from_json(document["spec"])
    with st.container(key="idea_below"):
        st.markdown(idea_of(spec))
    _notes(document, level)
    mine.panel(found)
    unit.panel(found, level)
    _curve(document, level, other_seeds(spec))


def _drawn() -> None:
    st.session_state[DRAWN] = True


def _notes(document: RunDocument, level: int) -> None:
    """Say what does not move with the thumb: whether levels are nested, where layers collapse, how exact cuts are."""
    entry = entry_of(document, level)
    words = [said_of_nesting(document), collapses(document, level)]
    difference = entry.get("cut_difference")
    if difference is not None:
        digits = floor(-log10(max(difference, 1e-17)))
        words.append(f"Cut network and masked dense network agree to {digits} digits (64 test images).")
    if any(layer["name"] == INPUT for layer in entry["layers"]):
        words.append(f"[Its pixels at every level, beside other rankings](./pixels?run={document['hash']}).")
    st.caption(" ".join(words))


def _curve(document: RunDocument, level: int, alike: list[RunDocument]) -> None:
    st.header("Accuracy against sparsity", anchor=False)
    with st.container(horizontal=True):
        x = st.segmented_control(
            "Horizontal axis",
            list(AXES),
            format_func=AXES.__getitem__,
            default="sparsity",
            required=True,
            key="axis",
            bind="query-params",
            wrap=True,
        )
        x = x or "sparsity"  # an address may name nothing
        compare = st.toggle(
            "Show controls", key="compare", bind="query-params", help="Other units at the same per-layer counts."
        )
    table = curve_table(document)
    if compare:
        _side_by_side(document, level)
    else:
        table = _own_curve(document)
    others = pd.concat([_own_curve(other) for other in alike]) if alike else None
    dense = cast("float", document["dense_accuracy"])  # measured before any level is
    if document["spec"]["trained"]:
        figure, drawn = accuracy_curve(table, dense, level, x=x, other_seeds=others), "retrained"
    else:
        figure, drawn = accuracy_curve(table, dense, level, ("retrained",), x, others), "trained"
        figure.for_each_trace(lambda trace: trace.update(name=trace.name.replace("retrained", "trained")))
    st.plotly_chart(figure, key="curve", alt=f"Test accuracy by share removed, up to {drawn} networks")
    seeds = ", ".join(str(other["spec"]["network"]["seed"]) for other in alike)
    st.caption(
        f"What to see: how far one can go to the right before the {drawn} curve leaves the dense line. "
        "The amber line is the chosen level. "
        + (f"Thin lines: the same with seed {seeds}. " if alike else "")
        + _epochs(document)
        + "With controls: if *random* units do as well, the per-layer counts matter, not which units stay."
    )


def _epochs(document: RunDocument) -> str:
    """Say what the networks on the curve were trained for where that is not plain, and what is not drawn."""
    spec = document["spec"]
    if spec["trained"]:
        return ""
    dense, own = spec["network"]["recipe"]["epochs"], spec["retraining"]["epochs"]
    words = "" if dense == own else f"The dense line had {dense} epochs, pruned networks {own}: no fair goal. "
    return f"Pruned at initialisation: until they are trained all networks are at chance, which is not drawn. {words}"


def _own_curve(document: RunDocument) -> pd.DataFrame:
    """Return the curve without controls."""
    table = curve_table(document)
    return table[table.choice == document["spec"]["pruner"]]


def _side_by_side(document: RunDocument, level: int) -> None:
    """Say in numbers how the choices of units compare at this level."""
    entry = entry_of(document, level)
    rows = {document["spec"]["pruner"]: entry, **entry["controls"]}
    measures = {name: name.capitalize() for name in measures_of(document)}
    if not document["spec"]["trained"]:
        measures = {"retrained": "Trained"}
    table = pd.DataFrame(
        {words: [accuracy_of(row, name) for row in rows.values()] for name, words in measures.items()},
        index=pd.Index([*rows], name="Same counts, units by"),
    )
    st.dataframe(table.style.format("{:.2%}", na_rep="–"), alt="Accuracies of the choices of units at this level")

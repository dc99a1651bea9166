"""What is looked at in a step."""

import streamlit as st

from mipp_core.figures.lessons import bar_chart, line_chart
from mipp_core.figures.limits import memorisation_chart
from mipp_core.reports.lessons.lesson import Bars, Choice, Lines, Masks, Memorised, Network, View
from mipp_core.reports.limits import shipped_studies
from mipp_core.reports.living import living
from pages.learn.places import Place
from pages.shared import finding, living_view, toy_view

_HINT = "Point at a unit, or tab to the picture and use the arrow keys."


def draw(view: View | Choice, place: Place) -> None:
    """Draw it."""
    match view:
        case Choice():
            draw(_chosen(view), place)
        case Network():
            _network(view, place)
        case Masks():
            toy_view.draw(view.toy, view.pruned)
        case Bars() | Lines() | Memorised():
            _chart(view, place)


def _chosen(choice: Choice) -> View:
    name = st.segmented_control(
        choice.label,
        list(choice.options),
        default=choice.first,
        required=True,
        key="show",
        bind="query-params",
        help=choice.help,
        wrap=True,
    )
    return choice.options[name or choice.first]


def level_of(view: Network) -> int:
    """Return the level that the address names, where there is a slider to move it; else the view's own."""
    found = finding.find_named(view.run)
    known = {str(entry["level"]): entry["level"] for entry in found.document["levels"]} if found else {}
    return known.get(st.query_params.get("level", ""), view.level) if "slider" in view.parts else view.level


def _network(view: Network, place: Place) -> None:
    found = finding.find_named(view.run)
    if found is None:
        st.warning("The run of this step is missing; install the package again.", icon=":material/block:")
        return
    seen = {**living_view.only(view.parts, living(found.document, level_of(view))), "hint": _HINT}
    living_view.draw(seen, moved=_move, chosen=lambda unit: None, key=f"living {place.words}")


def _move(level: int) -> None:
    st.query_params["level"] = str(level)


def _chart(view: Bars | Lines | Memorised, place: Place) -> None:
    figure = (
        bar_chart(view)
        if isinstance(view, Bars)
        else line_chart(view)
        if isinstance(view, Lines)
        else memorisation_chart(shipped_studies()["memorisation"])
    )
    st.plotly_chart(figure, key=f"chart {place.words}", alt=view.alt, config={"displayModeBar": False})
    st.caption(f"What to see: {view.see}")

"""One layer or unit, looked into: what it reads and answers, how it was tested, who makes up for it."""

import pandas as pd
import streamlit as st
import torch

from mipp_core.errors import MippError
from mipp_core.figures.units import (
    answer_picture,
    attribution_picture,
    gain_dots,
    layer_scatter,
    stand_in_bars,
    weight_picture,
)
from mipp_core.information.confidence import quantile
from mipp_core.reports.level_words import called
from mipp_core.reports.unit_looks import Seen, look, pixels_that_drive, stand_ins, trial
from mipp_core.runs import RunSpec, entry_of, masks_of
from mipp_core.runs.document import RunDocument
from pages.explore import selection
from pages.explore.selection import Selection
from pages.explore.subject import subject
from pages.shared.finding import Found
from pages.shared.turn import turn


def panel(found: Found, level: int) -> None:
    """Draw what is known of the chosen unit; nothing where none is chosen."""
    chosen = selection.chosen(found.document)
    if chosen is None:
        return
    with st.container(border=True, key="unit_panel"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header(chosen.words, anchor=False)
            st.button("Close", key="close_unit", icon=":material/close:", on_click=selection.forget, type="tertiary")
        _body(found, chosen, level)


def _body(found: Found, chosen: Selection, level: int) -> None:
    st.markdown(_fate(found.document, chosen, level))
    if chosen.unit is not None:
        _test(found.document, chosen.layer, chosen.unit, level)
    try:
        with st.spinner("Running images through the dense network…"):
            seen = _seen(found.document["hash"], found)
    except MippError as problem:
        st.caption(f"Its weights and answers cannot be shown: {problem}")
        return
    if seen is None:
        st.caption("Its weights and answers cannot be shown: the dense network or the images are not on this machine.")
    elif chosen.unit is None:
        _layer(found.document, seen, chosen, level)
    else:
        _unit(found, seen, chosen.layer, chosen.unit, level)
        _layer(found.document, seen, chosen, level)


def _fate(document: RunDocument, chosen: Selection, level: int) -> str:
    """Say what becomes of a unit or a layer over the levels."""
    levels = document["levels"]
    layers = {entry["level"]: next(x for x in entry["layers"] if x["name"] == chosen.layer) for entry in levels}
    here = layers[level]
    if chosen.unit is None:
        return f"**{here['kept']} of {here['units']}** units are kept at {called(document, level)}."
    gone = [number for number, layer in layers.items() if chosen.unit not in layer["kept_units"]]
    state = "removed" if level in gone else "kept"
    if not gone:
        return f"**Kept** at {called(document, level)}, and at every other."
    return f"**{state.capitalize()}** at {called(document, level)}. It goes first at {called(document, gone[0])}" + (
        "." if gone == [number for number in layers if number >= gone[0]] else ", and is kept at some levels above."
    )


def _test(document: RunDocument, layer: str, unit: int, level: int) -> None:
    """Draw the test that decided."""
    test = trial(document, layer, unit, level)
    if test is None:
        if document["decisions"]:
            st.caption("It was decided without a test of its own at this level: it never varies, or nothing reads it.")
        return
    confidence = entry_of(document, level)["confidence"]
    assert confidence is not None
    needed = quantile(confidence)
    together = f"together with {test['tested_with'] - 1} others" if test["tested_with"] > 1 else "by itself"
    st.markdown(
        f"Tested {_nth(test['order'] + 1)} of {test['of']}, the least informative first, {together}: "
        f"z = {test['z']:.2f} standard errors, and more than {needed:.2f} are needed to keep it."
    )
    figure = gain_dots(test["gains"], test["standard_error"], needed)
    st.plotly_chart(figure, key="unit_test", alt="Gain of every estimate, their mean, and the line to be above")
    st.caption(
        "What to see: the dot is the mean gain, the bar its standard error. Right of the amber line, "
        f"{needed:.2f} standard errors above 0, the unit is kept."
    )


def _nth(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _unit(found: Found, seen: Seen, layer: str, unit: int, level: int) -> None:
    left, middle, right = st.columns(3, gap="medium")
    with left:
        st.markdown("**What it weighs**")
        weights = seen.weights[layer][unit]
        st.plotly_chart(
            weight_picture(weights, _folding(found.document, weights)), key="unit_weights", alt="Weights of the unit"
        )
    with middle:
        st.markdown("**Which pixels drive it** (Captum)")
        st.plotly_chart(
            attribution_picture(_driving(found.document["hash"], layer, unit, found)),
            key="unit_pixels",
            alt="Neuron integrated gradients, averaged over test images",
        )
    with right:
        _stand_ins(found.document, seen, layer, unit, level)
    maps = seen.pictures.maps[layer][:, unit]
    st.plotly_chart(
        answer_picture(seen.pictures.images[: len(maps)].float().mean(1).byte(), maps),
        key="unit_answers",
        alt="One image per class, and what the unit answers below each",
    )
    st.caption("What to see: which images make it answer? Above the first image of each class, below its answer there.")


def _stand_ins(document: RunDocument, seen: Seen, layer: str, unit: int, level: int) -> None:
    kept = masks_of(entry_of(document, level))[layer]
    others = int(kept.sum()) - int(kept[unit])
    st.markdown("**Who makes up for it**" if not kept[unit] else "**Who could make up for it**")
    if not others:
        st.caption("No other unit of its layer is kept.")
        return
    coefficients, share = stand_ins(seen.answers[layer], kept, unit)
    st.plotly_chart(stand_in_bars(coefficients), key="unit_stand_ins", alt="Coefficients of the kept units")
    st.caption(f"The {others} other kept units of its layer rebuild {share:.0%} of its variance, by least squares.")


def _layer(document: RunDocument, seen: Seen, chosen: Selection, level: int) -> None:
    """Draw all units of a layer: the order of their tests against what Captum attributes to them."""
    kept = masks_of(entry_of(document, level))[chosen.layer]
    table = pd.DataFrame(
        {"unit": range(len(kept)), "kept": kept.tolist(), "conductance": seen.conductance[chosen.layer].tolist()}
    )
    tests = {unit: trial(document, chosen.layer, unit, level) for unit in range(len(kept))}
    x = "place in the order of tests" if any(tests.values()) else "unit"
    if x != "unit":
        table[x] = [test["order"] + 1 if (test := tests[unit]) else None for unit in table.unit]
    figure = layer_scatter(table, chosen.unit, x)
    figure.update_xaxes(title=x)
    st.plotly_chart(figure, key="layer_scatter", alt="Units of the layer by conductance; removed ones are hollow")
    st.caption(
        "What to see: does MIPP keep (filled) what Captum's layer conductance calls important (high)? Two units that "
        "say the same are both important to Captum; to MIPP, one of them is enough."
    )


def _folding(document: RunDocument, weights: torch.Tensor) -> tuple[int, int] | None:
    """Return the height and width of what a neuron's inputs were before they were flattened, where that is plain."""
    _, height, width = RunSpec.from_json(document["spec"]).network.architecture.image_shape
    if weights.ndim != 1:
        return None
    if len(weights) == height * width:
        return height, width
    maps = RunSpec.from_json(document["spec"]).network.model == "lenet5" and len(weights) % 25 == 0
    return (5, 5) if maps else None


@st.cache_resource(show_spinner=False, max_entries=8)
def _seen(name: str, _found: Found) -> Seen | None:
    with turn():
        here = subject(name, _found)
        return look(here.model, here.test) if here else None


@st.cache_data(show_spinner=False, max_entries=64)
def _driving(name: str, layer: str, unit: int, _found: Found) -> torch.Tensor:
    with turn():
        here = subject(name, _found)
        assert here is not None, "the unit's answers were shown before"
        return pixels_that_drive(here.model, here.test, layer, unit)

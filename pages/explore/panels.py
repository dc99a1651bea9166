"""What a run shows at one level."""

from typing import cast

import pandas as pd
import streamlit as st
import torch

from mipp_core.data import load_dataset
from mipp_core.figures import AXES, MANY, accuracy_curve, block_bars, pixel_map, ratio_bars, unit_map
from mipp_core.reports.tables import curve_table, deaths, layer_table, measures_of
from mipp_core.runs import NetworkSpec, RunSpec, collapsed_layers, entry_of, passed_layers
from mipp_core.runs.document import LevelDocument, RunDocument
from mipp_core.runs.result import accuracy_of
from mipp_core.vocabulary import INPUT
from pages.explore import decisions, orders, slim
from pages.shared import provenance
from pages.shared.finding import Found, other_seeds


def show(found: Found, level: int) -> None:
    """Draw every panel for the chosen level."""
    document = found.document
    entry = entry_of(document, level)
    spec = RunSpec.from_json(document["spec"])
    overview(found, level)
    left, right = st.columns([3, 2], gap="large")
    with left:
        if document.get("orders"):
            orders.panel(document)
        else:
            decisions.table(document, level)
    with right:
        _pixels(entry, spec.network, document["hash"])
    slim.panel(found, level)
    provenance.show(found, spec)


def overview(found: Found, level: int) -> None:
    """Draw the panels that sum a level up: figures, the curve and the layers."""
    document = found.document
    entry = entry_of(document, level)
    _headline(document, entry)
    _warnings(document, entry)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _curve(document, level, other_seeds(RunSpec.from_json(document["spec"])))
    with right:
        _layers(entry)


def _headline(document: RunDocument, entry: LevelDocument) -> None:
    accuracies = [("Dense", document["dense_accuracy"], "Test accuracy of the trained dense network.")]
    if document["spec"]["trained"]:
        accuracies += [
            ("Pruned", entry["accuracy_pruned"], "Right after cutting, nothing relearned."),
            *_recalibrated(entry),
            (
                "Rebuilt",
                entry["accuracy_rebuilt"],
                "Weights refitted by least squares to the dense network: no labels.",
            ),
            ("Retrained", entry["accuracy_retrained"], "After the retraining recipe named at the foot of the page."),
        ]
    else:  # until it is trained, a network is at chance
        accuracies += [("Trained", entry["accuracy_retrained"], "Pruned, then trained; see the foot of the page.")]
    shares = [
        ("Units removed", entry["sparsity"], "Filters and neurons; pixels are counted apart."),
        ("Parameters removed", 1 - entry["parameters"] / document["parameters"], "Weights and biases."),
        ("MACs removed", 1 - entry["macs"] / document["macs"], "Multiply-accumulates for one image."),
    ]
    with st.container(horizontal=True, gap="small"):
        for label, value, words in accuracies:
            st.metric(label, "…" if value is None else f"{value:.2%}", help=words, border=True, width=160)
    with st.container(horizontal=True, gap="small"):
        for label, value, words in shares:
            st.metric(label, f"{value:.1%}", help=words, border=True, width=218)
    if entry.get("cut_difference") is not None:
        words = f"differ by at most {entry['cut_difference']:.0e} (relative, 64 test images)"
        st.caption(f"Cut network and masked dense network {words}.")


def _recalibrated(entry: LevelDocument) -> list[tuple[str, float, str]]:
    """Return the recalibrated accuracy; nothing for networks without BatchNorm and for older documents."""
    value = entry.get("accuracy_recalibrated")
    return [] if value is None else [("Recalibrated", value, "Fresh BatchNorm statistics, nothing else.")]


def _warnings(document: RunDocument, entry: LevelDocument) -> None:
    first = deaths(document)
    dead = collapsed_layers(entry)
    if dead:
        said = "; ".join(f"**{name} has no unit left** since level {first[name]}" for name in dead[:4])
        st.error(
            f"**Layer collapse:** {said}{f'; and {len(dead) - 4} more' if dead[4:] else ''}. Nothing passes through "
            f"{'it' if len(dead) == 1 else 'them'}, so the network gives one answer for every image.",
            icon=":material/warning:",
        )
    if entry["untrainable"] and not dead:
        st.error(
            "**Untrainable:** every layer has units left, but retraining stayed at chance.", icon=":material/warning:"
        )
    passed = passed_layers(entry)
    if passed:
        named = ", ".join(passed[:4]) + (f" and {len(passed) - 4} more" if passed[4:] else "")
        st.info(
            f"**Passed by:** {named} {'has' if len(passed) == 1 else 'have'} no unit left. The stream goes round "
            "such a layer, so the network works without it.",
            icon=":material/fork_right:",
        )
    if not dead:
        later = [f"{name} at level {level}" for name, level in first.items() if name != INPUT]
        words = f"first collapse: {', '.join(later)}" if later else "no layer collapses at any level"
        st.caption(f"✓ No layer collapses at this level; {words}.")


def _curve(document: RunDocument, level: int, alike: list[RunDocument]) -> None:
    st.subheader("Accuracy against sparsity", anchor=False)
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


def _layers(entry: LevelDocument) -> None:
    st.subheader("Layer by layer", anchor=False)
    layers = layer_table(entry)
    bars = ratio_bars if len(layers) <= MANY else block_bars
    st.plotly_chart(bars(layers), key="ratios", alt="Pruning ratio of each layer")
    st.plotly_chart(unit_map(layers[layers.name != INPUT]), key="units", alt="Kept and removed units of each layer")
    if len(layers) > MANY:
        st.caption(
            "What to see: does the pattern repeat with the blocks? The paper's Figure 4 finds a period of two in "
            "ResNet34 and of three in ResNet50."
        )
    st.caption("Below the bars, one cell per unit: blue is kept, grey is removed. Hover for its number.")


@st.cache_data(show_spinner=False, max_entries=1)
def _mean_digit() -> list[list[float]]:
    return load_dataset("mnist-sample").train.in_memory().images.mean(0)[0].tolist()


def _pixels(entry: LevelDocument, network: NetworkSpec, name: str) -> None:
    found = next((layer for layer in entry["layers"] if layer["name"] == INPUT), None)
    digits = network.dataset in ("mnist-sample", "mnist")
    if found is None and not digits:
        return
    st.subheader("Selected pixels", anchor=False)
    channels, height, width = network.architecture.image_shape
    mean = torch.tensor(_mean_digit()) if digits else torch.full((height, width), 0.5)
    keep = torch.ones(channels * height * width, dtype=torch.bool)
    if found:
        keep[:] = False
        keep[found["kept_units"]] = True
    shown = keep.view(channels, height, width).any(0)
    st.plotly_chart(pixel_map(mean, shown), key="pixels_map", alt="Kept pixels, over the mean digit for MNIST")
    if not found:
        st.caption("This run kept all pixels; shown is the mean digit. Turn on *Prune pixels* to test them.")
        return
    beside = f" [Every level, beside other rankings](./pixels?run={name})" if digits else ""
    over = ", over the mean digit" if digits else " (counted per channel; shown where any channel is kept)"
    st.caption(f"{found['kept']} of {found['units']} pixels kept{over}; grey pixels are removed.{beside}")

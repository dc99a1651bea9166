"""Estimators on the page: one point asked now, as a control moves, and shipped readings over seeds beside it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from mipp_core.figures.information import along_chart, samples_chart
from mipp_core.playground.estimators import ESTIMATORS, NEIGHBOURS, REGRESSORS, STEPS, estimated
from mipp_core.playground.grid import Reading, bias_said, readings
from mipp_core.playground.known import DISTRIBUTIONS, STRONGEST, Known
from mipp_core.playground.renyi_limit import renyi_limit
from mipp_core.reports.information import shipped_information
from mipp_core.training import one_thread
from pages.shared import address
from pages.shared.turn import turn

_SAMPLES = (100, 200, 500, 1000, 2000, 5000)


def panel() -> None:
    """Draw the section."""
    st.markdown(
        "MIPP needs to know what one layer tells of the next, and can only estimate it. Here the truth is known: by a "
        "formula, by integration or by counting. **Which estimator would you trust, with how many samples?**"
    )
    name, strength, n, seed = _controls()
    pair = DISTRIBUTIONS[name]
    with st.spinner("Asking every estimator…", show_time=True):
        asked = _asked(name, strength, n, seed)
    document = shipped_information()["pairs"][name]
    _now(pair, strength, n, seed, asked)
    _over_seeds(pair, strength, n, asked, document)
    _explained()


def _controls() -> tuple[str, float, int, int]:
    name = st.pills(
        "Pair of variables",
        list(DISTRIBUTIONS),
        default="gaussian",
        required=True,
        key="pair",
        bind="query-params",
        help="Each has an information that is known exactly.",
    )
    pair = DISTRIBUTIONS[name or "gaussian"]
    left, middle, right = st.columns([3, 3, 1], gap="medium")
    with left:
        strength = st.slider(
            "Strength",
            0.0,
            STRONGEST,
            0.8,
            0.01,
            key="strength",
            bind="query-params",
            help=f"Here: {pair.strength_is}.",
        )
    with middle:
        n = st.select_slider(
            "Samples",
            _SAMPLES,
            1000,
            key="n",
            bind="query-params",
            help="That every estimator is given.",
        )
    with right:
        seed = address.seed("Of the samples, the regressors and their minibatches.", key="draw")
    return name or "gaussian", float(strength), int(n), seed


@st.cache_data(max_entries=200, show_spinner=False)
def _asked(name: str, strength: float, n: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return nats and seconds of every estimator that takes so many samples."""
    pair = DISTRIBUTIONS[name]
    with turn(), one_thread():
        samples = pair.drawn(strength, n, seed)
        made = {each: estimated(each, pair, samples, seed) for each, how in ESTIMATORS.items() if how.takes(pair, n)}
    return {each: (found.nats, found.seconds) for each, found in made.items()}


def _now(pair: Known, strength: float, n: int, seed: int, asked: Mapping[str, tuple[float, float]]) -> None:
    """Draw the samples, and what every estimator reads of them."""
    truth, discrete = pair.truth(strength), pair.table is not None
    left, right = st.columns([2, 3], gap="large")
    with left:
        drawn = pair.drawn(strength, n, seed)
        st.plotly_chart(samples_chart(drawn, discrete), key="samples", alt=f"Samples of {pair.title}")
        st.caption(f"What to see: up to 600 of the {n:,} samples. Strength: {pair.strength_is}.")
    with right:
        st.markdown(f"**I(x; y) = {truth:.3f} nats.** With these {n:,} samples, estimators read:")
        rows = [_row(name, pair, strength, truth, *found) for name, found in asked.items()]
        table = pd.DataFrame(rows).set_index("Estimator")
        table = table if table["Tends to"].any() else table.drop(columns="Tends to")
        st.dataframe(table, alt="What every estimator reads now", column_config=_columns())
        silent = [f"{how.title} ({how.most:,})" for how in ESTIMATORS.values() if how.most and n > how.most]
        if silent:
            st.caption(f"Not asked, as matrices have n² entries (most samples): {', '.join(silent)}.")


def _row(name: str, pair: Known, strength: float, truth: float, nats: float, seconds: float) -> dict[str, Any]:
    alpha = ESTIMATORS[name].alpha
    limit = renyi_limit(pair, strength, alpha) if alpha else None
    return {
        "Estimator": ESTIMATORS[name].title,
        "Reads": nats,
        "That is": bias_said(nats - truth, 0.0),
        "Tends to": "" if limit is None else f"{limit:.3f} nats",
        "Seconds": seconds,
    }


def _columns() -> dict[str, Any]:
    words = "What a Rényi estimate tends to with endless samples, where a formula is known: not the mutual information."
    return {
        "Reads": st.column_config.NumberColumn(format="%.3f nats"),
        "That is": st.column_config.TextColumn(help="Reading less truth, in words; one seed."),
        "Tends to": st.column_config.TextColumn(alignment="right", help=words),
        "Seconds": st.column_config.NumberColumn(format="%.3f", help="Of this estimate, on this machine."),
    }


def _over_seeds(
    pair: Known, strength: float, n: int, asked: Mapping[str, tuple[float, float]], document: Mapping[str, Any]
) -> None:
    """Draw the shipped readings, by samples and by strength, and mark where the controls are."""
    setting, nats = document["setting"], {name: found[0] for name, found in asked.items()}
    st.header(f"Over {setting['seeds']} seeds", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**By samples**, at strength {setting['at']:g}")
        here = float(n) if strength == setting["at"] else None
        chart = along_chart(document, "n", nats, here)
        st.plotly_chart(chart, key="by samples", alt=f"Estimates of {pair.title} by number of samples")
        st.caption(f"What to see: {crossing_said(document)}")
    with right:
        st.markdown(f"**By strength**, with {setting['among']:,} samples")
        chart = along_chart(document, "strength", nats, strength if n == setting["among"] else None)
        st.plotly_chart(chart, key="by strength", alt=f"Estimates of {pair.title} by strength")
        st.caption(f"What to see: {strongest_said(document)} {_dotted(document)}")
    st.caption(
        f"Bars are one standard deviation over seeds; {document['device']}, PyTorch {document['versions']['torch']}, "
        f"{document['seconds']:,.0f} s. `python -m benchmarks.shipped_information --only {document['pair']}`"
    )


def _dotted(document: Mapping[str, Any]) -> str:
    known = any(each["limit"] for point in document["points"] for each in point["estimates"].values())
    return "Dotted: what the Rényi estimates tend to with endless samples." if known else ""


def _at(document: Mapping[str, Any], along: str, place: float) -> dict[str, Reading]:
    """Return what every estimator that was asked reads at one place of a line."""
    return {
        name: found
        for name in ESTIMATORS
        for found in readings(document, name, along)
        if getattr(found, along) == place
    }


def crossing_said(document: Mapping[str, Any]) -> str:
    """Say how far every estimator is off where the two lines cross, and what one estimate takes."""
    setting = document["setting"]
    found = _at(document, "n", setting["among"])
    said = "; ".join(
        f"{ESTIMATORS[name].title} {bias_said(each.mean - each.truth, each.deviation)} ({each.seconds:.2g} s)"
        for name, each in found.items()
    )
    return f"with {setting['among']:,} samples, on average: {said}."


def strongest_said(document: Mapping[str, Any]) -> str:
    """Say which estimators are furthest off, and nearest to the truth, at the greatest strength."""
    last = max(document["setting"]["strengths"])
    off = {name: abs(each.mean - each.truth) for name, each in _at(document, "strength", last).items()}
    near, far = min(off, key=lambda name: off[name]), max(off, key=lambda name: off[name])
    return (
        f"at strength {last:g} {ESTIMATORS[near].title} is nearest to the truth, {off[near]:.2f} nats off, and "
        f"{ESTIMATORS[far].title} furthest, {off[far]:.2f}."
    )


def _explained() -> None:
    with st.expander("What the estimators are, and what each cannot see"):
        st.markdown(_ESTIMATORS)


_ESTIMATORS = f"""
**Closed form.** What Gaussians with the same covariance would tell: ½ ln of a ratio of determinants, by least squares,
as in MIPP's closed form. Exact for Gaussians. Blind to all that is not linear: the ring, the triple, XOR.

**Perceptrons.** The regressors that MIPP trains, {REGRESSORS.members} of them with hidden layers of
{" and ".join(map(str, REGRESSORS.hidden))} for {STEPS} steps (MIPP's default is larger and longer), judged on held-out
samples. They predict the *mean* of y given x. Of a yes or no that is a probability, and the drop of the cross-entropy
is information. Otherwise the drop of the squared error is read as if errors were Gaussian: **on the ring the mean of y
is 0 wherever x is, so they are blind too**, and readings below 0 mean that the fit is worse than the mean.

**Nearest neighbours** (Kraskov, Stögbauer and Grassberger 2004, k = {NEIGHBOURS}). No model, so no blind spot, but
short of samples where much is told or dimensions are many: it then reads too little.

**Rényi, matrix-based**, as CMI pruning has it (arXiv 2411.18578; kernels as wide as the median distance). **At α ≠ 1 it
is another quantity**, and with a Gaussian kernel of fixed width it is at any α: it does not tend to the mutual
information, and a figure of it says how things rank, not how many nats there are. Of discrete variables, compared by
equality, α near 1 is counting.

**Counting.** For discrete variables: shares for probabilities. Reads too much of few samples, by about (cells of the
table less rows and columns) / 2n.
"""

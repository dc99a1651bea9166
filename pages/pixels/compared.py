"""Plain beside deformed digits: how many pixels the closed form keeps of each, and which."""

import streamlit as st

from mipp_core.figures.pixels import blanked_chart, kept_chart, share_map
from mipp_core.reports.pixel_repetitions import Side, side
from mipp_core.reports.pixels import DEFORMED, shipped_pixels
from pages.pixels import said

_PLACE = 14
"""The level that is looked at until one is chosen."""


def panel() -> None:
    """Draw the section."""
    repetitions = shipped_pixels()["repetitions"]
    plain, deformed = side(repetitions, 0.0), side(repetitions, 1.0)
    st.header("Deformed beside plain digits", anchor=False)
    st.markdown(
        "Each digit is warped, bent, made noisy or partly erased, then everything is done again: training, and MIPP in "
        f"closed form. {plain.seeds} seeds each."
    )
    left, right = st.columns(2)
    with left:
        st.plotly_chart(kept_chart(plain, deformed), key="kept", alt="Pixels kept by level, plain and deformed digits")
        st.caption(f"What to see: {counts_said(plain, deformed)}")
    with right:
        st.plotly_chart(
            blanked_chart(plain, deformed), key="blanked", alt="Accuracy lost by pixels kept, plain and deformed digits"
        )
        st.caption(f"What to see: {accuracy_said(plain, deformed)}")
    level = st.select_slider(
        "Level of both maps",
        plain.levels,
        plain.levels[_PLACE],
        key="both",
        bind="query-params",
        help="The level of confidence at which plain and deformed digits are compared.",
    )
    place, needed = plain.levels.index(level), said.of_need(shipped_pixels()["studies"][DEFORMED])
    _maps(plain, deformed, place)
    st.caption(f"What to see: {which_said(plain, deformed, place)} {needed}")
    commands = [each["command"] for each in repetitions if each["seed"] == 0]
    st.code("\n".join(commands), language="bash", wrap_lines=True)


def _maps(plain: Side, deformed: Side, place: int) -> None:
    first, second = (which.shares[place].view(28, 28) for which in (plain, deformed))
    shown = {
        "Plain digits": (first, "of the seeds keep it"),
        "Deformed digits": (-second, "of the seeds keep it"),
        "Plain less deformed": (first - second, "more of the seeds"),
    }
    for column, (title, (shares, words)) in zip(st.columns(3), shown.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.plotly_chart(share_map(shares, words), key=f"map {title}", alt=f"{title}: pixels kept")


def counts_said(plain: Side, deformed: Side) -> str:
    """Say of which digits more pixels are kept."""
    gaps = [more[0] - fewer[0] for fewer, more in zip(plain.counts, deformed.counts, strict=True)]
    always = "at every level" if min(gaps) > 0 else "at some levels" if max(gaps) > 0 else "at no level"
    return (
        f"more pixels are kept of deformed digits {always}: {_count(deformed, 0)} against {_count(plain, 0)} at level "
        f"{plain.levels[0]}, {_count(deformed, -1)} against {_count(plain, -1)} at level {plain.levels[-1]}."
    )


def _count(which: Side, place: int) -> str:
    return "{:.0f} ± {:.0f}".format(*which.counts[place])


def accuracy_said(plain: Side, deformed: Side) -> str:
    """Say what blanking costs on either kind of digits, where as many pixels are left."""
    few = max(plain.counts[-1][0], deformed.counts[-1][0])
    plainly, bent = (_lost(which, few) for which in (plain, deformed))
    return (
        f"with about as many pixels, the dense network loses {plainly} on plain digits and {bent} on deformed ones. "
        "Nothing is trained again here."
    )


def _lost(which: Side, count: float) -> str:
    """Say what is lost at the level that keeps about so many pixels."""
    place = min(range(len(which.levels)), key=lambda at: abs(which.counts[at][0] - count))
    accuracy, off = which.accuracy[place]
    return f"{100 * (which.dense[0] - accuracy):.1f} ± {100 * off:.1f} points with {which.counts[place][0]:.0f} pixels"


def which_said(plain: Side, deformed: Side, place: int) -> str:
    """Say where the pixels lie that deformed digits need."""
    near, far = ("{:.1f} ± {:.1f}".format(*which.away[place]) for which in (plain, deformed))
    return (
        f"slate is kept of plain digits, sky blue of deformed ones. At level {plain.levels[place]} they lie {near} "
        f"pixels from the middle for plain digits and {far} for deformed ones. The border of plain digits is always "
        "black and goes first; in deformed ones it holds ink and, in a quarter of the images, noise that no neighbour "
        "tells. MIPP keeps what the first layer computes, whether or not that tells digits apart."
    )

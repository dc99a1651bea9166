"""The exact toy on the page: measured anew, in about a second, whenever a slider is released."""

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.limits.bits import bound_bits
from mipp_core.limits.mlp_masks import BLIND
from mipp_core.limits.toy import PARAMETERS
from mipp_core.limits.toy_measure import QUICK, Toy, measure
from mipp_core.limits.toy_orders import ORDERS, Setting
from pages.shared.toy_view import draw
from pages.shared.turn import turn

PRUNED = 10
"""Where the paper's figure has its peaks."""

_PAPER = "magnitude after training 9.0, IMP 8.8, SNIP 7.1, GraSP 6.2, and 0 without a look at the data"


def controls() -> None:
    """Draw the sliders of the sidebar."""
    st.slider("Initialisations", 1, 10, 5, key="seeds", bind="query-params", help="Figures are means over them.")
    st.slider(
        "Points per data set",
        2,
        8,
        6,
        key="points",
        bind="query-params",
        help="Corners of the cube, each labelled -1 or 1. Six in the paper: 28 choices x 64 labellings.",
    )
    st.slider(
        "Epochs", 0, 1000, 300, step=50, key="epochs", bind="query-params", help="0: a network that is not trained."
    )
    st.select_slider(
        "Learning rate",
        (0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
        0.5,
        key="rate",
        bind="query-params",
        help="Of plain gradient descent on all points.",
    )
    st.toggle(
        "IMP too",
        False,
        key="imp",
        bind="query-params",
        help="Iterative magnitude pruning trains again for every parameter: about five seconds per initialisation.",
    )


@st.cache_data(max_entries=50, show_spinner=False)
def _measured(seeds: int, points: int, epochs: int, rate: float, imp: bool) -> Toy:
    names = tuple(ORDERS) if imp else QUICK
    with turn():
        return measure(names, seeds, Setting(epochs, rate), points)


def panel() -> None:
    """Draw the toy."""
    state = st.session_state
    st.markdown(
        "A perceptron of **3 inputs, 4 hidden units and 1 output** has 21 parameters. Some corners of the cube "
        "{−1, 1}³ with a label each make a data set (six of them: 1,792 data sets), and **all are tried**. So how much "
        "a mask tells of the data is not estimated: the masks are counted. Move over the chart, or use the arrow keys."
    )
    try:
        with st.spinner("Training every data set's network…", show_time=True):
            toy = _measured(state["seeds"], state["points"], state["epochs"], state["rate"], state["imp"])
    except MippError as problem:
        st.error(str(problem), icon=":material/block:")
        return
    draw(toy, PRUNED)
    fit = sum(toy.accuracy) / len(toy.accuracy)
    st.caption(
        f"Measured on this machine: {len(toy.accuracy)} initialisations, {toy.data_sets:,} data sets each, dense "
        f"networks are right on {fit:.1%} of their points; {toy.seconds:.1f} s on one core. "
        f"`mipp limits toy --pruned {PRUNED} {_flags(toy)} --json`"
    )
    _explained(toy)


def _flags(toy: Toy) -> str:
    how = f"--seeds {len(toy.accuracy)} --points {toy.points} --epochs {toy.setting.epochs} --rate {toy.setting.rate:g}"
    return how + (" --imp" if "imp" in toy.bits else "")


def _explained(toy: Toy) -> None:
    free = [name for name in BLIND if name in toy.bits]
    exact = all(toy.mean(name, step) == 0 for name in free for step in range(PARAMETERS + 1))
    rows = {name: (toy.mean(name, PRUNED), toy.spread(name, PRUNED)) for name in toy.bits if name not in free}
    ranked = sorted(rows, key=lambda name: -rows[name][0])
    said = ", ".join(f"**{name}** {rows[name][0]:.2f} ± {rows[name][1]:.2f}" for name in ranked)
    st.markdown(
        f"**What to see.** At {PRUNED} parameters pruned: {said} bits, of {toy.ceiling:.2f} that there are and "
        f"{bound_bits(PARAMETERS, PRUNED):.2f} that a mask of this size can hold. "
        f"{', '.join(free)}: {'exactly 0' if exact else 'not 0'}, for every number pruned. "
        f"The paper reports, for six points: {_PAPER}."
    )
    with st.expander("Theorem, caveats, and where we differ from the paper"):
        st.markdown(_THEOREM)


_THEOREM = """
**Why count bits.** A sparse network is described by its weights *and* by which of them are there. If the mask was
chosen by looking at the data, the choice itself can store what the data say. The paper's *effective* number of
parameters is

p_eff = number of non-zero weights + I(mask; data),  up to logarithmic factors.

The law of robustness then holds for sparse networks with p_eff in the place of p: to fit n noisy labels in d dimensions
smoothly takes p_eff of the order of n d. A mask that was found without the data (random, SynFlow, the initial
magnitudes) adds nothing; one that was found by training adds up to the bits counted here. That is why pruning *at
initialisation* is hard: there is no free prune.

**Why the count is exact.** Given the initial weights, a mask follows from the data: H(mask | data, initialisation) = 0,
so I(mask; data | initialisation) = H(mask | initialisation), and every data set is equally likely.

**Caveats.** So small a network lives where *layers collapse*: with many parameters pruned, whole units and often the
output are cut off, and masks can differ in parameters that no longer do anything. Such masks carry bits all the same.
A random mask carries 0 bits *given its seed*; so do all figures here, which are given the initialisation.

**Where we differ.** The paper does not say loss, learning rate or number of epochs; here it is the logistic loss with
plain gradient descent. With 10 parameters pruned and 20 initialisations (`mipp limits toy --seeds 20`), magnitude
after training carries 9.21 ± 0.88 bits and SNIP 6.98 ± 2.03, as published; GraSP 8.32 ± 0.85, above the published 6.2
and above SNIP. The paper does not say whether it took GraSP's score or its absolute value. Of the first five
initialisations, number 1 has two dead hidden units: there SNIP's masks are the same for all data, 0 bits, which takes
1.5 off its mean.
"""

"""The experiments behind the toy: what each asks, its chart, what to see in it, and the paper's figures beside."""

from statistics import fmean, pstdev
from typing import Any

import pandas as pd
import streamlit as st

from mipp_core.figures.limits import (
    bound_chart,
    fashion_chart,
    masks_chart,
    memorisation_chart,
    noise_chart,
    preserved_chart,
    robustness_chart,
    units_chart,
)
from pages.limits.studies import Document, panel


def units() -> None:
    """Draw MIPP and CMI in the toy."""
    st.markdown(
        "MIPP takes whole units: which of the toy's **four hidden units** stay, for every one of the 1,792 data sets, "
        "counted as exactly as before. It looks at what the output neuron computes, never at a label."
    )
    panel("units", _units)


def _units(document: Document) -> None:
    left, right = st.columns(2)
    with left:
        st.markdown("**MIPP: bits against confidence**")
        st.plotly_chart(units_chart(document), key="units by level")
    with right:
        st.markdown("**CMI: bits against units kept**")
        st.plotly_chart(units_chart(document, "kept"), key="units kept")
    st.markdown(f"**What to see.** {units_said(document)}")
    with st.expander("Theorem 1, and whether preserving information bounds the bits in a mask", expanded=True):
        left, right = st.columns(2)
        with left:
            st.markdown(_theorem_said(document))
            st.plotly_chart(preserved_chart(document), key="preserved")
        with right:
            st.markdown(_bound_said(document))
            st.plotly_chart(bound_chart(document), key="bound")


def at(document: Document, pruner: str, start: str, place: int, key: str = "bits") -> tuple[float, float]:
    """Return mean and standard deviation over initialisations at one place of a sweep."""
    curve = next(each for each in document["curves"] if (each["pruner"], each["start"]) == (pruner, start))
    values = [one[place] for one in curve[key]]
    return fmean(values), pstdev(values)


def units_said(document: Document) -> str:
    """Say what the figures show, from the figures."""
    before, after = (at(document, "mipp-closed-form", start, 9) for start in ("initial", "trained"))
    early, late = (at(document, "mipp-closed-form", start, 9, "labels")[0] for start in ("initial", "trained"))
    cmi, told = (at(document, "cmi", "initial", 2, key)[0] for key in ("bits", "labels"))
    words = (
        f"At level 9 MIPP's masks carry {before[0]:.2f} ± {before[1]:.2f} bits at initialisation and {after[0]:.2f} ± "
        f"{after[1]:.2f} after training, in closed form. Of those, {early:.2f} and {late:.2f} are about the "
        "**labels**, given which corners were drawn. Before training that must be 0: the weights have not seen a "
        "label, and MIPP asks for none. CMI asks for the labels: with two units kept, before any training, "
        f"{told:.2f} of its {cmi:.2f} bits are about them."
    )
    if any(curve["pruner"] == "mipp" for curve in document["curves"]):
        bits, labels = (
            [at(document, "mipp", start, 9, key)[0] for start in ("initial", "trained")] for key in ("bits", "labels")
        )
        words += f" By perceptrons it is {bits[0]:.2f} and {bits[1]:.2f}, of which {labels[0]:.2f} and {labels[1]:.2f}."
    return words


def _theorem_said(document: Document) -> str:
    kept = at(document, "mipp-closed-form", "trained", 0, "kept")[0]
    last, lost = (at(document, "mipp-closed-form", "trained", 19, key)[0] for key in ("kept", "lost"))
    return f"""
**Theorem 1 of MIPP, in short.** If the units that stay tell as much of the next layer as all of them did, then there is
a function that rebuilds the next layer from them, and so, layer by layer, the network's answer. At level 0 nothing may
be lost: on average {kept:.2f} of 4 units stay, and the output is rebuilt to within a millionth of its variance. Higher
levels allow a loss, and at level 19 {last:.2f} units stay and {lost:.1%} is lost.
"""


def _bound_said(document: Document) -> str:
    bits = at(document, "mipp-closed-form", "trained", 0)[0]
    most, ceiling = document["most"], document["ceiling"]
    return f"""
**The claim put to the test.** MIPP's later version says that I(D; M) ≤ H(D), *and that this is reached* when
information is preserved layer by layer. The first part holds for any mask, by definition. The second does not hold
here: at level 0 all is preserved, and masks carry **{bits:.2f} bits** of H(D) = **{ceiling:.2f}**. A mask of four units
cannot carry more than {most:.0f}. That the *network* keeps what matters is no reason for the *mask* to say which data
it saw.
"""


def memorisation() -> None:
    """Draw memorisation."""
    st.markdown(
        "Random labels can only be memorised. 30 Gaussian points in 30 dimensions, a perceptron of two hidden layers, "
        "pruned and then trained from its initial weights: **how many networks still memorise them?**"
    )
    panel("memorisation", _memorisation)


def _memorisation(document: Document) -> None:
    st.plotly_chart(memorisation_chart(document), key="memorisation")
    published = document["published"]
    found = {row["pruner"]: row for row in document["rows"] if row["sparsity"] == published["sparsity"]}
    if found:
        table = {
            name: {
                "Here": row["memorised"],
                "± standard error": row["spread"],
                "The paper": _if_any(published["memorised"].get(name)),
            }
            for name, row in found.items()
        }
        st.markdown(f"At {published['sparsity']:.0%} pruned:")
        _percents(table, "Share that memorises")
        here = {name: row["memorised"] for name, row in found.items()}
        st.markdown(
            f"**What to see.** At this size: {_ranked(here)}. IMP has trained at every step of its way to the mask. "
            "Having looked at the data is not enough by itself: where SynFlow, which never looks, is ahead of the "
            "magnitude after training, the shape of the network counts for more than what its mask knows."
        )


def noise() -> None:
    """Draw the correlation with noise."""
    st.markdown(
        "A student network learns labels that are a teacher's answers **plus noise**, is pruned by a fifth of its "
        "weights, rewound, and trained again. How much of the *noise* does it hold?"
    )
    panel("noise", _noise)


def _noise(document: Document) -> None:
    st.plotly_chart(noise_chart(document), key="noise")
    rows = document["rows"]
    full = [row for row in rows if row["last"] >= _ALL]
    last = rows[-1]
    held = f"to {_ALL} or more up to {full[-1]['round']} prunings ({full[-1]['sparsity']:.0%} of the weights gone)"
    held = held if full else f"but never to {_ALL}"
    st.markdown(
        "**What to see.** (1/n) Σ (f(xᵢ) − f̄) zᵢ, 1 if the noise is fitted. It falls to nearly 0 at each pruning, "
        f"since weights are rewound, and climbs back, {held}. In the end, after {last['round']} prunings "
        f"({last['sparsity']:.1%} gone) {last['last']:.2f} ± {last['deviation']:.2f}. The paper: back to about 1, "
        "and a decay after about nine rounds."
    )


_ALL = 0.95


def fashion() -> None:
    """Draw noisy images."""
    st.markdown(
        "Gaussian noise of variance 3 is added to Fashion-MNIST, so much that little but noise is left to fit. "
        "**How well do networks with 1% of their weights fit the training images?**"
    )
    panel("fashion", _fashion)


def _fashion(document: Document) -> None:
    st.plotly_chart(fashion_chart(document), key="fashion")
    name = document["setting"]["dataset"]
    if name != "fashion-mnist":
        st.caption(f"The small setting takes {name}, which needs no download: not to be compared with the paper.")
    here = {row["pruner"]: row["accuracy"] for row in document["rows"]}
    st.markdown(
        f"**What to see.** Here: {_ranked(here)}. The paper: {_ranked(document['published']['accuracy'])}. IMP has "
        "trained at every step of its way to the mask. Where SynFlow, which never looks, is level with the magnitude "
        "after training, the shape of the network counts for more than what its mask knows."
    )


def _ranked(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {found[name]:.0%}" for name in sorted(found, key=lambda name: -found[name]))


def robustness() -> None:
    """Draw the law of robustness."""
    st.markdown(
        "**The law of robustness:** a network that fits noisy labels must be *steep*, the steeper the fewer effective "
        "parameters it has: Lip(f) ≳ ε √(n d / p_eff). Here is how steep networks of different sparsity are, once they "
        "fit."
    )
    panel("robustness", _robustness)


def _robustness(document: Document) -> None:
    st.plotly_chart(robustness_chart(document), key="robustness")
    st.markdown(
        "**What to see.** The law is a lower bound that grows to the right; the measured constant is itself a lower "
        "bound: the largest gradient at the points and between them. Random masks carry 0 bits given their seed, so "
        "their p_eff is known. Masks from trained weights may carry up to log₂ of the number of masks: then their "
        "point lies anywhere on the bar to its left. Only seeds that fit are in a mean; where less than nine in ten "
        "do, circles are open and say little. At the highest sparsities random masks fit a few times where masks from "
        "trained weights never do, which a larger p_eff alone would not explain."
    )


def masks() -> None:
    """Draw what can be said of networks of useful size."""
    st.markdown(
        "For LeNet5 nobody can count I(mask; data). Two things are known: its bounds, and **how far masks agree** that "
        "come from the same initial weights and *other images*. Masks that are equal on these do not tell them apart."
    )
    panel("masks", _masks)


def _masks(document: Document) -> None:
    st.plotly_chart(masks_chart(document), key="masks")
    share, count = document["setting"]["share"], document["setting"]["images"]
    st.caption(
        f"LeNet5 on mnist-sample, {share:.0%} of its {document['units']} units removed; "
        f"{document['setting']['copies']} disjoint sets of {count:,} images; MIPP in its small setting, CMI with "
        "α = 2. *A measured proxy, not bits.*"
    )
    rows = document["rows"]
    st.dataframe(
        agreement_table(rows), hide_index=True, alt="Agreement and p_eff of every pruner", column_config=_columns()
    )
    for name, problem in document["refused"].items():
        st.caption(f"{name} was left out: {problem}")
    most = max(row["bound"] for row in rows)
    silent = ", ".join(dict.fromkeys(row["pruner"] for row in rows if row["start"] == "initial" and not row["looks"]))
    st.markdown(
        f"**What to see.** At initialisation the masks of pruners that never look ({silent}) "
        "are *equal*, and those of most others nearly so. After training they differ from one set of images to the "
        f"next. But masks of whole units are small: at most {most:.0f} bits beside thousands of weights that stay, so "
        "p_eff is the weights. What *No Free Prune* says bites where single weights are pruned, and masks are as long "
        "as the network."
    )


def agreement_table(rows: list[Document]) -> pd.DataFrame:
    """Return a line per pruner and start: agreement both ways, and p_eff's two parts."""
    lines: dict[tuple[str, str], dict[str, object]] = {}
    for row in rows:
        empty = {"Pruner": row["pruner"], "Start": row["start"], "Other images": None, "Other seeds": None}
        line = lines.setdefault((row["pruner"], row["start"]), empty)
        line["Other images" if row["way"] == "images" else "Other seeds"] = row["agreement"]
        line["Weights that stay"] = round(row["weights"])
        line["I(mask; data) at most"] = row["bound"] if row["looks"] else 0.0
    return pd.DataFrame([*lines.values()])


def _columns() -> dict[str, Any]:
    return {
        "Other images": st.column_config.NumberColumn(
            format="%.2f", help="1: the same mask whatever the images; 0: chance."
        ),
        "Other seeds": st.column_config.NumberColumn(
            format="%.2f", help="The same images, other initial weights: units of two networks have nothing in common."
        ),
        "Weights that stay": st.column_config.NumberColumn(format="localized"),
        "I(mask; data) at most": st.column_config.NumberColumn(
            format="%.0f bits",
            help="0 for pruners that never look; for others log₂ of the number of masks of that size.",
        ),
    }


def _if_any(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _percents(rows: dict[str, dict[str, object]], words: str) -> None:
    table = pd.DataFrame.from_dict(rows, orient="index")
    config = {name: st.column_config.NumberColumn(format="percent") for name in table.columns if name != "The paper"}
    config["The paper"] = st.column_config.TextColumn(alignment="right")
    st.dataframe(table, alt=words, column_config=config)

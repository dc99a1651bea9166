"""Lesson 6: no free prune."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mipp_core.limits.mlp_masks import BLIND
from mipp_core.limits.toy import PARAMETERS
from mipp_core.limits.toy_measure import Toy, measure
from mipp_core.reports.lessons.lesson import Guess, Link, Masks, Memorised, Step
from mipp_core.reports.lessons.words import counted, listed, share
from mipp_core.reports.limits import shipped_studies

PRUNED = 10
"""Where the paper's figure has its peaks."""

_CALLED = {
    "magnitude-after": "the largest weights after training",
    "magnitude-at-init": "the largest weights before training",
    "imp": "IMP",
    "snip": "SNIP",
    "grasp": "GraSP",
    "synflow": "SynFlow",
    "random": "masks drawn by lot",
}

_EPS = 1e-9


def steps() -> tuple[Step, ...]:
    """Make the lesson's steps: the toy is measured now, in seconds; the other experiment ships."""
    return told(measure(), shipped_studies()["memorisation"])


def told(toy: Toy, study: Mapping[str, Any]) -> tuple[Step, ...]:
    """Make the lesson's steps.

    Args:
        toy: measured, with the largest weights after training, SNIP and random masks.
        study: the document of memorisation.
    """
    return _message(toy), _blind(toy), _seeing(toy), _worth(study), _end(toy)


def _message(toy: Toy) -> Step:
    return Step(
        "A mask is a message",
        f"A tiny network has {PARAMETERS} **parameters**, the numbers that training sets. **Pruning** takes some of "
        "them out; a **mask** is the list of which stay. If it was chosen for a reason, the mask may give that reason "
        "away.\n\nHow much a message tells is counted in **bits**: the answer to one yes-or-no question is 1 bit. The "
        f"tiny network learns from one of {toy.data_sets:,} data sets. To say which one it was takes {toy.ceiling:.1f} "
        "bits: that many yes-or-no questions, if they are well chosen. Does a mask answer some of them?",
    )


def _blind(toy: Toy) -> Step:
    bits = toy.mean("random", PRUNED)
    return Step(
        "Drawn by lot",
        f"{PRUNED} of the {PARAMETERS} parameters are taken out by lot. Nobody looks at the data.",
        Masks(_only("random", toy), PRUNED),
        Guess(
            "How many bits does such a mask tell about the data set?",
            ("None", "About 1", "More than 2"),
            0 if bits < _EPS else 1 if bits <= 2 else 2,
            f"**{bits:.2f} bits**, counted over all {toy.data_sets:,} data sets.",
        ),
        f"Every data set gets the same mask, so the mask cannot tell them apart. {_blind_ones(toy)}",
    )


def _only(name: str, toy: Toy) -> Toy:
    return replace(toy, bits={name: toy.bits[name]}, commonest={name: toy.commonest[name]})


def _blind_ones(toy: Toy) -> str:
    silent = [name for name in BLIND if name in toy.bits and toy.mean(name, PRUNED) < _EPS and name != "random"]
    if not silent:
        return ""
    named = listed([_CALLED[name] for name in silent])
    return f"The same is true of every method that does not look at the data: here of {named}."


def _seeing(toy: Toy) -> Step:
    after, snip = (toy.mean(name, PRUNED) for name in ("magnitude-after", "snip"))
    return Step(
        "Chosen by looking",
        "Two methods look at the data. **SNIP** asks, before any training, how much each parameter matters for the "
        "data at hand. The other trains the network first and keeps the **largest weights after training**.",
        Masks(toy, PRUNED),
        Guess(
            "Which of their masks tells more about the data?",
            ("SNIP's, before training", "The largest weights, after training", "Both the same, to a tenth of a bit"),
            2 if abs(after - snip) < 0.1 else int(after > snip),
            f"The largest weights after training tell **{after:.1f} bits**, SNIP **{snip:.1f}**, of the "
            f"{toy.ceiling:.1f} that there are; means over {counted(len(toy.accuracy), 'network')} with other random "
            "weights at the start.",
        ),
        "In the chart they are called *snip* and *magnitude-after*. Move over it, or use the arrow keys: how many "
        "parameters are pruned changes how much a mask can tell. With it come the masks themselves; the more there "
        "are, the more they tell.",
    )


def _worth(study: Mapping[str, Any]) -> Step:
    sparsity = study["published"]["sparsity"]
    found = {row["pruner"]: row["memorised"] for row in study["rows"] if row["sparsity"] == sparsity}
    ranked = sorted(found, key=lambda name: -found[name])
    said = ", ".join(f"{_CALLED[name]} {share(found[name])}" for name in ranked)
    random = found["random"]
    return Step(
        "What the bits are worth",
        f"Points get random labels, which can only be learnt by heart. Of another small network {share(sparsity)} of "
        "the weights are taken out; then it is trained. Masks drawn by lot know nothing of the points. Masks of "
        "**IMP** come from training, pruning a little and starting again, many times over: they have seen a lot.",
        Memorised(
            f"Share of networks that memorise, at {share(sparsity)} pruned: {said}",
            "which methods still memorise where most weights are gone.",
        ),
        Guess(
            f"With random masks, how many of {study['setting']['seeds']} networks still learn all labels by heart?",
            ("Next to none: less than 10%", "About half: 10 to 90%", "Nearly all: more than 90%"),
            0 if random < 0.1 else 2 if random > 0.9 else 1,
            f"**{share(random)}** with random masks, {share(found['imp'])} with IMP's.",
        ),
        f"{_looking(found)} A sparse network can hold what its weights hold *and* what the choice of them says. That "
        "is the paper's **effective number of parameters**: weights that stay, plus bits in the mask.",
    )


def _looking(found: Mapping[str, float]) -> str:
    blind = [name for name in BLIND if name in found and name != "random"]
    best = max(blind, key=lambda name: found[name], default="")
    if best and found[best] > found["random"] + 0.1:
        return (
            f"But mind {_CALLED[best]}: without a look at the data {share(found[best])} of the networks memorise, and "
            f"with {_CALLED['magnitude-after']} {share(found['magnitude-after'])}. What shape a mask leaves the "
            "network in counts, too, not only what the mask knows."
        )
    return "No method that does not look at the data comes near."


def _end(toy: Toy) -> Step:
    after = toy.mean("magnitude-after", PRUNED)
    return Step(
        "In short",
        "- Which weights stay is itself a message about the data.\n"
        f"- A mask that was drawn without a look at the data tells {toy.mean('random', PRUNED):.0f} bits; one from "
        f"training, in the tiny network, {after:.1f} of {toy.ceiling:.1f}.\n"
        "- *No free prune* means: a mask that was found before training cannot know what training would have told "
        "it.\n\nLimits has this toy with all its settings, and six experiments more.",
        Masks(toy, PRUNED),
        link=Link("Go on in Limits", "limits", {}),
    )

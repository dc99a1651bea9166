"""Lessons: what they say holds in the documents that ship, and would be another thing if these said another."""

import copy
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from statistics import fmean

import pytest

from mipp_core.limits.toy_measure import Toy
from mipp_core.limits.toy_orders import Setting
from mipp_core.reports.archive import shipped_runs
from mipp_core.reports.lessons import LESSONS, chosen, free, keeps, pixels, training, widths
from mipp_core.reports.lessons.lesson import Bars, Choice, Lines, Network
from mipp_core.reports.lessons.reading import raced, run_named
from mipp_core.reports.limits import shipped_studies
from mipp_core.runs.result import entry_of

JARGON = ("unit", "dense", "rebuil", "retrain", "MACs", "epoch", "seed", "level", "parameter")
"""Beginnings of words that a lesson explains where it first says them: there they are emphasised."""

EMPHASISED = re.compile(r"\*{1,2}[^*\n]+\*{1,2}")


def curve(first, last):
    """Return bits that grow evenly over 21 parameters pruned."""
    return [[first + (last - first) * step / 21 for step in range(22)]]


@pytest.fixture(scope="module")
def toy():
    """A toy whose figures are made up: the trained masks tell most, random ones nothing."""
    bits = {"magnitude-after": curve(9.0, 9.0), "snip": curve(6.0, 6.0), "synflow": curve(0, 0), "random": curve(0, 0)}
    return Toy(Setting(300, 0.5), 6, 1792, bits, {name: [[(0, 1.0)]] * 22 for name in bits}, [0.97], 0.1)


@cache
def made(name):
    return LESSONS[name].steps()


def telling(name):
    """Return the steps of a lesson whose guess is about something, by their title."""
    return {step.title: step for step in made(name)}


def said(step):
    """Return all words of a step in the order in which they are read."""
    guess = step.guess
    asked = [guess.question, *guess.options, guess.because] if guess else []
    return "\n".join([step.text, *asked, step.after])


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_has_three_to_five_steps_asks_and_leads_on(name):
    steps = made(name)
    assert 3 <= len(steps) <= 5
    guesses = [step.guess for step in steps if step.guess]
    assert guesses
    for guess in guesses:
        assert 2 <= len(set(guess.options)) == len(guess.options)
        assert 0 <= guess.truth < len(guess.options)
    assert [step.link is not None for step in steps] == [False] * (len(steps) - 1) + [True]


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_draws_what_ships(name):
    known = {run_named(folder.name)["hash"]: run_named(folder.name) for folder in shipped_runs()}
    for step in made(name):
        if isinstance(step.view, Network):
            assert step.view.level in [entry["level"] for entry in known[step.view.run]["levels"]]


@pytest.mark.parametrize("name", LESSONS)
@pytest.mark.parametrize("word", JARGON)
def test_a_word_is_explained_where_it_first_appears(name, word):
    text = "\n".join(map(said, made(name)))
    first = re.search(rf"\b{word}", text, re.IGNORECASE)
    spans = [found.span() for found in EMPHASISED.finditer(text)]
    assert first is None or any(begin < first.start() < end for begin, end in spans), text[first.start() - 60 :][:120]


@pytest.mark.parametrize("name", LESSONS)
def test_the_words_under_a_headline_are_explained_before_it(name):
    for place, step in enumerate(made(name)):
        if isinstance(step.view, Network) and "headline" in step.view.parts:
            before = "\n".join(map(said, made(name)[: place + 1]))
            assert all(f"*{word}*" in before for word in ("dense", "MACs", "parameters", "collapses"))


def test_what_mipp_keeps_holds_in_its_run():
    run = run_named("closed-trained-0")
    steps = telling("keeps")
    near = [e["sparsity"] for e in run["levels"] if e["accuracy_retrained"] >= run["dense_accuracy"] - 0.01]
    guess = steps["How many can go?"].guess
    assert f"**{max(near):.0%}**" in guess.because
    assert guess.truth == sum(max(near) >= edge for edge in (0.25, 0.5, 0.75))
    cut = min(run["levels"], key=lambda entry: abs(entry["sparsity"] - 0.7))
    repair = steps["Cut, rebuilt, retrained"]
    assert repair.guess.truth == sum(cut["accuracy_pruned"] >= edge for edge in (0.25, 0.5, 0.9))
    assert f"{cut['accuracy_rebuilt']:.1%}" in repair.after and f"{cut['accuracy_retrained']:.1%}" in repair.after
    kept = [{(layer["name"], unit) for layer in e["layers"] for unit in layer["kept_units"]} for e in run["levels"]]
    nested = all(higher <= lower for lower, higher in pairwise(kept))
    assert ("no unit comes back" in steps["One question for every unit"].text) == nested


def test_units_that_come_back_are_not_denied():
    run = run_named("trained-0")
    assert "no unit comes back" not in keeps.told(run)[1].text


def spoilt(runs, choice, **reached):
    """Return copies in which a choice of units reaches other accuracies, one for all seeds or one for each."""
    changed = copy.deepcopy(list(runs))
    for place, run in enumerate(changed):
        for entry in run["levels"]:
            values = entry if choice == "mipp" else entry["controls"][choice]
            for measure, value in reached.items():
                values[f"accuracy_{measure}"] = value[place] if isinstance(value, tuple) else value
    return changed


def test_random_against_chosen_holds_in_the_comparison():
    runs, level = raced("trained"), 9
    lots = fmean(entry_of(run, level)["controls"]["random"]["accuracy_pruned"] for run in runs)
    own = fmean(entry_of(run, level)["accuracy_pruned"] for run in runs)
    _, cut, again, further, _ = chosen.told(runs, run_named("trained-0"))
    assert f"**{own:.1%}**" in cut.text and f"**{lots:.1%}** on average" in cut.guess.because
    assert f"{100 * (own - lots):.1f} points" in cut.after
    assert cut.guess.truth == (2 if lots < 0.5 else 1 if own - lots >= 0.05 else 0)
    means = [
        fmean(values["accuracy_retrained"] for values in found)
        for found in zip(
            *[(entry_of(run, level), entry_of(run, level)["controls"]["random"]) for run in runs], strict=True
        )
    ]
    assert again.guess.truth == (0 if means[0] - means[1] >= 0.05 else 1 if means[0] - means[1] >= 0.01 else 2)
    assert f"{100 * abs(means[0] - means[1]):.2f} points" in again.guess.because
    assert isinstance(further.view, Choice) and all(isinstance(view, Lines) for view in further.view.options.values())


def test_random_units_that_do_as_well_are_said_to():
    runs = spoilt(raced("trained"), "random", pruned=0.96, retrained=(0.99, 0.991, 0.9905))
    _, cut, again, *_ = chosen.told(runs, run_named("trained-0"))
    assert cut.guess.truth == 0 and "no more than the luck" in cut.after
    assert again.guess.truth == 2
    ruined = chosen.told(spoilt(runs, "random", pruned=0.3, retrained=0.8), run_named("trained-0"))
    assert ruined[1].guess.truth == 2 and ruined[2].guess.truth == 0
    assert "it matters which units stay" in ruined[2].after


@pytest.mark.parametrize(
    ("fresh", "truth", "words"),
    [
        ((0.95, 0.951, 0.952), 0, "the widths alone do not explain it"),
        ((0.995, 0.996, 0.997), 1, "speaks against us"),
        ((0.9813, 0.9849, 0.9824), 2, "as far as these seeds can tell"),
    ],
)
def test_whether_widths_explain_it_is_decided_by_the_seeds(fresh, truth, words):
    step = widths.told(spoilt(raced("trained"), "scratch", retrained=fresh), run_named("trained-0"))[1]
    assert step.guess.truth == truth
    assert words in step.after


def test_widths_are_those_of_the_run_and_every_size_is_drawn():
    runs = raced("trained")
    width, fresh, sizes, end = made("widths")
    entry = entry_of(run_named("trained-0"), 14)
    assert f"**{'-'.join(str(layer['kept']) for layer in entry['layers'])}**" in width.text
    values = [entry_of(run, 14)["controls"]["scratch"]["accuracy_retrained"] for run in runs]
    assert f"fresh weights **{fmean(values):.2%}**" in fresh.guess.because
    assert len(sizes.view.options) == len(runs[0]["levels"])
    assert isinstance(end.view, Bars)


def test_before_and_after_training_holds_in_its_runs():
    run = run_named("closed-untrained-0")
    last = run["levels"][-1]
    lost = run["dense_accuracy"] - last["accuracy_retrained"]
    _, trained, which, elsewhere, _ = made("training")
    assert trained.guess.truth == sum(lost >= edge for edge in (0.005, 0.02, 0.1))
    assert f"{100 * lost:.2f} points less" in trained.guess.because
    lots = [entry_of(run, 19)["controls"]["random"]["accuracy_retrained"] for run in raced("untrained")]
    assert f"**{sum(value < 0.2 for value in lots)} of {len(lots)}**" in which.guess.because
    assert {bar.name for bar in elsewhere.view.bars} >= {"conv1, before", "fc2, after"}


@pytest.mark.parametrize(("lots", "truth"), [(0.95, 0), ((0.1, 0.9, 0.9), 1), (0.1135, 2)])
def test_how_many_random_networks_guess_is_counted(lots, truth):
    runs = spoilt(raced("untrained"), "random", retrained=lots)
    runs = spoilt(runs, "mipp", retrained=0.94)
    step = training.told(run_named("closed-untrained-0"), runs, run_named("untrained-0"), run_named("trained-0"))[2]
    assert step.guess.truth == truth
    assert ("as surely as MIPP's" in step.after) == (truth == 0)


def test_which_pixels_holds_in_its_runs():
    run = run_named("closed-pixels-0")
    _, where, many, _ = made("pixels")
    kept = set(run["levels"][0]["layers"][0]["kept_units"])
    rim = [p for p in range(784) if not (4 <= p // 28 < 24 and 4 <= p % 28 < 24)]
    gone = sum(p not in kept for p in rim) / len(rim)
    assert f"**{gone:.0%}** of the pixels within 4 of the edge" in where.guess.because
    assert where.guess.options[where.guess.truth] == "Near the edge"
    full = [e for e in run["levels"] if e["accuracy_retrained"] >= run["dense_accuracy"] - 0.005]
    most = max(e["layers"][0]["pruning_ratio"] for e in full)
    assert f"**{most:.0%}**" in many.guess.because
    assert many.guess.truth == sum(most >= edge for edge in (0.1, 0.3, 0.5, 0.75))


@pytest.mark.parametrize(
    ("kept", "truth"), [(range(0, 784, 2), 2), ([p for p in range(784) if p % 28 < 4 or p // 28 < 4], 1)]
)
def test_where_pixels_go_is_counted(kept, truth):
    run = copy.deepcopy(run_named("closed-pixels-0"))
    layer = run["levels"][0]["layers"][0]
    layer["kept_units"], layer["kept"] = list(kept), len(kept)
    assert pixels.told(run, run_named("pixels-0"), run_named("closed-trained-0"))[1].guess.truth == truth


def test_no_free_prune_holds_in_the_toy_and_in_what_ships(toy):
    study = shipped_studies()["memorisation"]
    _, lots, looking, worth, _ = free.told(toy, study)
    assert lots.guess.truth == 0 and "**0.00 bits**" in lots.guess.because and "SynFlow" in lots.after
    assert looking.guess.truth == 1 and "**9.0 bits**" in looking.guess.because
    found = {
        row["pruner"]: row["memorised"] for row in study["rows"] if row["sparsity"] == study["published"]["sparsity"]
    }
    assert worth.guess.truth == (0 if found["random"] < 0.1 else 2 if found["random"] > 0.9 else 1)
    assert f"{found['imp']:.0%} with IMP's" in worth.guess.because
    assert f"{found['synflow']:.0%} of the networks memorise" in worth.after


def test_other_bits_would_be_said(toy):
    study = shipped_studies()["memorisation"]
    other = replace(toy, bits={**toy.bits, "random": curve(3, 3), "synflow": curve(1, 1), "snip": curve(9.5, 9.5)})
    _, lots, looking, *_ = free.told(other, study)
    assert lots.guess.truth == 2 and "does not look at the data" not in lots.after
    assert looking.guess.truth == 0
    assert free.told(replace(toy, bits={**toy.bits, "snip": curve(9.04, 9.04)}), study)[2].guess.truth == 2

"""The page Learn: lessons by their address, guesses before figures, and links on that open what they say."""

import json
from functools import cache
from urllib.parse import parse_qs, urlsplit

import pytest

from mipp_core.reports.lessons import LESSONS
from mipp_core.reports.lessons.lesson import Choice, Network
from pages.shared import living_view
from pages.shared.finding import shipped_name
from pages.shared.presets import PRESETS, RUNS, link

pytestmark = pytest.mark.filterwarnings("default")


@cache
def steps_of(name):
    return LESSONS[name].steps()


def first_guess(name):
    """Return the number of the first step that asks, and what it asks."""
    return next((number, step.guess) for number, step in enumerate(steps_of(name), 1) if step.guess)


def given(app, view):
    """Return what the views of a kind were given."""
    return [json.loads(each.proto.json) for each in app.get("bidi_component") if each.proto.component_name == view]


def heading(app):
    return given(app, "lesson_heading")[0]


def links(app):
    return {each.proto.label: each.proto.url for each in app.get("link_button")}


def test_the_start_has_a_card_for_every_lesson_and_results_to_open(learn):
    app = learn()
    assert not app.exception
    assert [card.value for card in app.header][:-1] == [lesson.title for lesson in LESSONS.values()]
    named = {name: link("", {"run": shipped_name(folder)}) for name, folder in RUNS.items()}
    assert links(app) == {name: link("", controls) for name, controls in PRESETS.items()} | named
    app.button(key="begin widths").click().run()
    assert app.query_params == {"lesson": "widths", "step": "1"}
    assert app.title[0].value == LESSONS["widths"].title


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_walked_to_its_end(learn, words, name):
    app = learn(lesson=name)
    for number, step in enumerate(steps_of(name), 1):
        assert not app.exception
        assert heading(app)["title"] == step.title and heading(app)["step"] == number
        if step.guess:
            hidden = [step.guess.because, *([step.after] if step.after else [])]
            assert not any(text in words(app) for text in hidden)
            assert "next" not in {button.key for button in app.button}
            assert not given(app, "living_network") and not app.get("plotly_chart")
            app.radio[0].set_value(step.guess.truth)
            app.button(key="guess").click().run()
            assert not app.exception
            assert "**Right.**" in words(app) and all(text in words(app) for text in hidden)
            assert heading(app)["news"] and not app.radio
        if number < len(steps_of(name)):
            app.button(key="next").click().run()
    assert step.link.words in links(app)
    app.button(key="all").click().run()
    assert app.query_params == {}
    assert app.button(key=f"begin {name}").label.startswith("Again")
    assert "done" in words(app)


@pytest.mark.parametrize("name", LESSONS)
def test_a_wrong_guess_is_shown_again_beside_the_truth(learn, words, name):
    number, guess = first_guess(name)
    wrong = (guess.truth + 1) % len(guess.options)
    app = learn(lesson=name, step=str(number), guess=str(wrong + 1))
    assert not app.exception
    assert f"**Not this time.** You said *{guess.options[wrong]}*; it is *{guess.options[guess.truth]}*." in words(app)
    assert "not right" in heading(app)["where"]


@pytest.mark.parametrize("name", LESSONS)
def test_a_step_has_at_most_one_control(learn, name):
    for number, step in enumerate(steps_of(name), 1):
        for guess in ("1", "") if step.guess else ("",):
            app = learn(lesson=name, step=str(number), guess=guess)
            choices = [*app.radio, *app.get("button_group")]
            moved = [each for each in given(app, "living_network") if {"slider", "digits"} & {*each["parts"]}]
            moved += given(app, "exact_toy")
            assert len(choices) + len(moved) <= 1
            assert not app.sidebar.children
            assert all(each.help for each in app.radio)


def test_only_the_parts_that_a_step_asks_for_are_shown(learn):
    for number, step in enumerate(steps_of("keeps"), 1):
        app = learn(lesson="keeps", step=str(number), guess="1")
        if isinstance(step.view, Network):
            assert given(app, "living_network")[0]["parts"] == list(step.view.parts)
            assert (given(app, "living_network")[0]["digits"] is not None) == ("digits" in step.view.parts)
    assert set(living_view.PARTS) == {part for step in steps_of("keeps") for part in getattr(step.view, "parts", ())}


def test_without_a_guess_nothing_happens_and_it_says_so(learn, words):
    number, guess = first_guess("keeps")
    app = learn(lesson="keeps", step=str(number))
    app.button(key="guess").click().run()
    assert "Choose one of the answers first." in words(app)
    assert guess.because not in words(app)


def test_a_guess_is_remembered_when_one_comes_back(learn, words):
    number, guess = first_guess("random")
    app = learn(lesson="random", step=str(number))
    app.radio[0].set_value(guess.truth)
    app.button(key="guess").click().run()
    app.button(key="next").click().run()
    assert "guess" not in app.query_params
    app.button(key="back").click().run()
    assert app.query_params["guess"] == str(guess.truth + 1)
    assert guess.because in words(app)


@pytest.mark.parametrize(
    "query",
    [
        {"lesson": "none"},
        {"lesson": "keeps", "step": "99"},
        {"lesson": "keeps", "step": "-1", "guess": "many"},
        {"lesson": "keeps", "step": "4", "guess": "99"},
        {"lesson": "keeps", "step": "5", "level": "a lot"},
        {"lesson": "random", "step": "4", "show": "nothing"},
        {"lesson": "<b>", "step": "<script>"},
    ],
)
def test_rubbish_in_the_address_does_no_harm(learn, query):
    app = learn(**query)
    assert not app.exception
    assert not app.error


def test_a_choice_is_in_the_address(learn):
    step = steps_of("widths")[2]
    assert isinstance(step.view, Choice)
    other = next(name for name in step.view.options if name != step.view.first)
    app = learn(lesson="widths", step="3", show=other)
    assert app.get("plotly_chart")[0].proto.alt == step.view.options[other].alt


def test_the_level_that_was_moved_to_goes_along(learn):
    app = learn(lesson="keeps", step="5", level="3")
    assert given(app, "living_network")[0]["at"] == 3
    address = urlsplit(links(app)["Go on in Explore"])
    assert parse_qs(address.query) == {"method": ["closed form"], "level": ["3"]}


def opens(explore, address):
    """Return the run that Explore shows at an address."""
    app = explore(**{name: values[0] for name, values in parse_qs(urlsplit(address).query).items()})
    assert not app.exception
    return given(app, "living_network")[0]


@pytest.mark.parametrize("name", [name for name in LESSONS if isinstance(steps_of(name)[-1].view, Network)])
def test_the_last_link_opens_the_lessons_own_network(learn, explore, name):
    step = steps_of(name)[-1]
    app = learn(lesson=name, step=str(len(steps_of(name))))
    found = opens(explore, links(app)[step.link.words])
    assert found["name"] == step.view.run
    assert found["points"][found["at"]]["number"] == step.view.level


@pytest.mark.parametrize("name", PRESETS)
def test_a_result_to_start_from_ships(explore, words, name):
    app = explore(**{key: str(value).lower() for key, value in PRESETS[name].items()})
    assert "A shipped run" in words(app)

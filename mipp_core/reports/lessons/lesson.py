"""What a lesson is made of: steps of text, each with at most one thing to look at and one thing to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from mipp_core.limits.toy_measure import Toy

Part = Literal["headline", "slider", "network", "curve", "digits"]
"""A part of the living network."""


@dataclass(frozen=True)
class Network:
    """The living network of a shipped run, or some of its parts.

    Attributes:
        run: its name.
        level: the number of the point that it opens with.
        parts: what is shown of it.
    """

    run: str
    level: int
    parts: tuple[Part, ...] = ("network",)


@dataclass(frozen=True)
class Bar:
    """One bar of a chart.

    Attributes:
        name: what it is about.
        values: shares in [0, 1], one per seed; the bar is as long as their mean.
        strong: whether it is drawn in colour.
    """

    name: str
    values: tuple[float, ...]
    strong: bool = False


@dataclass(frozen=True)
class Bars:
    """A chart of bars, with a dot for every seed.

    Attributes:
        title: of the axis.
        ink: what the colour stands for: ``kept``, or a measure of accuracy.
        bars: from top to bottom.
        alt: what the chart shows, for those who cannot see it.
        see: what to see in it.
    """

    title: str
    ink: str
    bars: tuple[Bar, ...]
    alt: str
    see: str


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: what it is about.
        across, up: shares in [0, 1], in the order in which they are joined.
        strong: whether it is drawn in colour.
    """

    name: str
    across: tuple[float, ...]
    up: tuple[float, ...]
    strong: bool = False


@dataclass(frozen=True)
class Lines:
    """A chart of lines; ``across`` and ``up`` are the titles of its axes, the rest is as of ``Bars``."""

    across: str
    up: str
    ink: str
    lines: tuple[Line, ...]
    alt: str
    see: str


@dataclass(frozen=True)
class Masks:
    """The exact toy of No Free Prune, as it was measured, opened at a number of parameters pruned."""

    toy: Toy
    pruned: int


@dataclass(frozen=True)
class Memorised:
    """The chart of how many networks memorise; the attributes are as of ``Bars``."""

    alt: str
    see: str


View = Network | Bars | Lines | Masks | Memorised


@dataclass(frozen=True)
class Choice:
    """One control, and what it shows.

    Attributes:
        label: of the control.
        help: what it changes.
        options: name -> what is shown.
        first: the name that it opens with.
    """

    label: str
    help: str
    options: Mapping[str, View]
    first: str


@dataclass(frozen=True)
class Guess:
    """A question that is answered before the figures are shown.

    Attributes:
        question: with its options.
        truth: the place of the right one, as the figures have it.
        because: what the figures say.
    """

    question: str
    options: tuple[str, ...]
    truth: int
    because: str


@dataclass(frozen=True)
class Link:
    """A way on, to a page of the app in the state that the lesson is in.

    Attributes:
        words: of the link.
        page: its address; empty for Explore.
        query: the controls that it sets.
    """

    words: str
    page: str
    query: Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        title: of a few words.
        text: in Markdown.
        view: what is looked at; after the guess, where there is one.
        guess: asked first.
        after: text that follows the guess, in Markdown.
        link: where the lesson ends.
    """

    title: str
    text: str
    view: View | Choice | None = None
    guess: Guess | None = None
    after: str = ""
    link: Link | None = None


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes:
        title: a question or a name.
        sentence: what it is about.
        minutes: that it takes, about.
        steps: makes them from what ships.
    """

    title: str
    sentence: str
    minutes: int
    steps: Callable[[], tuple[Step, ...]]

"""The plain charts of the lessons."""

import pytest

from mipp_core.figures.lessons import bar_chart, line_chart
from mipp_core.figures.palette import MEASURES, OTHERS
from mipp_core.reports.lessons.lesson import Bar, Bars, Line, Lines


def bars(*values):
    rows = tuple(Bar(f"row {place}", each, place == 0) for place, each in enumerate(values))
    return bar_chart(Bars("Test accuracy", "rebuilt", rows, "alt", "see"))


def test_bars_begin_at_nothing_and_every_seed_is_a_dot():
    figure = bars((0.9, 0.7), (0.1, 0.3))
    drawn = [trace for trace in figure.data if trace.type == "bar"]
    assert [trace.x[0] for trace in drawn] == pytest.approx([0.8, 0.2])
    assert [trace.marker.color for trace in drawn] == [MEASURES["rebuilt"], OTHERS]
    assert [trace.x for trace in figure.data if trace.type == "scatter"] == [(0.9, 0.7), (0.1, 0.3)]
    assert figure.layout.xaxis.range[0] == 0
    assert [note.text for note in figure.layout.annotations] == ["<b>80.0%</b>", "<b>20.0%</b>"]


def test_where_all_is_high_marks_stand_on_an_axis_that_says_where_it_begins():
    figure = bars((0.985, 0.981), (0.975,))
    assert not [trace for trace in figure.data if trace.type == "bar"]
    assert figure.layout.xaxis.range[0] == pytest.approx(0.97)
    assert figure.layout.xaxis.title.text == "Test accuracy (from 97%)"
    assert figure.layout.annotations[0].text == "<b>98.30%</b>"


def test_lines_differ_by_more_than_colour():
    lines = tuple(Line(f"line {place}", (0.1, 0.5), (0.9, 0.4), place == 0) for place in range(3))
    figure = line_chart(Lines("Units removed", "Test accuracy", "retrained", lines, "alt", "see"))
    assert len({trace.line.dash for trace in figure.data}) == 3
    assert len({trace.marker.symbol for trace in figure.data}) == 3
    assert figure.data[0].line.color == MEASURES["retrained"]

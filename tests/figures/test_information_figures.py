"""Charts of estimators: who is drawn, what tells them apart, and what is marked."""

import pytest

from mipp_core.figures.information import along_chart, samples_chart
from mipp_core.playground.known import known
from mipp_core.reports.information import shipped_information


@pytest.mark.parametrize("along", ["n", "strength"])
def test_estimators_differ_in_colour_and_symbol(along):
    chart = along_chart(shipped_information()["pairs"]["xor"], along, {}, None)
    drawn = [trace for trace in chart.data if trace.marker.symbol]
    assert len(drawn) == 6
    assert len({trace.line.color for trace in drawn}) == len({trace.marker.symbol for trace in drawn}) == 6
    assert all(len(trace.x) == len(trace.error_y.array) for trace in drawn)
    assert chart.data[-1].name == "truth"


def test_limits_are_dotted_where_they_are_known():
    def dotted(name):
        chart = along_chart(shipped_information()["pairs"][name], "strength", {}, None)
        return [trace for trace in chart.data if trace.line.dash == "dot"]

    assert len(dotted("gaussian")) == 2
    assert not dotted("ring")


def test_what_is_asked_now_is_marked_only_on_the_line():
    document = shipped_information()["pairs"]["ring"]
    assert "now, one seed" not in {trace.name for trace in along_chart(document, "n", {"neighbours": 1.0}, None).data}
    mark = along_chart(document, "n", {"neighbours": 1.0}, 500.0).data[-1]
    assert (mark.name, list(mark.x), list(mark.y)) == ("now, one seed", [500], [1.0])


def test_samples_are_drawn_bits_apart():
    ring = samples_chart(known("ring").drawn(0.5, 1000, 0), False).data[0]
    assert len(ring.x) == 600
    bits = samples_chart(known("xor").drawn(0.9, 100, 0), True).data[0]
    assert len(set(bits.x)) == 100
    assert {round(value) for value in bits.y} == {0, 1}

import numpy as np
import pandas as pd
import pytest

from mipp_core.figures import HIGHLIGHTS, Look, ceiling, comparison_panels, cost_chart, ratio_map, time_chart
from mipp_core.figures.labels import Box, positions
from mipp_core.figures.palette import OTHERS
from mipp_core.reports.comparison import ENTRIES
from mipp_core.reports.comparison_tables import CONTROL_NAMES
from mipp_core.reports.standing import COSTS, mean_lines

ORDER = [*ENTRIES, *CONTROL_NAMES.values()]
SCRATCH = CONTROL_NAMES["scratch"]


def points(names, seeds=3, accuracy=0.9):
    rows = [
        {"entry": name, "seed": seed, "level": level, "kept": "3/4", "run": "abc", **dict.fromkeys(COSTS, share),
         "test_retrained": accuracy - share / 10 + 0.01 * seed}
        for name in names
        for seed in range(seeds)
        for level, share in enumerate((0.1, 0.3, 0.5))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def chart(table, is_large=False, share=None, **look):
    lines = mean_lines(table, "test_retrained", "sparsity")
    return cost_chart(lines, table, "test_retrained", "sparsity", Look("y", **look), share, is_large)


def named(figure):
    return {trace.name: trace for trace in figure.data if trace.showlegend is not False}


def test_one_entry_stands_out_over_grey():
    found = named(chart(points(["MIPP", "L1", "L2", SCRATCH]), pins=("L1",), dashed=(SCRATCH,)))
    assert set(found) == {"L1", "others", "controls"}
    assert found["L1"].line.color == HIGHLIGHTS[0]
    assert found["others"].line.color == found["controls"].line.color == OTHERS
    assert (found["others"].line.dash, found["controls"].line.dash) == ("solid", "dash")
    assert found["L1"].line.width > found["others"].line.width


def test_both_ways_of_mipp_keep_their_colours_whoever_else_is_highlighted():
    alone, beside = Look("y", pins=("MIPP closed form",)), Look("y", pins=("L1", "MIPP closed form", "MIPP"))
    assert alone.colour("MIPP closed form") == beside.colour("MIPP closed form") == HIGHLIGHTS[1]
    assert [beside.place(name) for name in beside.pins] == [2, 1, 0]
    assert [Look("y", pins=("L1", "L2", "MIPP")).place(name) for name in ("L1", "L2", "MIPP")] == [1, 2, 0]


def test_pins_differ_in_colour_dash_and_marker():
    figure = chart(points(["MIPP", "L1", "L2", "SNIP"]), pins=("L1", "L2", "SNIP"))
    found = [named(figure)[name] for name in ("L1", "L2", "SNIP")]
    assert len({trace.line.color for trace in found}) == len({trace.line.dash for trace in found}) == 3
    dots = [trace for trace in figure.data if trace.mode == "markers" and trace.name != "others"]
    assert len({trace.marker.symbol for trace in dots}) == 3


def brightness(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("background", ["#FFFFFF", "#11151A"])
@pytest.mark.parametrize("colour", [*HIGHLIGHTS, OTHERS])
def test_every_colour_shows_on_both_themes(colour, background):
    dark, light = sorted((brightness(colour), brightness(background)))
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_no_colour_has_two_meanings():
    assert len({*HIGHLIGHTS, OTHERS}) == len(HIGHLIGHTS) + 1


def test_dots_are_the_points_of_every_seed_and_say_whose():
    figure = chart(points(["MIPP", "L1"]), pins=("MIPP",))
    (dots,) = [trace for trace in figure.data if trace.mode == "markers" and trace.name == "others"]
    assert len(dots.x) == 9
    assert list(dots.customdata[0]) == ["L1", 0, 0, pytest.approx(0.89), "abc", "3/4"]


def test_lines_have_gaps_where_nothing_is_known():
    table = points(["MIPP", "L1"])
    table.loc[table.level == 2, list(COSTS)] = 0.95
    found = named(chart(table, pins=("MIPP",)))
    for trace in (found["MIPP"], found["others"]):
        drawn = pd.Series(trace.y, index=trace.x)
        inside = drawn[(drawn.index > 0.31) & (drawn.index < 0.94)]
        assert inside.isna().all()
        assert len(inside)


def test_bands_need_two_seeds_and_go_from_lowest_to_highest():
    assert not [trace for trace in chart(points(["L1"], seeds=1), pins=("L1",)).data if trace.fill == "toself"]
    (band,) = [trace for trace in chart(points(["L1"]), pins=("L1",), as_error=False).data if trace.fill == "toself"]
    assert (np.nanmax(band.y), np.nanmin(band.y)) == (pytest.approx(0.91), pytest.approx(0.85))


def test_errors_are_one_minus_accuracy_and_never_zero():
    figure = chart(points(["L1"], seeds=1, accuracy=1.01), pins=("L1",), dense={"dense": 0.99})
    assert figure.layout.yaxis.type == "log"
    assert min(named(figure)["L1"].y) == pytest.approx(1e-4)
    assert figure.layout.shapes[0].y0 == pytest.approx(0.01)
    assert figure.layout.annotations[0].y == pytest.approx(-2)


def test_networks_at_chance_do_not_press_the_others_together():
    table = pd.concat([points(["MIPP"], accuracy=0.97), points(["L1"], accuracy=0.2)])
    look = Look("y", pins=("MIPP",))
    top, above = ceiling(table, "test_retrained", look)
    assert (top, above) == (pytest.approx(10 * (1 - 0.98)), ["L1"])
    assert chart(table, pins=("MIPP",)).layout.yaxis.range[1] == pytest.approx(np.log10(top))
    assert ceiling(table, "test_retrained", Look("y", pins=("L1",))) == (None, [])
    assert ceiling(table, "test_retrained", Look("y", pins=("MIPP",), as_error=False)) == (None, [])
    assert ceiling(points(["MIPP"]), "test_retrained", look) == (None, [])


def test_the_axis_begins_where_lines_do():
    table = points(["MIPP", "L1"])
    table.loc[table.level == 0, list(COSTS)] = 0.0
    table[list(COSTS)] = table[list(COSTS)] + 0.4 * (table.level > 0).to_numpy()[:, None]
    start, end = chart(table, pins=("MIPP",)).layout.xaxis.range
    assert 0.6 < start < 0.7
    assert 0.9 < end < 1


def test_a_large_chart_names_the_grey_lines_that_have_room():
    table = pd.concat([points([name], accuracy=0.5 + place / 10) for place, name in enumerate(["L1", "L2", "SNIP"])])
    figure = chart(pd.concat([table, points(["MIPP"])]), is_large=True, pins=("MIPP",), share=0.4)
    assert {note.text for note in figure.layout.annotations} == {"L1", "L2", "SNIP"}


def test_all_that_there_may_be_is_one_picture():
    figure = chart(points(ORDER), is_large=True, pins=("MIPP",), dashed=tuple(CONTROL_NAMES.values()))
    assert set(named(figure)) == {"MIPP", "others", "controls"}


def test_nothing_measured_is_an_empty_picture():
    assert len(chart(points(["L1"]).assign(test_retrained=np.nan), pins=("L1",)).data) == 0


def test_panels_have_one_entry_each_on_the_same_axes():
    names = ["MIPP", "L1", "L2", "SNIP", "GraSP"]
    table = points(names)
    lines = mean_lines(table, "test_retrained", "sparsity")
    figure = comparison_panels(lines, table, "test_retrained", "sparsity", ORDER, Look("y", pins=("L1",)))
    assert [note.text for note in figure.layout.annotations] == ["MIPP", "L1", "L2", "SNIP", "GraSP"]
    dots = [trace.name for trace in figure.data if trace.mode == "markers"]
    assert dots == names
    assert len({tuple(axis.range) for axis in figure.select_yaxes()}) == 1


def test_a_cell_without_a_run_is_empty():
    (cells,) = ratio_map(pd.DataFrame({"fc1": [1.0, None]}, index=["a", "b"])).data
    assert cells.z[0][0] == 1.0
    assert pd.isna(cells.z[1][0])


def test_time_is_logarithmic_and_never_zero():
    table = pd.DataFrame({
        "entry": ["L1", "MIPP", "L2"], "seconds": [0.0, 600.0, None], "mean": [0.9, 0.98, 0.9],
        "deviation": [0.01, 0.01, 0.01], "low": [0.89, 0.97, 0.89], "high": [0.91, 0.99, 0.91],
    })  # fmt: skip
    figure = time_chart(table, Look("y", pins=("MIPP",)))
    assert {trace.name: trace.x[0] for trace in figure.data} == {"MIPP": 600.0, "L1": 0.01}
    assert figure.layout.xaxis.type == "log"
    assert figure.data[0].marker.color == HIGHLIGHTS[0]
    assert (figure.data[0].error_y.array[0], figure.data[0].error_y.arrayminus[0]) == pytest.approx((0.01, 0.01))


def test_names_do_not_overlap():
    found = positions([(0.5, 0.5), (0.5, 0.51), (0.9, 0.1)], ["a long name", "another one", "third"], (200, 100))
    assert found[0] == "middle right"
    assert found[1] != "middle right"
    assert positions([(0.5, 0.5)] * 9, ["x" * 10] * 9, (200, 100)).count(None) > 0
    assert Box(0, 0, 2, 2).meets(Box(1, 1, 3, 3))
    assert not Box(0, 0, 1, 1).meets(Box(1, 1, 2, 2))

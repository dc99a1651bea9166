import pandas as pd
import pytest

from mipp_core.figures import comparison_curves, comparison_panels, seconds_bars, share_map
from mipp_core.figures.comparison import style
from mipp_core.reports.comparison import ENTRIES
from mipp_core.reports.comparison_tables import CONTROL_NAMES

ORDER = [*ENTRIES, *CONTROL_NAMES.values()]


def curves(names, seeds=3):
    rows = [
        {"entry": name, "level": level, "x": level / 10, "mean": 0.9, "low": 0.8, "high": 1.0, "seeds": seeds,
         "kept": "3/4", "run": "abc"}
        for name in names
        for level in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def lines(figure):
    return [trace for trace in figure.data if trace.customdata is not None]


def test_every_curve_there_may_be_looks_different():
    styles = [style(number) for number in range(len(ORDER))]
    assert len(set(styles)) == len(ORDER)
    assert len({(each.colour, each.symbol) for each in styles[:10]}) == 10


def test_an_entry_looks_the_same_whoever_else_is_shown():
    alone = lines(comparison_curves(curves(["L1"]), ORDER, None, "sparsity", "y"))[0]
    beside = lines(comparison_curves(curves(["MIPP", "L1"]), ORDER, None, "sparsity", "y"))[1]
    assert (alone.line.color, alone.line.dash, alone.marker.symbol) == (
        beside.line.color,
        beside.line.dash,
        beside.marker.symbol,
    )


def test_bands_need_two_seeds_and_go_with_their_line():
    assert len(comparison_curves(curves(["L1"], seeds=1), ORDER, None, "sparsity", "y").data) == 1
    band, line = comparison_curves(curves(["L1"]), ORDER, None, "sparsity", "y").data
    assert band.legendgroup == line.legendgroup == "L1"
    assert (max(band.y), min(band.y)) == (1.0, 0.8)


def test_pinned_curves_stand_out():
    figure = comparison_curves(curves(["MIPP", "L1"]), ORDER, 0.99, "sparsity", "y", pinned=("L1",))
    faint, strong = lines(figure)
    assert (faint.name, strong.name) == ("MIPP", "L1")
    assert faint.opacity < strong.opacity
    assert faint.line.width < strong.line.width


def test_errors_are_one_minus_accuracy_and_never_zero():
    (line,) = lines(comparison_curves(curves(["L1"], seeds=1), ORDER, 0.99, "sparsity", "y", as_error=True))
    assert list(line.y) == pytest.approx([0.1] * 3)
    assert list(line.customdata[0][2:4]) == pytest.approx([1e-6, 0.2])
    figure = comparison_curves(curves(["L1"]), ORDER, 0.99, "sparsity", "y", as_error=True)
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.shapes[0].y0 == pytest.approx(0.01)


def test_panels_have_one_entry_each_on_the_same_axes():
    names = ["MIPP", "L1", "L2", "SNIP", "GraSP"]
    figure = comparison_panels(curves(names), ORDER, "sparsity", "y")
    assert [note.text for note in figure.layout.annotations] == names
    assert [trace.name for trace in lines(figure)] == names
    assert len({axis.matches for axis in figure.select_yaxes()} - {None}) == 1


def test_a_cell_without_a_run_is_empty():
    table = pd.DataFrame({0.5: [1.0, None]}, index=["a", "b"])
    (cells,) = share_map(table, ["50%"], "dead").data
    assert cells.z[0][0] == 1.0
    assert pd.isna(cells.z[1][0])


def test_the_fastest_comes_first():
    table = pd.DataFrame({"entry": ["MIPP", "L1", "L2"], "seconds": [9.0, 0.0, None]})
    (bars,) = seconds_bars(table, ORDER).data
    assert list(bars.y) == ["L1", "MIPP"]
    assert min(bars.x) > 0

import numpy as np
import pandas as pd
import pytest

from mipp_core.figures import MANY, block_bars, ratio_bars, unit_map
from mipp_core.figures.layers import places_in_blocks


def table(names: list[str], units: int = 4) -> pd.DataFrame:
    kept = [number % (units + 1) for number in range(len(names))]
    return pd.DataFrame(
        {
            "name": names,
            "units": units,
            "kept": kept,
            "pruning_ratio": [1 - count / units for count in kept],
            "kept_units": [list(range(count)) for count in kept],
        }
    )


RESIDUAL = [
    "conv1",
    *(f"layer{s}.{b}.conv{c}" for s, n in enumerate((3, 4, 6, 3), 1) for b in range(n) for c in (1, 2)),
]


def test_a_layers_place_is_counted_in_its_own_block():
    assert places_in_blocks(["conv1", "a.0.conv1", "a.0.conv2", "a.1.conv1", "a.1.conv2", "fc"]) == [0, 0, 1, 0, 1, 0]
    assert places_in_blocks(RESIDUAL) == [0, *([0, 1] * 16)]


def test_bars_of_many_layers_stand_in_the_networks_order_and_are_told_apart_by_place():
    layers = table(RESIDUAL)
    figure = block_bars(layers)
    assert list(figure.layout.xaxis.categoryarray) == RESIDUAL
    assert [trace.name for trace in figure.data] == ["First of its block", "Second of its block"]
    assert (
        len({trace.marker.color for trace in figure.data} | {trace.marker.pattern.shape for trace in figure.data}) == 4
    )
    drawn = {name: ratio for trace in figure.data for name, ratio in zip(trace.x, trace.y, strict=True)}
    assert drawn == dict(zip(layers.name, layers.pruning_ratio, strict=True))


def test_a_network_without_blocks_needs_no_legend():
    assert not block_bars(table([f"conv{number}" for number in range(13)])).layout.showlegend


@pytest.mark.parametrize("count", [2, MANY, MANY + 1, 49])
def test_every_unit_has_its_cells_and_the_picture_stays_on_one_page(count: int):
    layers = table([f"block.{number}.conv" for number in range(count)])
    figure = unit_map(layers)
    for row, kept in zip(figure.data[0].z, layers.kept, strict=True):
        cells = np.asarray(row, dtype=float)
        assert np.nanmean(cells) == pytest.approx(kept / 4, abs=0.01)
    assert figure.layout.height <= 700
    kept, removed = ratio_bars(layers).data
    assert list(kept.x + removed.x) == [1.0] * count
    assert list(kept.x) == [stays / 4 for stays in layers.kept]

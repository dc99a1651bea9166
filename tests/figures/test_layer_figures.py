import numpy as np
import pandas as pd
import pytest

from mipp_core.figures import unit_map


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


@pytest.mark.parametrize("count", [2, 8, 9, 49])
def test_every_unit_has_its_cells_and_the_picture_stays_on_one_page(count: int):
    layers = table([f"block.{number}.conv" for number in range(count)])
    figure = unit_map(layers)
    for row, kept in zip(figure.data[0].z, layers.kept, strict=True):
        cells = np.asarray(row, dtype=float)
        assert np.nanmean(cells) == pytest.approx(kept / 4, abs=0.01)
    assert figure.layout.height <= 700

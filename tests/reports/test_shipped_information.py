"""What ships for the page Information: whole, of this code, and damaged with a word."""

import pytest

from mipp_core.data import load_dataset
from mipp_core.errors import DataError
from mipp_core.evaluation import accuracy
from mipp_core.playground.estimators import ESTIMATORS, estimated
from mipp_core.playground.grid import Grid, readings
from mipp_core.playground.known import DISTRIBUTIONS, known
from mipp_core.reports import information
from mipp_core.reports.information import DENSE, shipped_information, shipped_network


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_pair_ships_with_the_whole_grid(name):
    document, grid, pair = shipped_information()["pairs"][name], Grid(), known(name)
    assert [(point["strength"], point["n"]) for point in document["points"]] == grid.points
    for point in document["points"]:
        assert point["truth"] == pytest.approx(pair.truth(point["strength"]), rel=1e-5, abs=1e-9)
        taken = {each for each, estimator in ESTIMATORS.items() if estimator.takes(pair, point["n"])}
        assert set(point["estimates"]) == taken
        assert all(len(each["nats"]) == grid.seeds for each in point["estimates"].values())


def test_its_readings_are_what_the_estimators_read():
    pair, first = known("xor"), readings(shipped_information()["pairs"]["xor"], "counting", "n")[0]
    found = [estimated("counting", pair, pair.drawn(0.8, 100, seed), seed).nats for seed in range(Grid().seeds)]
    assert first.mean == pytest.approx(sum(found) / len(found), rel=1e-4)


def test_the_network_is_as_right_as_is_told():
    found = accuracy(shipped_network(), load_dataset(DENSE.dataset).test)
    assert found == pytest.approx(shipped_information()["dense"]["accuracy"], abs=0.002)


def test_damaged_files_are_told(monkeypatch, tmp_path):
    for name in ("PACKED", "WEIGHTS"):
        broken = tmp_path / name
        broken.write_bytes(b"no")
        monkeypatch.setattr(information, name, broken)
    with pytest.raises(DataError, match="damaged"):
        shipped_information.__wrapped__()
    with pytest.raises(DataError, match="missing or damaged"):
        shipped_network()

"""Studies of pixels as documents, what ships, and the repetitions on plain and deformed digits."""

import gzip
import json

import pytest
import torch
from torch import nn

from mipp_core.data.dataset import Split
from mipp_core.errors import DataError, SettingError
from mipp_core.experiments.networks import initial_network
from mipp_core.pixels.rankings import RANKINGS
from mipp_core.pixels.study import Sizes
from mipp_core.pruners import ClosedForm
from mipp_core.reports import pixels
from mipp_core.reports.archive import SHIPPED, load_run
from mipp_core.reports.pixel_repetitions import away, side
from mipp_core.runs import NetworkSpec, RunSpec


def small():
    """Return a run's document with 4 pixels kept at its only level, a network for it, and test images."""
    spec = RunSpec(NetworkSpec("mlp", "mnist-sample", widths=(4, 3)), True, "mipp-closed-form", ClosedForm(pixels=True))
    layers = [{"name": "input", "units": 784, "kept": 4, "kept_units": [400, 401, 402, 403]}]
    level = {"level": 0, "confidence": 0.5, "layers": layers}
    run = {"hash": spec.hash, "spec": spec.to_json(), "dense_accuracy": 0.25, "levels": [level]}
    images = torch.rand(12, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return run, initial_network(spec.network), Split(images, torch.arange(12) % 10)


def test_a_study_is_plain_json_and_its_choices_come_back():
    run, model, test = small()
    sizes = Sizes(4, None, 2)
    study = pixels.studied(run, model, test, sizes)
    study["blanked"] = pixels.blanked_in(study, model, test, sizes)
    again = json.loads(json.dumps(study, allow_nan=False))
    assert again == study
    assert pixels.read(study["kept"][0]).nonzero().flatten().tolist() == [400, 401, 402, 403]
    assert (study["ranked"], study["blanked"]["images"], tuple(study["orders"])) == (4, 8, RANKINGS)
    assert [len(rows) for rows in study["blanked"]["rows"].values()] == [1, 2, 1, 1, 1, 1]
    assert "pixels=true" in study["command"]
    common, together = pixels.likeness(study)
    assert together["MIPP"] == [6 / 16]  # four in a row have 16 neighbours, of which 6 are kept
    assert set(common) == set(RANKINGS)


def test_a_run_without_pixels_is_refused():
    run, model, test = small()
    run["levels"][0]["layers"][0]["name"] = "conv1"
    with pytest.raises(SettingError, match="did not test pixels"):
        pixels.studied(run, model, test, Sizes(4))


def test_weights_that_are_not_kept_are_missed():
    with pytest.raises(DataError, match="no longer kept; start the run again"):
        pixels.dense_network(RunSpec(), {})


def test_a_damaged_file_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(pixels, "PACKED", tmp_path / "none.gz")
    with pytest.raises(DataError, match="install it again"):
        pixels.shipped_pixels.__wrapped__()
    (tmp_path / "none.gz").write_bytes(gzip.compress(b"{")[:-3])
    with pytest.raises(DataError, match="install it again"):
        pixels.shipped_pixels.__wrapped__()


@pytest.mark.parametrize(("name", "folder"), [(pixels.REGRESSORS, "pixels-0"), (pixels.CLOSED_FORM, "closed-pixels-0")])
def test_shipped_studies_are_of_the_shipped_runs(name, folder):
    run, study = load_run(SHIPPED / folder), pixels.shipped_pixels()["studies"][name]
    assert study["run"] == run["hash"]
    assert list(map(pixels.written, pixels.masks_by_level(run))) == study["kept"]


def test_shipped_studies_are_whole():
    for name, study in pixels.shipped_pixels()["studies"].items():
        for key, least in (("blanked", 5), ("trained", 3)):
            measured = study[key]
            assert tuple(measured["rows"]) == ("MIPP", "random", *RANKINGS), name
            assert all(len(row) == len(measured["places"]) for rows in measured["rows"].values() for row in rows)
            assert len(measured["rows"]["random"]) >= least and measured["images"] == 9000
        assert len(study["trained"]["whole"]) == 3


def test_repetitions_are_summed_up_over_seeds():
    texts = ["1100" * 196, "1000" * 196]
    some = [
        {"deformation": 1.0, "seed": seed, "levels": [0], "kept": [text], "blanked": [0.5 + 0.2 * seed], "dense": 0.9}
        for seed, text in enumerate(texts)
    ]
    found = side([*some, {**some[0], "deformation": 0.0}], 1.0)
    assert found.seeds == 2 and found.counts == [(294, 98)]
    assert found.accuracy[0] == (pytest.approx(0.6), pytest.approx(0.1)) and found.dense == (0.9, 0)
    assert found.shares[0, :4].tolist() == [1.0, 0.5, 0.0, 0.0]
    with pytest.raises(DataError, match=r"deformation 0\.5 ship"):
        side(some, 0.5)


def test_distances_are_from_the_middle():
    keep = torch.zeros(25, dtype=torch.bool)
    assert away(keep, 5) == 0
    keep[12] = True
    assert away(keep, 5) == 0
    keep[0] = True
    assert away(keep, 5) == pytest.approx(8**0.5 / 2)


def test_networks_are_looked_at_in_evaluation_mode():
    spec = RunSpec(NetworkSpec("mlp", widths=(4, 3)))
    model: nn.Module = pixels.dense_network(spec, initial_network(spec.network).state_dict())
    assert not model.training

import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from mipp_core.cutting.surgery import masked, shrink
from mipp_core.errors import CancelledError, DataError, ModelError
from mipp_core.evaluation import accuracy
from mipp_core.experiments import run
from mipp_core.experiments.experiment import Experiment
from mipp_core.experiments.networks import load_data
from mipp_core.pruners import Random
from mipp_core.reports.archive import (
    load_run,
    load_slim,
    save_run,
    save_slim,
    shipped_runs,
    slim_description,
    slim_weights,
)
from mipp_core.reports.tables import curve_table, decision_table, layer_table
from mipp_core.runs import masks_of
from mipp_core.store import Store
from mipp_core.store.files import read_json, write_json, write_tensors
from mipp_core.vocabulary import silent


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def finished(tiny_spec, store):
    result, weights = run(tiny_spec, store)
    return result.to_json(), result, weights


def test_document_has_every_level_and_layer(finished, tiny_spec):
    document = json.loads(json.dumps(finished[0], allow_nan=False))
    assert [level["level"] for level in document["levels"]] == list(range(20))
    assert [level["confidence"] for level in document["levels"]] == [1 - 2.0 ** -(n + 1) for n in range(20)]
    for level in document["levels"]:
        kept = sum(layer["kept"] for layer in level["layers"])
        assert level["sparsity"] == pytest.approx(1 - kept / 11)
        assert all(0 <= level[f"accuracy_{name}"] <= 1 for name in ("pruned", "rebuilt", "retrained"))
        assert set(level["controls"]) == {"random", "magnitude"}
        widths = [784, *(max(1, layer["kept"]) for layer in level["layers"]), 10]
        assert level["macs"] == sum(a * b for a, b in pairwise(widths))
        assert level["parameters"] == level["macs"] + sum(widths[1:])
    assert torch.__version__.startswith(document["versions"]["torch"])
    assert document["state"] == "done"


def test_same_seed_same_run(finished, tiny_spec, store):
    again, _ = run(tiny_spec, store)
    assert again.levels == finished[1].levels
    assert again.decisions == finished[1].decisions


def test_slim_equals_masked_at_all_levels(finished, tiny_spec, store):
    data = load_data(tiny_spec.network)
    experiment = Experiment(tiny_spec, store.stages("test"), torch.device("cpu"), silent)
    model = experiment.model.double()
    images = data.test.images[:50].double()
    for level in finished[0]["levels"]:
        masks = masks_of(level)
        slim = shrink(model, masks)
        torch.testing.assert_close(slim(images), masked(model, masks)(images), rtol=0, atol=1e-10)


def test_higher_levels_agree_with_single_confidences(tiny_spec, store, finished):
    for number in (1, 9):
        confidence = finished[0]["levels"][number]["confidence"]
        alone, _ = run(replace(tiny_spec, confidences=(confidence,), controls=()), store)
        assert alone.levels[0].layers == finished[1].levels[number].layers


def test_saved_slim_network_reaches_its_accuracy(finished, tiny_spec, tmp_path):
    document, result, weights = finished
    save_run(tmp_path, result, weights)
    assert load_run(tmp_path) == json.loads(json.dumps(document))
    state = slim_weights(tmp_path, 5)
    save_slim(tmp_path, slim_description(document, 5), state)
    reached = accuracy(load_slim(tmp_path), load_data(tiny_spec.network).test)
    assert reached == pytest.approx(document["levels"][5]["accuracy_retrained"])


def test_pixels_are_a_zeroth_layer(tiny_spec, store, tmp_path):
    settings = replace(tiny_spec.settings, pixels=True, longest_block=64, hidden=(32,), fit_steps=300, samples=2000)
    spec = replace(tiny_spec, settings=settings, network=replace(tiny_spec.network, widths=(20, 10)), controls=())
    result, weights = run(replace(spec, confidences=(0.5,)), store)
    document = result.to_json()
    first = document["levels"][0]["layers"][0]
    assert (first["name"], first["units"]) == ("input", 784)
    assert 0 < first["kept"] < 784
    save_slim(tmp_path, slim_description(document, 0), weights[0])
    reached = accuracy(load_slim(tmp_path), load_data(spec.network).test)
    assert reached == pytest.approx(document["levels"][0]["accuracy_retrained"])


def test_rankers_sweep_sparsities(tiny_spec, store):
    result, _ = run(replace(tiny_spec, pruner="random", settings=Random(), controls=()), store)
    removed = [round(level.sparsity * 11) for level in result.levels]
    assert removed == [round(n / 20 * 11) for n in range(20)]
    assert all(level.confidence is None for level in result.levels)


def test_tables(finished):
    document = finished[0]
    curve = curve_table(document)
    assert len(curve) == 60
    assert set(curve.choice) == {"mipp", "random", "magnitude"}
    for level in (0, 19):
        decided = decision_table(document, level)
        layers = layer_table(document["levels"][level]).set_index("name")
        assert decided.groupby("layer").kept.sum().to_dict() == layers.kept.to_dict()
        assert len(decided) == 11


def test_cancelling_leaves_no_network_behind(tiny_spec, tmp_path):
    def stop(progress):
        if progress.stage.startswith("Training"):
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        run(tiny_spec, Store(tmp_path), report=stop)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_unwritable_store_is_a_sentence(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_json(blocked / "run.json", {})


def test_equal_tensors_can_be_saved_together(tmp_path):
    shared = torch.ones(3)
    write_tensors(tmp_path / "t.safetensors", {"a": shared, "b": shared})
    assert (tmp_path / "t.safetensors").stat().st_size > 0


def test_damaged_slim_networks_are_refused(finished, tmp_path):
    document = finished[0]
    with pytest.raises(DataError, match="no whole slim network"):
        load_slim(tmp_path)
    save_slim(tmp_path, slim_description(document, 0), {"fc1.weight": torch.ones(2, 2)})
    with pytest.raises(ModelError, match="do not fit"):
        load_slim(tmp_path)


def test_damaged_json_reads_as_nothing(tmp_path):
    (tmp_path / "run.json").write_text('{"half": ')
    assert read_json(tmp_path / "run.json") is None


@pytest.mark.parametrize("folder", shipped_runs(), ids=lambda path: path.name)
def test_shipped_runs_are_whole(folder):
    document = load_run(folder)
    assert document["state"] == "done"
    assert len(document["levels"]) == len(document["spec"]["measured"] or range(20))
    assert document["seconds"] and document["versions"] and document["device"]
    assert document["dense_accuracy"] > {"cifar10": 0.85, "fashion-mnist": 0.85}.get(
        document["spec"]["network"]["dataset"], 0.91
    )
    assert all(slim_weights(folder, document["levels"][place]["level"]) for place in (0, -1))

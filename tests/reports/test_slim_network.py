from dataclasses import replace

import pytest
import torch

from mipp_core.errors import ModelError, SettingError
from mipp_core.evaluation import accuracy, macs, parameters
from mipp_core.experiments.networks import load_data
from mipp_core.exporting import CHECKED, FORMATS, check_torch_export, example
from mipp_core.latency import compare_latency
from mipp_core.reports.archive import load_run, shipped_runs, slim_description, slim_network, slim_weights
from mipp_core.reports.slim import SlimNetwork, latency_table
from mipp_core.runs import NetworkSpec, RunSpec, entry_of

LEVEL = 3


@pytest.fixture(scope="module", params=["trained-0", "pixels-0"])
def slim(request: pytest.FixtureRequest) -> SlimNetwork:
    folder = next(path for path in shipped_runs() if path.name == request.param)
    return SlimNetwork(load_run(folder), LEVEL, slim_weights(folder, LEVEL))


def test_it_is_the_network_of_the_run(slim: SlimNetwork):
    entry = entry_of(slim.run, LEVEL)
    assert not any(module.training for module in slim.network.modules())
    assert parameters(slim.network) == entry["parameters"]
    assert macs(slim.network, slim.image_shape) == entry["macs"]
    assert macs(slim.dense(), slim.image_shape) == slim.run["macs"]
    data = load_data(NetworkSpec("lenet5", "mnist-sample")).test
    assert accuracy(slim.network, data) == pytest.approx(entry["accuracy_retrained"], abs=0.02)


def test_sizes_agree_with_the_networks(slim: SlimNetwork):
    sizes = slim.sizes()
    for column, network in (("dense", slim.dense()), ("slim", slim.network)):
        assert sizes[column]["parameters"] == parameters(network)
        assert sizes[column]["macs"] == macs(network, slim.image_shape)
        assert sizes[column]["bytes"] == 4 * parameters(network)
    assert (sizes.ratio == sizes.dense / sizes.slim).all()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_written_file_is_compared(kind: str, slim: SlimNetwork):
    written = slim.write(kind)
    assert written.kind == kind
    assert 0 <= written.difference < 1e-4
    images = example(slim.image_shape, CHECKED)
    assert FORMATS[kind].check(written.content, slim.network, images) == pytest.approx(written.difference, abs=1e-6)


def test_the_difference_is_that_of_the_file(slim: SlimNetwork):
    written = slim.write("pt2")
    other = replace(slim, weights={name: tensor + 0.01 for name, tensor in slim.weights.items()})
    assert check_torch_export(written.content, other.network, example(slim.image_shape)) > 1e-4


def test_weights_of_another_level_are_refused(slim: SlimNetwork):
    description = slim_description(slim.run, 0)
    with pytest.raises(ModelError, match="do not fit its description"):
        slim_network(description, slim.weights)


@pytest.mark.parametrize(
    ("dense_macs", "most"), [(416_520, 256), (50_000_000_000 // 256, 256), (400_000_000, 64), (10**13, 2)]
)
def test_large_networks_are_measured_on_fewer_images(dense_macs: int, most: int, slim: SlimNetwork):
    assert replace(slim, run={**slim.run, "macs": dense_macs}).batches() == (1, most)


def test_latency_as_a_table(slim: SlimNetwork):
    compared = compare_latency(slim.dense(), slim.network, slim.image_shape, (1, 4), seconds=0.1)
    table = latency_table(compared)
    assert table.batch.tolist() == [1, 4]
    assert table.ratio.tolist() == [pair.ratio for pair in compared]
    for name in ("dense", "slim"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()


def test_both_networks_are_measured_on_the_same_machine(slim: SlimNetwork):
    table = slim.latency(seconds=0.1)
    assert table.batch.tolist() == [1, 256]
    assert set(table.device) == {"cpu"}
    assert (table.repeats >= 5).all()


def test_want_of_memory_is_a_sentence(slim: SlimNetwork, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("mipp_core.reports.slim.compare_latency", full)
    with pytest.raises(SettingError, match="memory of cuda:0 does not suffice for 256 images"):
        slim.latency("cuda:0")


def test_the_dense_twin_has_the_shape_of_the_dense_network(slim: SlimNetwork):
    spec = RunSpec.from_json(slim.run["spec"])
    wanted = {name: tensor.shape for name, tensor in spec.network.architecture.build().state_dict().items()}
    assert {name: tensor.shape for name, tensor in slim.dense().state_dict().items()} == wanted
    assert torch.isfinite(slim.dense()(example(slim.image_shape))).all()

"""Dense and rebuilt networks that ship."""

import torch

from mipp_core.checkpoints.fitting import load
from mipp_core.cutting.surgery import shrink
from mipp_core.data import load_dataset
from mipp_core.evaluation import accuracy
from mipp_core.experiments.networks import initial_network
from mipp_core.experiments.remaking import dense_weights
from mipp_core.reports.archive import SHIPPED, load_run
from mipp_core.reports.networks import save_dense, save_rebuilt, shipped_dense, shipped_rebuilt
from mipp_core.runs import NetworkSpec, RunSpec, masks_of
from mipp_core.store import Store

SPEC = RunSpec.from_json(load_run(SHIPPED / "trained-0")["spec"])


def dense():
    network = initial_network(SPEC.network)
    load(network, shipped_dense(SPEC.network))
    return network


def test_the_shipped_dense_network_reads_digits():
    sample = load_dataset("mnist-sample").test
    assert accuracy(dense(), sample) > 0.97
    assert accuracy(initial_network(SPEC.network), sample) < 0.3


def test_shipped_rebuilt_networks_fit_their_masks_and_read_digits():
    document, found = load_run(SHIPPED / "trained-0"), shipped_rebuilt(SHIPPED / "trained-0")
    assert sorted(found) == [entry["level"] for entry in document["levels"]]
    entry = document["levels"][6]
    slim = shrink(dense(), masks_of(entry))
    load(slim, found[6])
    assert abs(accuracy(slim, load_dataset("mnist-sample").test) - entry["accuracy_rebuilt"]) < 0.02


def test_what_is_saved_is_read_back_and_nothing_else(tmp_path):
    other = NetworkSpec("mlp", seed=7)
    save_dense({SPEC.network: {"a": torch.ones(2)}, other: {"b": torch.zeros(3)}}, tmp_path / "dense.safetensors")
    assert shipped_dense(other, tmp_path / "dense.safetensors").keys() == {"b"}
    assert shipped_dense(NetworkSpec("mlp", seed=8), tmp_path / "dense.safetensors") is None
    assert shipped_rebuilt(tmp_path) == {}
    save_rebuilt(tmp_path, {3: {"a": torch.ones(2)}})
    assert list(shipped_rebuilt(tmp_path)) == [3]


def test_a_store_without_the_dense_network_says_so(tmp_path):
    assert dense_weights(SPEC, Store(tmp_path)) is None

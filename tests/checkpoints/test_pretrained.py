"""Pretrained weights: downloaded once, checked, read as tensors.  The server is a folder here."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mipp_core.checkpoints.fitting import load
from mipp_core.checkpoints.pretrained import fetch, pretrained
from mipp_core.errors import CancelledError, DataError
from mipp_core.models import architecture
from mipp_core.vocabulary import Progress

NETWORK = architecture("torchvision:squeezenet1_1", (3, 224, 224), 1000)


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., str]:
    """Put a state dict on the server, under a name with the start of its SHA-256, and return its address."""

    def put(state: dict, digits: str = "") -> str:
        folder = tmp_path / "server"
        folder.mkdir(exist_ok=True)
        torch.save(state, folder / "net.pth")
        start = digits or hashlib.sha256((folder / "net.pth").read_bytes()).hexdigest()[:8]
        return (folder / "net.pth").rename(folder / f"squeezenet1_1-{start}.pth").as_uri()

    return put


def test_weights_are_downloaded_once_and_are_the_networks(publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    wanted = NETWORK.build(seed=7).state_dict()
    url = publish({**wanted, "aux.weight": torch.zeros(1)})
    monkeypatch.setattr("torchvision.models.get_model_weights", lambda name: {"FIRST": SimpleNamespace(url=url)})
    reports: list[Progress] = []
    found = pretrained(NETWORK, "FIRST", tmp_path / "data", reports.append)
    assert list(found) == list(wanted)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert reports[-1].done == 1.0
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    (tmp_path / "server" / url.rpartition("/")[2]).unlink()
    again = pretrained(NETWORK, "FIRST", tmp_path / "data", reports.append)
    assert all(torch.equal(again[name], wanted[name]) for name in wanted)


def test_files_of_older_names_and_without_counts_of_batches_are_read(publish, tmp_path: Path, monkeypatch):
    network = architecture("torchvision:densenet121", (3, 224, 224), 1000)
    wanted = network.build(seed=7).state_dict()
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", name): tensor
        for name, tensor in wanted.items()
        if not name.endswith("num_batches_tracked")
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    monkeypatch.setattr(
        "torchvision.models.get_model_weights", lambda name: {"FIRST": SimpleNamespace(url=publish(old))}
    )
    found = pretrained(network, "FIRST", tmp_path / "data")
    assert list(found) == list(wanted)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_network_that_asks_for_the_version_of_its_weights_is_given_them():
    network = architecture("torchvision:mnasnet0_5", (3, 32, 32), 10)
    weights, model = dict(network.build(1).state_dict()), network.build(2)
    load(model, weights)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


def test_a_file_that_is_not_what_its_name_says_is_not_kept(publish, tmp_path: Path):
    with pytest.raises(DataError, match=r"have the checksum [0-9a-f]{8}, not 00000000; try again later"):
        fetch(publish({"a": torch.zeros(3)}, "00000000"), tmp_path / "weights")
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_server_that_does_not_answer_is_a_sentence(tmp_path: Path):
    url = (tmp_path / "nowhere" / "net-01234567.pth").as_uri()
    with pytest.raises(DataError, match=r"The weights net-01234567.pth cannot be downloaded .*, or put the file from"):
        fetch(url, tmp_path / "weights")
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_download_that_is_stopped_leaves_nothing(publish, tmp_path: Path):
    def stop(progress: Progress) -> None:
        raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        fetch(publish({"a": torch.zeros(3)}), tmp_path / "weights", stop)
    assert list((tmp_path / "weights").iterdir()) == []

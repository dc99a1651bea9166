import hashlib
import lzma
from pathlib import Path

import pytest
import safetensors.torch
import torch

from mipp_core.data import load_dataset, mnist_sample
from mipp_core.errors import DataError


def test_counts_and_balance():
    dataset = load_dataset("mnist-sample")
    assert dataset.train.labels.bincount().tolist() == [800] * 10
    assert dataset.test.labels.bincount().tolist() == [200] * 10


def test_dtype_shape_and_range():
    for split in (load_dataset("mnist-sample").train, load_dataset("mnist-sample").test):
        assert split.images.dtype == torch.float32
        assert split.labels.dtype == torch.int64
        assert split.images.shape[1:] == (1, 28, 28)
        assert split.images.min() == 0.0
        assert split.images.max() == 1.0


def test_classes_are_interleaved():
    labels = load_dataset("mnist-sample").train.labels
    assert (labels[1:] != labels[:-1]).float().mean() > 0.8


def test_no_image_is_in_twice():
    dataset = load_dataset("mnist-sample")
    images = torch.cat([dataset.train.images, dataset.test.images]).flatten(1)
    assert len(images.unique(dim=0)) == 10_000


def test_it_shows_digits():
    """The pixel mean of a class is nearest to that class's own test images far more often than chance."""
    dataset = load_dataset("mnist-sample")
    means = torch.stack([dataset.train.images[dataset.train.labels == k].mean(0) for k in range(10)])
    nearest = torch.cdist(dataset.test.images.flatten(1), means.flatten(1)).argmin(1)
    assert (nearest == dataset.test.labels).float().mean() > 0.75


def test_loading_twice_gives_the_same_bits():
    first, second = load_dataset("mnist-sample"), load_dataset("mnist-sample")
    assert torch.equal(first.train.images, second.train.images)
    assert torch.equal(first.test.labels, second.test.labels)


def test_the_file_is_small_and_is_the_one_its_licence_names():
    content = mnist_sample.ASSET.read_bytes()
    assert len(content) <= 4 * 2**20
    licence = mnist_sample.ASSET.with_name("LICENSE.md").read_text(encoding="utf-8")
    assert hashlib.sha256(content).hexdigest() in licence
    assert "CC BY-SA 3.0" in licence


WHOLE = mnist_sample.ASSET.read_bytes()
DAMAGED = {
    "empty": b"",
    "cut": WHOLE[: len(WHOLE) // 2],
    "one byte changed": WHOLE[:1000] + bytes([WHOLE[1000] ^ 1]) + WHOLE[1001:],
    "not compressed": b"garbage" * 100,
    "not safetensors": lzma.compress(b"garbage"),
    "other tensors": lzma.compress(safetensors.torch.save({"x": torch.zeros(1)})),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes):
    monkeypatch.setattr(mnist_sample, "ASSET", tmp_path / "asset")
    mnist_sample.ASSET.write_bytes(content)
    with pytest.raises(DataError, match=r"asset is missing or damaged \(.+\); install mipp again\.$") as caught:
        load_dataset("mnist-sample")
    assert caught.value.__cause__ is not None


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mnist_sample, "ASSET", tmp_path / "asset")
    with pytest.raises(DataError, match=r"missing or damaged \(FileNotFoundError\)"):
        load_dataset("mnist-sample")

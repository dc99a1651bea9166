import os
from pathlib import Path

import pytest
import torch

from mipp_core.data import make_sample, mnist, mnist_sample

MODULE_FILES = {"TRAIN_PER_CLASS": 3, "TEST_PER_CLASS": 2}


def slow_choice(labels: list[int], per_class: int) -> list[int]:
    """The selection rule, written out plainly."""
    chosen = []
    for label in set(labels):
        of_class = [place for place, other in enumerate(labels) if other == label]
        chosen += [of_class[int(k * len(of_class) / per_class)] for k in range(per_class)]
    return sorted(chosen)


def test_selection_by_hand():
    labels = torch.tensor([0, 1, 0, 0, 1, 1, 0, 1, 0])  # zeros at 0 2 3 6 8, ones at 1 4 5 7
    assert make_sample.evenly_spaced(labels, 2).tolist() == [0, 1, 3, 5]
    assert make_sample.evenly_spaced(labels, 3).tolist() == [0, 1, 2, 4, 5, 6]


@pytest.mark.parametrize("per_class", [1, 7, 50])
def test_selection_equals_its_slow_twin(per_class: int):
    labels = torch.randint(4, (400,), generator=torch.Generator().manual_seed(per_class))
    assert make_sample.evenly_spaced(labels, per_class).tolist() == slow_choice(labels.tolist(), per_class)


def test_selection_covers_both_halves_equally():
    chosen = make_sample.evenly_spaced(torch.arange(1000) % 10, 20)
    assert (chosen < 500).sum() == 100


@pytest.fixture
def toy(small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A full dataset of sixty images in ``tmp_path``, from which a sample of fifty is made."""
    small.write(tmp_path)
    monkeypatch.setattr(mnist, "FAMILY", small.family)
    monkeypatch.setattr(mnist_sample, "ASSET", tmp_path / "asset")
    for name, count in MODULE_FILES.items():
        monkeypatch.setattr(mnist_sample, name, count)
    return tmp_path


def run(*arguments: str | Path) -> None:
    make_sample.main([str(argument) for argument in arguments])


def test_what_is_written_is_what_the_loader_reads(toy: Path, small):
    run("--data-dir", toy)
    train, test = mnist_sample.load(None, print)
    index = make_sample.evenly_spaced(small.train.labels, 3)
    assert torch.equal(train.images, small.train.images[index])
    assert torch.equal(train.labels, small.train.labels[index])
    assert test.labels.bincount().tolist() == [2] * 10
    assert sorted(path.name for path in toy.iterdir()) == ["Digits", "asset"]


def test_check_accepts_the_same_bytes(toy: Path):
    run("--data-dir", toy)
    before = mnist_sample.ASSET.read_bytes()
    run("--data-dir", toy, "--check")
    assert mnist_sample.ASSET.read_bytes() == before


@pytest.mark.parametrize("content", [b"other", None])
def test_check_refuses_other_bytes_and_writes_nothing(toy: Path, capsys, content: bytes | None):
    if content is not None:
        mnist_sample.ASSET.write_bytes(content)
    with pytest.raises(SystemExit) as caught:
        run("--data-dir", toy, "--check")
    assert caught.value.code == 1
    assert "differs from the sample" in capsys.readouterr().err
    assert mnist_sample.ASSET.exists() == (content is not None)


def test_without_full_mnist_it_says_so(toy: Path, capsys):
    with pytest.raises(SystemExit) as caught:
        run("--data-dir", toy / "elsewhere")
    assert caught.value.code == 1
    assert "cannot be downloaded" in capsys.readouterr().err


@pytest.mark.skipif("MIPP_TEST_DATA" not in os.environ, reason="MIPP_TEST_DATA does not name a full MNIST")
def test_the_embedded_file_comes_from_full_mnist_byte_for_byte():
    run("--data-dir", os.environ["MIPP_TEST_DATA"], "--check")

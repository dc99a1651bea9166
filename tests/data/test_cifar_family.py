import re
from pathlib import Path

import pytest
import torch
from cifar_files import SmallCifar, small_cifar
from torchvision.datasets import CIFAR10, CIFAR100, cifar

from mipp_core.data import DATASETS, cifar10, cifar100, load_dataset
from mipp_core.errors import CancelledError, DataError
from mipp_core.vocabulary import Progress, silent


@pytest.fixture(scope="module", params=[CIFAR10, CIFAR100], ids=["cifar10", "cifar100"])
def small(request) -> SmallCifar:
    return small_cifar(request.param)


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_files_already_there_are_read_as_they_are(small: SmallCifar, tmp_path: Path):
    small.write(tmp_path)
    train, test = small.family.load(tmp_path, silent)
    for read, (images, labels) in ((train, small.train), (test, small.test)):
        assert torch.equal(read.images, images)
        assert torch.equal(read.labels, labels)
        assert (read.images.dtype, read.labels.dtype) == (torch.uint8, torch.int64)


def test_the_published_classes_are_read_with_the_published_checksums():
    assert (cifar10.FAMILY.reader, cifar100.FAMILY.reader) == (CIFAR10, CIFAR100)
    assert (len(DATASETS["cifar10"].classes), len(DATASETS["cifar100"].classes)) == (10, 100)
    assert list(DATASETS["cifar100"].classes) == sorted(DATASETS["cifar100"].classes)


def test_a_download_leaves_the_folder_and_nothing_else(small: SmallCifar, network, tmp_path: Path):
    asked, reports = network(lambda url: small.archive), []
    train, _ = small.family.load(tmp_path / "new", reports.append)
    assert torch.equal(train.images, small.train[0])
    assert names(tmp_path) == sorted(small.files)
    assert [report.done for report in reports] == [0.0, 1.0]
    assert len(asked) == 1
    small.family.load(tmp_path / "new", silent)
    assert len(asked) == 1


def test_an_archive_put_there_by_hand_needs_no_network(small: SmallCifar, tmp_path: Path):
    (tmp_path / small.family.reader.filename).write_bytes(small.archive)
    assert len(small.family.load(tmp_path, silent)[0].labels) == 10


def test_a_truncated_archive_put_there_is_downloaded_again(small: SmallCifar, network, tmp_path: Path):
    (tmp_path / small.family.reader.filename).write_bytes(small.archive[:-50])
    asked = network(lambda url: small.archive)
    assert len(small.family.load(tmp_path, silent)[0].labels) == 10
    assert len(asked) == 1


def refusal(small: SmallCifar, root: Path, reason: str) -> str:
    archive = re.escape(str(root / small.family.reader.filename))
    remedy = "connect to the internet and try again, put the file there, or use the embedded mnist-sample."
    return (
        rf"^pictures needs the file {archive}, which is missing and cannot be downloaded \({reason}\); "
        + re.escape(remedy)
        + "$"
    )


def test_offline(small: SmallCifar, tmp_path: Path):
    with pytest.raises(DataError, match=refusal(small, tmp_path, "no route to .+")):
        small.family.load(tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"<html>log in first</html>"])
def test_an_answer_with_another_checksum_is_refused(small: SmallCifar, network, tmp_path: Path, content: bytes):
    network(lambda url: content)
    with pytest.raises(DataError, match=refusal(small, tmp_path, r"File not found or corrupted\.")):
        small.family.load(tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_a_download_broken_off_halfway_leaves_nothing(small: SmallCifar, network, broken_off, tmp_path: Path):
    def answer(url: str) -> bytes:
        raise broken_off(small.archive[:100])

    network(answer)
    with pytest.raises(DataError, match="cannot be downloaded"):
        small.family.load(tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_a_download_can_be_stopped_before_it_starts(small: SmallCifar, network, tmp_path: Path):
    def report(progress: Progress) -> None:
        raise CancelledError("stopped")

    asked = network(lambda url: small.archive)
    with pytest.raises(CancelledError):
        small.family.load(tmp_path, report)
    assert asked == list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(small: SmallCifar, tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match=r"cannot be created or written \(a part of this path is a file"):
        small.family.load(tmp_path / "file" / "data", silent)
    with pytest.raises(DataError, match=r"cannot be created or written \(File name too long\)"):
        small.family.load(tmp_path / ("x" * 300), silent)


def damaged(small: SmallCifar, root: Path, fault: str) -> str:
    return (
        rf"^The files of pictures in {re.escape(str(small.folder(root)))} {fault}; delete that folder to download them "
        r"again, or use the embedded mnist-sample\.$"
    )


@pytest.mark.parametrize("kept", [0, 1, -1], ids=["empty", "one byte", "truncated"])
def test_a_damaged_file_is_named(small: SmallCifar, tmp_path: Path, kept: int):
    folder = small.write(tmp_path)
    for name, content in small.files.items():
        (folder / name).write_bytes(content[:kept])
        fault = rf"include a file {re.escape(name)} that is not the published one \(it may be incomplete\)"
        with pytest.raises(DataError, match=damaged(small, tmp_path, fault)):
            small.family.load(tmp_path, silent)
        (folder / name).write_bytes(content)


def test_a_renamed_file_is_a_missing_file(small: SmallCifar, tmp_path: Path):
    path = small.write(tmp_path) / small.family.reader.test_list[0][0]
    path.rename(path.with_name("batch.bin"))
    with pytest.raises(DataError, match=damaged(small, tmp_path, f"lack {path.name}")):
        small.family.load(tmp_path, silent)


def test_an_empty_folder_is_said(small: SmallCifar, tmp_path: Path):
    small.folder(tmp_path).mkdir()
    with pytest.raises(DataError, match=damaged(small, tmp_path, "lack .+")):
        small.family.load(tmp_path, silent)


def test_what_torchvision_cannot_read_for_another_reason_is_said(small: SmallCifar, tmp_path: Path, monkeypatch):
    small.write(tmp_path)
    monkeypatch.setattr("torchvision.datasets.cifar.pickle.load", lambda *file, **_: {})
    with pytest.raises(DataError, match=damaged(small, tmp_path, r"cannot be read \('data'\)")):
        small.family.load(tmp_path, silent)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_real_ones_offline_point_to_the_sample(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=rf"^{name} needs the file .* or use the embedded mnist-sample\.$"):
        load_dataset(name, data_dir=tmp_path)


def test_no_pickle_is_opened_whose_checksum_is_not_the_published_one(small: SmallCifar, tmp_path: Path, monkeypatch):
    """A pickle can run any code: a changed file must be refused unread."""
    opened: list[object] = []
    monkeypatch.setattr("torchvision.datasets.cifar.pickle.load", lambda *file, **_: opened.append(file))
    first = small.write(tmp_path) / small.family.reader.train_list[0][0]
    first.write_bytes(first.read_bytes()[:-1] + b"!")
    with pytest.raises(DataError, match="not the published one"):
        small.family.load(tmp_path, silent)
    assert opened == []


def test_each_file_is_checked_once(small: SmallCifar, tmp_path: Path, monkeypatch):
    small.write(tmp_path)
    checked: list[str] = []
    check = cifar.check_integrity
    monkeypatch.setattr(cifar, "check_integrity", lambda path, md5: checked.append(Path(path).name) or check(path, md5))
    small.family.load(tmp_path, silent)
    images = sorted(set(small.files) - {small.family.reader.meta["filename"]})
    assert sorted(name for name in checked if name in images) == images

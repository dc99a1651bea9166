import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mipp_core.errors import DataError
from mipp_core.vocabulary import silent

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def test_files_already_there_are_read_as_they_are(small, tmp_path: Path):
    small.write(tmp_path)
    train, test = small.family.load(tmp_path, silent)
    assert torch.equal(train.images, small.train.images)
    assert torch.equal(train.labels, small.train.labels)
    assert torch.equal(test.images, small.test.images)
    assert train.labels.dtype == torch.int64


def test_reading_writes_nothing(small, tmp_path: Path):
    small.write(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    small.family.load(tmp_path, silent)
    assert sorted(tmp_path.rglob("*")) == before


def header(*fields: int) -> bytes:
    return bytes([0, 0, 8, len(fields)]) + b"".join(field.to_bytes(4, "big") for field in fields)


DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "empty images": (IMAGES, lambda _: b"", r"cannot be read \(.+\)"),
    "empty labels": (LABELS, lambda _: b"", r"cannot be read \(.+\)"),
    "header only": (IMAGES, lambda whole: whole[:16], r"cannot be read \(.+\)"),
    "part of the header": (IMAGES, lambda whole: whole[:6], r"cannot be read \(.+\)"),
    "truncated": (IMAGES, lambda whole: whole[:-1], r"cannot be read \(.+\)"),
    "one byte too many": (IMAGES, lambda whole: whole + b"\0", r"cannot be read \(.+\)"),
    "wrong magic": (IMAGES, lambda whole: b"\1\2\3\4" + whole[4:], r"cannot be read \(AssertionError\)"),
    "undefined value type": (IMAGES, lambda whole: b"\0\0\x0a" + whole[3:], r"cannot be read \(10\)"),
    "other value type": (IMAGES, lambda whole: b"\0\0\x09" + whole[3:], r"cannot be read \(.+int8\)"),
    "garbage": (IMAGES, lambda _: b"<html>not found</html>" * 9, r"cannot be read \(.+\)"),
    "labels for images": (IMAGES, lambda _: header(40) + bytes(40), r"cannot be read \(.+3 dimension.+\)"),
    "fewer images": (
        IMAGES,
        lambda whole: header(39, 28, 28) + whole[16 : 16 + 39 * 784],
        r"hold images of shape \(39, 28, 28\) instead of \(40, 28, 28\)",
    ),
    "other image size": (
        IMAGES,
        lambda whole: header(40, 14, 56) + whole[16:],
        r"hold images of shape \(40, 14, 56\) instead of \(40, 28, 28\)",
    ),
    "fewer labels": (
        LABELS,
        lambda whole: header(39) + whole[8:-1],
        r"hold labels of shape \(39,\) instead of \(40,\)",
    ),
    "labels out of range": (
        LABELS,
        lambda whole: whole[:-1] + bytes([10]),
        r"hold labels from 0 to 10 instead of 0 to 9",
    ),
    "one pixel changed": (
        IMAGES,
        lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
        r"are not the published ones \(SHA-256 \w{12}… instead of \w{12}…\)",
    ),
    "two labels exchanged": (
        LABELS,
        lambda whole: whole[:8] + whole[9:10] + whole[8:9] + whole[10:],
        r"are not the published ones \(.+\)",
    ),
}


@pytest.mark.parametrize(("file", "damage", "fault"), DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_found_and_said(small, tmp_path: Path, file: str, damage: Callable[[bytes], bytes], fault: str):
    path = small.write(tmp_path) / file
    path.write_bytes(damage(path.read_bytes()))
    start = re.escape(f"The train files of digits in {tmp_path / 'Digits'} ")
    remedy = r"; delete that folder to download them again, or use the embedded mnist-sample\.$"
    with pytest.raises(DataError, match=start + fault + remedy) as caught:
        small.family.load(tmp_path, silent)
    assert "cannot be read" not in str(caught.value) or caught.value.__cause__ is not None


def test_damage_in_the_test_half_is_found_too(small, tmp_path: Path):
    (small.write(tmp_path) / "t10k-images-idx3-ubyte").write_bytes(small.files[IMAGES])
    with pytest.raises(DataError, match=r"The test files .* shape \(40, 28, 28\) instead of \(20, 28, 28\)"):
        small.family.load(tmp_path, silent)


def test_files_of_another_dataset_of_the_same_shape_are_refused(small, tmp_path: Path):
    """Fashion-MNIST renamed to MNIST has the right sizes, and only a checksum tells."""
    small.write(tmp_path)
    other = replace(small.family, train=replace(small.family.train, digest="0" * 64))
    with pytest.raises(DataError, match=r"are not the published ones \(SHA-256 .* instead of 000000000000…"):
        other.load(tmp_path, silent)


def test_a_renamed_file_is_a_missing_file(small, tmp_path: Path):
    path = small.write(tmp_path) / IMAGES
    path.rename(path.with_name("train-images.idx3-ubyte"))
    with pytest.raises(DataError, match=re.escape(f"digits needs the file {path}, which is missing")):
        small.family.load(tmp_path, silent)


@pytest.mark.parametrize(
    ("old", "fault"),
    [
        ("garbage", r"cannot be read \(.+\)"),
        ((torch.zeros(3, 28, 28, dtype=torch.uint8), torch.zeros(3).long()), r"shape \(3, 28, 28\)"),
    ],
)
def test_files_of_an_old_torchvision_that_hide_the_raw_ones_are_checked_too(small, tmp_path: Path, old, fault):
    processed = small.write(tmp_path).with_name("processed")
    processed.mkdir()
    for name in ("training.pt", "test.pt"):
        torch.save(old, processed / name)
    with pytest.raises(DataError, match=fault):
        small.family.load(tmp_path, silent)

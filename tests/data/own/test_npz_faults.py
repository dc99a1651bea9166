"""Files of arrays that cannot be used, each with its sentence; what is never unpacked, and never unpickled."""

import pickle
import struct
import zipfile
from pathlib import Path

import numpy
import pytest
from painted import N, arrays, grey_levels

from mipp_core.data import npz
from mipp_core.data.own import from_arrays
from mipp_core.data.own import npz as reading
from mipp_core.errors import ImagesError, SettingError

X, Y = grey_levels(1), numpy.arange(N) % 3
BAD = {
    "more labels than images": ({"x": X[:-1], "y": Y}, r"y .* has 24 labels for 23 images; give one label per image"),
    "fewer": ({"x": X, "y": Y[:-1]}, "has 23 labels for 24 images"),
    "no labels": ({"x": X}, r"it has no labels; found x \[24, 1, 7, 5\] uint8\. Name the arrays x_train"),
    "no images": ({"y": Y}, "it has no images; found y"),
    "unknown names": ({"arr_0": X, "arr_1": Y}, r"names that are known; found arr_0 \[24, 1, 7, 5\] uint8, arr_1"),
    "nothing": ({}, "found no array"),
    "two that could be meant": ({"x": X, "images": X, "y": Y}, "x and images could both be meant"),
    "parts and the whole": ({"x": X, "y": Y, "x_test": X, "y_test": Y}, "beside arrays of the whole"),
    "nothing to train on": ({"x_test": X, "y_test": Y}, "no images and labels to train on"),
    "test without labels": ({"x_train": X, "y_train": Y, "x_test": X}, "it has no test labels"),
    "other sizes": ({"x_train": X, "y_train": Y, "x_test": X[:, :, :4], "y_test": Y}, "of different shapes"),
    "flattened": ({"x": X.reshape(N, -1), "y": Y}, r"x \[24, 35\] uint8 in .* is no array of images; give \[n, height"),
    "four channels": ({"x": numpy.zeros((N, 7, 5, 4), "u1"), "y": Y}, "is no array of images"),
    "first or last": ({"x": numpy.zeros((N, 3, 9, 3), "u1"), "y": Y}, "could have its channels first or last"),
    "no image": ({"x": X[:0], "y": Y[:0]}, "is no array of images"),
    "NaN": ({"x": numpy.where(X == 255, numpy.nan, X / 255), "y": Y}, r"not finite \(NaN or infinite\)"),
    "infinite": ({"x": numpy.where(X == 255, numpy.inf, X / 255), "y": Y}, "not finite"),
    "negative": ({"x": X / 127.5 - 1, "y": Y}, "numbers down to -1; give levels in 0..255"),
    "neither range": ({"x": X / 200, "y": Y}, "numbers up to 1.275; give levels"),
    "too large": ({"x": X * 300.0, "y": Y}, "numbers up to 76500"),
    "strings for images": ({"x": X.astype(str), "y": Y}, "not numbers; save images as uint8"),
    "mixed numbers": ({"x_train": X, "y_train": Y, "x_test": X / 255, "y_test": Y}, "holds other numbers than"),
    "one class": ({"x": X, "y": Y * 0}, "has one class only, 0, in y"),
    "a class of one": ({"x": X, "y": numpy.where(numpy.arange(N) == 5, 9, Y)}, "1 image of the class 9 in y"),
    "measures": ({"x": X, "y": Y + 0.5}, "has the label 0.5; give whole numbers or strings"),
    "labels that are NaN": ({"x": X, "y": numpy.where(Y == 2, numpy.nan, Y)}, "has the label nan"),
    "negative labels": ({"x": X, "y": Y - 1}, "has the label -1; number the classes from 0"),
    "several labels": ({"x": X, "y": numpy.ones((N, 3), int)}, r"not one-hot, such as \[1, 1, 1\]; give one class"),
    "labels in space": ({"x": X, "y": numpy.ones((N, 3, 2), int)}, r"labels of shape \[24, 3, 2\]"),
    "one label": ({"x": X, "y": numpy.array(3)}, "1 labels for 24 images"),
    "unknown to training": (
        {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1},
        r"y_test in .* has the label 3, which is not among those to train on \(0, 1, 2\)",
    ),
    "untested class": ({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y % 2}, "class 2 in y_train but not in y_"),
    "objects": ({"x": numpy.array([X[0], None] * 12, dtype=object), "y": Y}, "is no array of images"),
    "labels as objects": ({"x": X, "y": Y.astype(object)}, "array y in .* holds Python objects.*may run code"),
    "records": ({"x": X, "y": numpy.zeros(N, [("a", int)])}, "holds Python objects, records or nothing"),
    "dates": ({"x": X, "y": numpy.zeros(N, "M8[D]")}, r"labels of datetime64\[D\]"),
}


@pytest.mark.parametrize(("named", "sentence"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_said_in_a_sentence(tmp_path: Path, named: dict, sentence: str):
    with pytest.raises(ImagesError, match=sentence) as refused:
        npz(arrays(tmp_path / "a.npz", **named))
    assert str(refused.value).count("\n") == 0


def test_a_share_and_a_part_to_test_on_exclude_each_other(tmp_path: Path):
    path = arrays(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X, y_test=Y)
    with pytest.raises(SettingError, match="has images to test on, x_test; leave the test share out"):
        npz(path, test_share=0.5)


@pytest.mark.parametrize("cut", [0, 1, 100, 1000, -1, -30, -400])
def test_a_damaged_file_is_said(tmp_path: Path, cut: int):
    path = arrays(tmp_path / "a.npz", x=X, y=Y)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ImagesError, match=r"cannot be read as a \.npz file"):
        npz(path)


def test_a_flipped_bit_in_a_compressed_file_is_said(tmp_path: Path):
    path = tmp_path / "a.npz"
    numpy.savez_compressed(path, x=X, y=Y)
    content = bytearray(path.read_bytes())
    content[300] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ImagesError, match=r"a\.npz"):
        npz(path)


def test_no_file_is_said(tmp_path: Path):
    with pytest.raises(ImagesError, match="There is no file"):
        npz(tmp_path / "a.npz")
    with pytest.raises(ImagesError, match="There is no file"):
        npz(tmp_path)
    numpy.save(tmp_path / "b.npy", X)
    (tmp_path / "b.npy").rename(tmp_path / "b.npz")
    with pytest.raises(ImagesError, match=r"cannot be read as a \.npz file"):
        npz(tmp_path / "b.npz")


def bomb(path: Path, head: bytes, zeros: int) -> Path:
    """Write a small file that says it holds much."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("x.npy", "w") as stream:
        stream.write(head)
        for _ in range(zeros // 2**20):
            stream.write(bytes(2**20))
    return path


def head_of(text: str, version: bytes = b"\x01\x00") -> bytes:
    padded = text.ljust(117) + "\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(padded)) + padded.encode()


def test_a_head_that_lies_about_the_size_is_refused_unread(tmp_path: Path):
    head = head_of("{'descr': '|u1', 'fortran_order': False, 'shape': (4, 4), }")
    with pytest.raises(ImagesError, match="not of the size that its head says"):
        npz(bomb(tmp_path / "a.npz", head, 2**26))


def test_an_endless_head_is_refused_unread(tmp_path: Path):
    head = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{"
    with pytest.raises(ImagesError, match=r"cannot be read as a \.npz file"):
        npz(bomb(tmp_path / "a.npz", head, 2**26))


def test_what_is_too_large_for_memory_and_compressed_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(from_arrays, "_UNPACKED", 100)
    numpy.savez_compressed(tmp_path / "a.npz", x=X, y=Y)
    monkeypatch.setattr(reading.Member, "read", None)
    with pytest.raises(ImagesError, match=r"too large for memory, and is compressed.*numpy.savez in place of"):
        npz(tmp_path / "a.npz")


def test_no_pickle_is_ever_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = arrays(tmp_path / "a.npz", x=X, y=Y, notes=numpy.array([{"a": 1}], dtype=object))
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, None)
    assert "left out: notes" in npz(path).notes

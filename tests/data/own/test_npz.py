"""Files of arrays: names, layouts, numbers and labels as people save them, against one obvious twin."""

import struct
import zipfile
from pathlib import Path

import numpy
import pytest
import torch
from painted import arrays

from mipp_core.data import Split, StreamedArray, load_dataset, npz
from mipp_core.data.own import from_arrays, naming
from mipp_core.data.own import npz as reading
from mipp_core.errors import ImagesError, SettingError

N, HEIGHT, WIDTH = 24, 7, 5
LABELS = numpy.arange(N) % 3


def images(channels: int, seed: int = 0) -> numpy.ndarray:
    """Return the obvious twin: grey levels [n, channels, height, width]."""
    found = numpy.random.default_rng(seed).integers(0, 256, (N, channels, HEIGHT, WIDTH)).astype(numpy.uint8)
    found[0, 0, 0, :2] = 0, 255
    return found


LAYOUTS = {
    "NHW": lambda x: x[:, 0],
    "NHWC": lambda x: x.transpose(0, 2, 3, 1),
    "NCHW": lambda x: x,
    "by columns": numpy.asfortranarray,
}
NUMBERS = {
    "uint8": lambda x: x,
    "big-endian int32": lambda x: x.astype(">i4"),
    "int64": lambda x: x.astype(numpy.int64),
    "uint16": lambda x: x.astype(numpy.uint16) * 257,
    "float32 to 1": lambda x: x.astype(numpy.float32) / 255,
    "float64 to 1": lambda x: x / 255,
    "float64 to 255": lambda x: x.astype(numpy.float64),
    "float16 to 1": lambda x: (x / 255).astype(numpy.float16),
}
MARKS = {
    "whole numbers": lambda y: y,
    "bytes": lambda y: y.astype(numpy.uint8),
    "a column": lambda y: y[:, None],
    "floating point": lambda y: y.astype(numpy.float32),
    "one-hot": lambda y: numpy.eye(3, dtype=numpy.uint8)[y],
    "one-hot, floating point": lambda y: numpy.eye(3)[y],
    "strings": lambda y: numpy.array(["ant", "bee", "cat"])[y],
    "byte strings": lambda y: numpy.array([b"ant", b"bee", b"cat"])[y],
    "other numbers": lambda y: numpy.array([3, 7, 250])[y],
}


def levels_of(path: Path, part: str = "train", **options) -> tuple[torch.Tensor, torch.Tensor]:
    """Return grey levels and labels, sorted by content."""
    data = load_dataset(npz(path, **options).card.name)
    split = getattr(data, part).in_memory()
    found = (255 * data.normalisation.undo(split.images)).round().byte()
    return in_order(found, split.labels)


def in_order(found: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    order = sorted(range(len(found)), key=lambda n: found[n].numpy().tobytes())
    return found[order], labels[order]


def same(found: tuple[torch.Tensor, torch.Tensor], twin: numpy.ndarray, labels: numpy.ndarray = LABELS) -> bool:
    wanted = in_order(torch.from_numpy(twin.copy()), torch.from_numpy(labels.copy()))
    return all(torch.equal(one, two) for one, two in zip(found, wanted, strict=True))


@pytest.mark.parametrize("streamed", [False, True], ids=["in memory", "streamed"])
@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_all_layouts_and_numbers_give_the_same_images(
    tmp_path: Path, channels: int, layout: str, numbers, streamed: bool, monkeypatch: pytest.MonkeyPatch
):
    if layout == "NHW" and channels == 3:
        return
    monkeypatch.setattr(from_arrays, "IN_MEMORY", 0 if streamed else 2**30)
    train, test = images(channels), images(channels, seed=1)
    saved = [numbers(LAYOUTS[layout](each)) for each in (train, test)]
    path = arrays(tmp_path / "a.npz", x_train=saved[0], y_train=LABELS, x_test=saved[1], y_test=LABELS)
    assert isinstance(load_dataset(npz(path).card.name).train, StreamedArray if streamed else Split)
    assert same(levels_of(path), train)
    assert same(levels_of(path, "test"), test)


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_all_labels_give_the_same_classes(tmp_path: Path, mark):
    path = arrays(tmp_path / "a.npz", x_train=images(1), y_train=mark(LABELS), x_test=images(1), y_test=mark(LABELS))
    assert same(levels_of(path), images(1))


def test_classes_are_called_what_their_labels_are(tmp_path: Path):
    path = arrays(tmp_path / "a.npz", images=images(1), labels=MARKS["strings"](LABELS))
    assert npz(path).card.classes == ("ant", "bee", "cat")
    path = arrays(tmp_path / "b.npz", images=images(1), labels=MARKS["other numbers"](LABELS))
    assert npz(path).card.classes == ("3", "7", "250")


NAMES = [
    ("x_train", "y_train", "x_test", "y_test"),
    ("X_train", "Y_train", "X_test", "Y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("train_images", "train_labels", "val_images", "val_labels"),
    ("train_data", "train_targets", "test_data", "test_targets"),
    ("trainX", "trainY", "testX", "testY"),
    ("xtrain", "ytrain", "xtest", "ytest"),
    ("TRAIN_X", "TRAIN_Y", "VALID_X", "VALID_Y"),
    ("training-images", "training-labels", "testing-images", "testing-labels"),
]


@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[0])
def test_arrays_by_the_names_people_give_them(tmp_path: Path, names: tuple[str, ...]):
    values = (images(3), LABELS, images(3, seed=1), LABELS)
    path = arrays(tmp_path / "a.npz", **dict(zip(names, values, strict=True)))
    assert same(levels_of(path), values[0])
    assert same(levels_of(path, "test"), values[2])


WHOLE = [("images", "labels"), ("x", "y"), ("X", "y"), ("data", "target"), ("data", "labels"), ("x_data", "y_data")]


@pytest.mark.parametrize(("one", "two"), WHOLE)
def test_the_whole_is_split_by_a_seed(tmp_path: Path, one: str, two: str):
    path = arrays(tmp_path / "a.npz", **{one: images(1), two: LABELS})
    train, test = levels_of(path, test_share=0.25), levels_of(path, "test", test_share=0.25)
    assert test[1].bincount().tolist() == [2, 2, 2]
    assert same(in_order(torch.cat([train[0], test[0]]), torch.cat([train[1], test[1]])), images(1))


def test_test_goes_before_val_and_the_rest_is_said(tmp_path: Path):
    parts = {f"{part}_images": images(1, seed) for seed, part in enumerate(("train", "val", "test"))}
    parts |= {f"{part}_labels": LABELS for part in ("train", "val", "test")}
    given = npz(arrays(tmp_path / "a.npz", **parts, about=numpy.array(["x"])))
    assert "left out: val_images, val_labels, about" in given.notes
    assert same(levels_of(tmp_path / "a.npz", "test"), images(1, 2))


@pytest.mark.parametrize("options", [{"size": (7, 5)}, {"crop": False}, {"colour": "rgb"}])
def test_what_the_arrays_are_may_be_said(tmp_path: Path, options: dict):
    path = arrays(tmp_path / "a.npz", images=images(3), labels=LABELS)
    assert npz(path, **options).card.image_shape == (3, 7, 5)


def test_arrays_are_resized_and_coloured_as_pictures_are(tmp_path: Path):
    flat = numpy.full((N, 12, 6, 3), 200, dtype=numpy.uint8)
    flat[:, :3] = flat[:, 9:] = 0
    path = arrays(tmp_path / "a.npz", images=flat, labels=LABELS)
    assert levels_of(path, size=(4, 4))[0].unique().tolist() == [200]
    assert 0 < levels_of(path, size=(4, 4), crop=False)[0][:, :, 0].max() < 200
    assert npz(path, colour="grey").card.image_shape == (1, 12, 6)
    grey = arrays(tmp_path / "b.npz", images=images(1), labels=LABELS)
    wide = levels_of(grey, colour="rgb")[0]
    assert torch.equal(wide[:, 0], wide[:, 1])
    assert torch.equal(wide[:, 0], wide[:, 2])


def test_statistics_are_those_of_the_training_images(tmp_path: Path):
    path = arrays(tmp_path / "a.npz", x_train=images(3), y_train=LABELS, x_test=images(3, 1), y_test=LABELS)
    found, pixels = npz(path).card.normalisation, images(3) / 255
    assert found.mean == pytest.approx(pixels.mean((0, 2, 3)), abs=6e-5)
    assert found.std == pytest.approx(pixels.std((0, 2, 3)), abs=6e-5)


def test_images_that_are_all_alike_are_divided_by_1(tmp_path: Path):
    path = arrays(tmp_path / "a.npz", images=numpy.full((N, 4, 4), 51, numpy.uint8), labels=LABELS)
    assert (npz(path).card.normalisation.mean, npz(path).card.normalisation.std) == ((0.2,), (1.0,))


def test_a_stream_gives_the_same_batches_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = arrays(tmp_path / "a.npz", x_train=images(3), y_train=LABELS, x_test=images(3), y_test=LABELS)
    monkeypatch.setattr(from_arrays, "IN_MEMORY", 0)
    train = load_dataset(npz(path).card.name).train
    whole = train.in_memory()
    order = torch.randperm(N, generator=torch.Generator().manual_seed(3))
    shown = torch.cat([images for images, _ in train.batches(5, order)])
    assert torch.equal(shown, whole.images[order])
    taken = train.take(order[:9]).take(torch.tensor([2, 0]))
    assert torch.equal(taken.in_memory().images, whole.images[order[:9]][[2, 0]])
    assert train.fixed(6).labels.bincount().tolist() == [2, 2, 2]
    with pytest.raises(SettingError, match="picture files"):
        train.randomly_cropped(torch.Generator())


@pytest.mark.parametrize("limit", [naming.READ_WHOLE, 0])
def test_changed_arrays_have_another_name(tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(naming, "READ_WHOLE", limit)
    path = arrays(tmp_path / "a.npz", images=images(1), labels=LABELS)
    name = npz(path).card.name
    assert npz(path).card.name == name
    arrays(path, images=images(1, seed=9), labels=LABELS)
    with pytest.raises(ImagesError, match="have been changed since they were named"):
        load_dataset(name)
    assert npz(path).card.name != name


X, Y = images(1), LABELS
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


def test_a_compressed_file_gives_the_same_images(tmp_path: Path):
    numpy.savez_compressed(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X, y_test=Y)
    assert same(levels_of(tmp_path / "a.npz"), X)


def test_no_pickle_is_ever_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import pickle  # noqa: PLC0415

    path = arrays(tmp_path / "a.npz", x=X, y=Y, notes=numpy.array([{"a": 1}], dtype=object))
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, None)
    assert "left out: notes" in npz(path).notes

"""Files of arrays: names, layouts, numbers and labels as people save them, against one obvious twin."""

from pathlib import Path

import numpy
import pytest
import torch
from painted import N, arrays, grey_levels

from mipp_core.data import Split, StreamedArray, load_dataset, npz
from mipp_core.data.own import from_arrays, naming
from mipp_core.errors import ImagesError, SettingError

LABELS = numpy.arange(N) % 3


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
    train, test = grey_levels(channels), grey_levels(channels, seed=1)
    saved = [numbers(LAYOUTS[layout](each)) for each in (train, test)]
    path = arrays(tmp_path / "a.npz", x_train=saved[0], y_train=LABELS, x_test=saved[1], y_test=LABELS)
    assert isinstance(load_dataset(npz(path).card.name).train, StreamedArray if streamed else Split)
    assert same(levels_of(path), train)
    assert same(levels_of(path, "test"), test)


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_all_labels_give_the_same_classes(tmp_path: Path, mark):
    path = arrays(
        tmp_path / "a.npz", x_train=grey_levels(1), y_train=mark(LABELS), x_test=grey_levels(1), y_test=mark(LABELS)
    )
    assert same(levels_of(path), grey_levels(1))


def test_classes_are_called_what_their_labels_are(tmp_path: Path):
    path = arrays(tmp_path / "a.npz", images=grey_levels(1), labels=MARKS["strings"](LABELS))
    assert npz(path).card.classes == ("ant", "bee", "cat")
    path = arrays(tmp_path / "b.npz", images=grey_levels(1), labels=MARKS["other numbers"](LABELS))
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
    values = (grey_levels(3), LABELS, grey_levels(3, seed=1), LABELS)
    path = arrays(tmp_path / "a.npz", **dict(zip(names, values, strict=True)))
    assert same(levels_of(path), values[0])
    assert same(levels_of(path, "test"), values[2])


WHOLE = [("images", "labels"), ("x", "y"), ("X", "y"), ("data", "target"), ("data", "labels"), ("x_data", "y_data")]


@pytest.mark.parametrize(("one", "two"), WHOLE)
def test_the_whole_is_split_by_a_seed(tmp_path: Path, one: str, two: str):
    path = arrays(tmp_path / "a.npz", **{one: grey_levels(1), two: LABELS})
    train, test = levels_of(path, test_share=0.25), levels_of(path, "test", test_share=0.25)
    assert test[1].bincount().tolist() == [2, 2, 2]
    assert same(in_order(torch.cat([train[0], test[0]]), torch.cat([train[1], test[1]])), grey_levels(1))


def test_test_goes_before_val_and_the_rest_is_said(tmp_path: Path):
    parts = {f"{part}_images": grey_levels(1, seed) for seed, part in enumerate(("train", "val", "test"))}
    parts |= {f"{part}_labels": LABELS for part in ("train", "val", "test")}
    given = npz(arrays(tmp_path / "a.npz", **parts, about=numpy.array(["x"])))
    assert "left out: val_images, val_labels, about" in given.notes
    assert same(levels_of(tmp_path / "a.npz", "test"), grey_levels(1, 2))


@pytest.mark.parametrize("options", [{"size": (7, 5)}, {"crop": False}, {"colour": "rgb"}])
def test_what_the_arrays_are_may_be_said(tmp_path: Path, options: dict):
    path = arrays(tmp_path / "a.npz", images=grey_levels(3), labels=LABELS)
    assert npz(path, **options).card.image_shape == (3, 7, 5)


def test_arrays_are_resized_and_coloured_as_pictures_are(tmp_path: Path):
    flat = numpy.full((N, 12, 6, 3), 200, dtype=numpy.uint8)
    flat[:, :3] = flat[:, 9:] = 0
    path = arrays(tmp_path / "a.npz", images=flat, labels=LABELS)
    assert levels_of(path, size=(4, 4))[0].unique().tolist() == [200]
    assert 0 < levels_of(path, size=(4, 4), crop=False)[0][:, :, 0].max() < 200
    assert npz(path, colour="grey").card.image_shape == (1, 12, 6)
    grey = arrays(tmp_path / "b.npz", images=grey_levels(1), labels=LABELS)
    wide = levels_of(grey, colour="rgb")[0]
    assert torch.equal(wide[:, 0], wide[:, 1])
    assert torch.equal(wide[:, 0], wide[:, 2])


def test_statistics_are_those_of_the_training_images(tmp_path: Path):
    path = arrays(tmp_path / "a.npz", x_train=grey_levels(3), y_train=LABELS, x_test=grey_levels(3, 1), y_test=LABELS)
    found, pixels = npz(path).card.normalisation, grey_levels(3) / 255
    assert found.mean == pytest.approx(pixels.mean((0, 2, 3)), abs=6e-5)
    assert found.std == pytest.approx(pixels.std((0, 2, 3)), abs=6e-5)


def test_images_that_are_all_alike_are_divided_by_1(tmp_path: Path):
    path = arrays(tmp_path / "a.npz", images=numpy.full((N, 4, 4), 51, numpy.uint8), labels=LABELS)
    assert (npz(path).card.normalisation.mean, npz(path).card.normalisation.std) == ((0.2,), (1.0,))


def test_a_stream_gives_the_same_batches_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = arrays(tmp_path / "a.npz", x_train=grey_levels(3), y_train=LABELS, x_test=grey_levels(3), y_test=LABELS)
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
    path = arrays(tmp_path / "a.npz", images=grey_levels(1), labels=LABELS)
    name = npz(path).card.name
    assert npz(path).card.name == name
    arrays(path, images=grey_levels(1, seed=9), labels=LABELS)
    with pytest.raises(ImagesError, match="have been changed since they were named"):
        load_dataset(name)
    assert npz(path).card.name != name


def test_a_compressed_file_gives_the_same_images(tmp_path: Path):
    numpy.savez_compressed(
        tmp_path / "a.npz", x_train=grey_levels(1), y_train=LABELS, x_test=grey_levels(1), y_test=LABELS
    )
    assert same(levels_of(tmp_path / "a.npz"), grey_levels(1))

"""Folders of pictures of one's own: what is found, how it is shown, and under which name."""

import os
import shutil
from pathlib import Path

import numpy
import pytest
import torch
from painted import classes, levels, paint
from PIL import Image

from mipp_core.data import FileSplit, Split, card_of, folder, load_dataset
from mipp_core.data.own import from_folder, naming, survey
from mipp_core.data.own.files import Walk
from mipp_core.errors import ImagesError, SettingError


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return classes(tmp_path / "pets", {"cats": 10, "dogs": 5})


def raw(root: Path, **options) -> dict[str, torch.Tensor]:
    """Return what is loaded as grey levels in 0..255, by part."""
    data = load_dataset(folder(root, **options).card.name)
    undo = data.normalisation.undo
    return {part: (255 * undo(getattr(data, part).in_memory().images)).round() for part in ("train", "test")}


def test_a_share_of_each_class_is_tested_on(pets: Path):
    data = load_dataset(folder(pets).card.name)
    assert data.classes == ("cats", "dogs")
    assert data.train.labels.bincount().tolist() == [8, 4]
    assert data.test.labels.bincount().tolist() == [2, 1]
    assert data.image_shape == (3, 12, 10)


@pytest.mark.parametrize(("share", "tested"), [(0.5, [5, 2]), (0.01, [1, 1]), (0.99, [9, 4])])
def test_every_class_is_in_both_halves_whatever_the_share(pets: Path, share: float, tested: list[int]):
    data = load_dataset(folder(pets, test_share=share).card.name)
    assert data.test.labels.bincount().tolist() == tested
    assert len(data.train) + len(data.test) == 15


def test_the_two_halves_are_all_pictures_once(pets: Path):
    read = raw(pets)
    found = {bytes(image.byte().numpy().tobytes()) for part in read.values() for image in part}
    painted = [numpy.asarray(Image.open(path)).transpose(2, 0, 1).tobytes() for path in pets.rglob("*.png")]
    assert found == set(painted)
    assert sum(map(len, read.values())) == len(painted) == 15


def test_another_split_seed_is_another_split_and_another_name(pets: Path):
    first, other = folder(pets), folder(pets, split_seed=1)
    assert first.card.name != other.card.name
    assert folder(pets).card.name == first.card.name
    one, two = (load_dataset(each.card.name).test.in_memory().images for each in (first, other))
    assert not torch.equal(one.sort(0).values, two.sort(0).values)


@pytest.mark.parametrize(
    ("train", "test"),
    [("train", "val"), ("train", "test"), ("Training", "Testing"), ("TRAIN", "valid"), ("train", "validation")],
)
def test_parts_by_the_names_people_give_them(tmp_path: Path, train: str, test: str):
    classes(tmp_path / "pets" / train, {"a": 3, "b": 2})
    classes(tmp_path / "pets" / test, {"a": 1, "b": 2}, seed=50)
    data = load_dataset(folder(tmp_path / "pets").card.name)
    assert (data.train.labels.bincount().tolist(), data.test.labels.bincount().tolist()) == ([3, 2], [1, 2])
    with pytest.raises(SettingError, match="leave the test share out"):
        folder(tmp_path / "pets", test_share=0.3)


def test_test_goes_before_val_and_what_is_not_read_is_said(tmp_path: Path):
    for place, part in enumerate(("train", "val", "test")):
        classes(tmp_path / "pets" / part, {"a": 2, "b": 2 + place}, seed=100 * place)
    images = folder(tmp_path / "pets")
    assert images.card.test_size == 6
    assert "left out: val" in images.notes


def test_train_alone_is_split(tmp_path: Path):
    classes(tmp_path / "pets" / "train", {"a": 5, "b": 5})
    assert (folder(tmp_path / "pets").card.train_size, folder(tmp_path / "pets").card.test_size) == (8, 2)


def test_a_class_may_be_called_train(tmp_path: Path):
    root = classes(tmp_path / "vehicles", {"bus": 3, "train": 4})
    assert folder(root).card.classes == ("bus", "train")


def test_hidden_things_and_other_files_are_left_out(pets: Path):
    (pets / ".cache").mkdir()
    classes(pets, {"__MACOSX": 2})
    (pets / "cats" / ".DS_Store").write_bytes(b"x")
    (pets / "cats" / "._0.png").write_bytes(b"x")
    (pets / "cats" / "notes.txt").write_text("x")
    paint(pets / "loose.png", 1)
    images = folder(pets)
    assert images.card.classes == ("cats", "dogs")
    assert "left out: 1 files that are not pictures, such as notes.txt" in images.notes
    assert "left out: 1 pictures that are in no class folder" in images.notes


def test_pictures_of_a_class_may_lie_deeper_and_have_any_names(tmp_path: Path):
    root = tmp_path / "Bäume, 木 & @more"
    classes(root, {"Ahorn 🍁": 2, "b'c": 2})
    paint(root / "Ahorn 🍁" / "2024" / "a,b.PNG", 77)
    images = folder(root)
    assert images.card.classes == ("Ahorn 🍁", "b'c")
    assert images.card.train_size + images.card.test_size == 5
    assert naming.shown(images.card.name) == "folder:Bäume, 木 & @more"
    assert card_of(images.card.name) == images.card


def test_names_that_are_no_text_are_shown_with_marks(tmp_path: Path):
    root = os.fsencode(tmp_path / "p") + b"\xff"
    Path(os.fsdecode(root + b"/\xfe")).mkdir(parents=True)
    path = Path(os.fsdecode(root))
    paint(path / os.fsdecode(b"\xfe") / "1.png", 1)
    paint(path / os.fsdecode(b"\xfe") / "2.png", 2)
    classes(path, {"b": 2})
    images = folder(path)
    images.card.name.encode()
    assert set(images.card.classes) == {"b", "�"}


def test_statistics_are_those_of_the_training_pictures(pets: Path):
    card = folder(pets).card
    pixels = raw(pets)["train"].double() / 255
    assert card.normalisation.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=6e-5)
    assert card.normalisation.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist(), abs=6e-5)


def test_a_draw_stands_for_many_pictures(pets: Path, monkeypatch: pytest.MonkeyPatch):
    everything = folder(pets)
    monkeypatch.setattr(survey, "DECODED", 6)
    monkeypatch.setattr(survey, "HEADS", 6)
    drawn = folder(pets)
    assert "6 drawn training pictures" in drawn.notes[0]
    assert drawn.card.name == everything.card.name
    assert drawn.card.normalisation != everything.card.normalisation
    assert folder(pets).card.normalisation == drawn.card.normalisation


def test_few_are_in_memory_and_many_are_streamed_alike(pets: Path, monkeypatch: pytest.MonkeyPatch):
    name = folder(pets).card.name
    held = load_dataset(name)
    monkeypatch.setattr(from_folder, "IN_MEMORY", 4 * 3 * 12 * 10 * 15 - 1)
    streamed = load_dataset(folder(pets).card.name)
    assert (type(held.train), type(streamed.train)) == (Split, FileSplit)
    for part in ("train", "test"):
        one, two = getattr(held, part).in_memory(), getattr(streamed, part).in_memory()
        assert sorted(map(hash, map(bytes, one.images.numpy()))) == sorted(map(hash, map(bytes, two.images.numpy())))
        assert one.labels.bincount().tolist() == two.labels.bincount().tolist()


def test_a_stream_opens_as_many_files_as_are_drawn(pets: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(from_folder, "IN_MEMORY", 0)
    train = load_dataset(folder(pets).card.name).train
    opened: list[str] = []
    plain = Image.open
    monkeypatch.setattr(Image, "open", lambda path, *a: opened.append(path) or plain(path, *a))
    assert len(train.stratified(5, torch.Generator().manual_seed(0)).labels) == 5
    assert len(opened) == 5


def test_one_damaged_picture_in_a_stream_is_named(pets: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(from_folder, "IN_MEMORY", 0)
    train = load_dataset(folder(pets).card.name).train
    assert isinstance(train, FileSplit)
    Path(train.paths[3]).write_bytes(b"")
    with pytest.raises(ImagesError, match=r"\d\.png cannot be read .*; put an intact copy there, or remove it"):
        train.in_memory()


CHANGES = {
    "a pixel": lambda root: paint(root / "cats" / "0.bmp", 999),
    "one picture more": lambda root: paint(root / "dogs" / "new.bmp", 7),
    "one picture less": lambda root: (root / "dogs" / "0.bmp").unlink(),
    "one of another class": lambda root: (root / "cats" / "9.bmp").rename(root / "dogs" / "9.bmp"),
    "another class name": lambda root: (root / "dogs").rename(root / "wolves"),
}


@pytest.mark.parametrize("limit", [naming.READ_WHOLE, 0], ids=["by bytes", "by time of change"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_images_have_another_name_and_are_not_read_under_the_old_one(
    tmp_path: Path, change, limit: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(naming, "READ_WHOLE", limit)
    root = classes(tmp_path / "pets", {"cats": 10, "dogs": 5}, ending=".bmp")
    for path in root.rglob("*.bmp"):
        os.utime(path, (0, 0))
    name = folder(root).card.name
    assert folder(root).card.name == name
    change(root)
    with pytest.raises(ImagesError, match="have been changed since they were named"):
        load_dataset(name)
    assert folder(root).card.name != name


def test_the_same_images_elsewhere_have_the_same_name(pets: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    shutil.copytree(pets, tmp_path / "elsewhere" / "pets")
    assert folder(tmp_path / "elsewhere" / "pets").card.name == folder(pets).card.name
    assert str(tmp_path) not in folder(pets).card.name


@pytest.mark.parametrize("other", [{"size": (8, 8)}, {"colour": "grey"}, {"test_share": 0.5}, {"split_seed": 3}])
def test_other_options_are_another_name(pets: Path, other: dict):
    assert folder(pets, **other).card.name != folder(pets).card.name


def test_what_is_usual_may_be_said(pets: Path):
    usual = folder(pets, size=(12, 10), colour="rgb", test_share=0.2)
    assert usual.card.name == folder(pets).card.name


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({"size": (0, 5)}, "1 to 1024"),
        ({"size": (5, 1025)}, "1 to 1024"),
        ({"test_share": 0.0}, r"outside \(0, 1\)"),
        ({"test_share": 1.0}, r"outside \(0, 1\)"),
        ({"test_share": float("nan")}, r"outside \(0, 1\)"),
        ({"split_seed": -1}, "from 0 to"),
    ],
)
def test_options_have_ranges(pets: Path, options: dict, limit: str):
    with pytest.raises(SettingError, match=limit):
        folder(pets, **options)


def test_twins_in_both_halves_are_said(tmp_path: Path):
    root = classes(tmp_path / "pets", {"a": 4, "b": 4})
    for part in ("train", "test"):
        shutil.copytree(root / "a", tmp_path / "p" / part / "a")
        shutil.copytree(root / "b", tmp_path / "p" / part / "b")
    assert any(note.startswith("8 of the test images are training images too") for note in folder(tmp_path / "p").notes)
    assert not any("training images too" in note for note in folder(root).notes)


def test_a_lopsided_folder_is_said(tmp_path: Path):
    root = classes(tmp_path / "pets", {"a": 2, "b": 202}, height=2, width=2)
    assert any(note.startswith("lopsided: b has 202 images and a has 2") for note in folder(root).notes)


def test_a_link_may_lead_elsewhere_unless_that_is_forbidden(pets: Path, tmp_path: Path):
    outside = paint(tmp_path / "outside" / "a.png", 5)
    (pets / "cats" / "linked.png").symlink_to(outside)
    assert folder(pets).card.train_size + folder(pets).card.test_size == 16
    with pytest.raises(ImagesError, match="leads out of"):
        Walk(pets, within=pets).part(pets)


def test_levels_are_those_of_the_files(tmp_path: Path):
    root = classes(tmp_path / "p", {"a": 2, "b": 2})
    test = raw(root)["test"][0].byte().permute(1, 2, 0).numpy()
    assert any(numpy.array_equal(test, levels(seed)) for seed in (0, 1, 1000, 1001))

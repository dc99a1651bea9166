"""Folders that cannot be used, each with its sentence."""

import os
import shutil
from pathlib import Path

import pytest
from painted import classes

from mipp_core.data import folder
from mipp_core.errors import ImagesError


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return classes(tmp_path / "pets", {"cats": 10, "dogs": 5})


def empty(root: Path) -> None:
    (root / "mice").mkdir()


def truncated(root: Path) -> None:
    for name in ("cats/1.png", "dogs/2.png"):
        content = (root / name).read_bytes()
        (root / name).write_bytes(content[: len(content) // 2])


def other_classes(root: Path) -> None:
    shutil.rmtree(root)
    classes(root / "train", {"a": 2, "b": 2})
    classes(root / "test", {"a": 2, "c": 2})


def unsorted(root: Path) -> None:
    shutil.rmtree(root)
    classes(root, {"train": 3, "test": 3})


def no_train(root: Path) -> None:
    shutil.rmtree(root)
    classes(root / "test", {"a": 2, "c": 2})


def nested(root: Path) -> None:
    shutil.move(root, root.parent / "inner")
    shutil.move(root.parent / "inner", root / "inner")


def two_vals(root: Path) -> None:
    for part in ("train", "val", "valid"):
        classes(root / part, {"a": 2, "b": 2})
    shutil.rmtree(root / "cats")
    shutil.rmtree(root / "dogs")


FAULTS = {
    "a class without a picture": (empty, r"class folder .*mice has no picture .*; put some in, or remove"),
    "damaged pictures": (truncated, r"Of 15 pictures .*, 2 pictures cannot be read: .*\.png \(.*\); put an intact"),
    "other classes to test on": (other_classes, r"class b is in .*train but not in .*test; both need"),
    "parts without classes": (unsorted, r"has test and train without class folders in them; put"),
    "nothing to train on": (no_train, r"has test but no train; name the folder"),
    "one class": (lambda root: shutil.rmtree(root / "dogs"), r"one class only, cats; at least two are needed"),
    "a folder around it": (nested, r"one class only, inner; .*if its classes are in .*inner, give that folder"),
    "a class of one": (
        lambda root: [(root / "dogs" / f"{n}.png").unlink() for n in range(1, 5)],
        r"class dogs in .* has 1 picture; at least 2",
    ),
    "no classes": (lambda root: [shutil.rmtree(root / n) for n in ("cats", "dogs")], r"has no class folders; put"),
    "missing": (shutil.rmtree, r"does not exist; give one with a folder of pictures for each class"),
    "two folders to test on": (two_vals, r"has both val and valid; keep one"),
    "a loop": (lambda root: (root / "cats" / "again").symlink_to(root / "cats"), r"leads back into itself by a link"),
    "a link to itself": (lambda root: (root / "cats" / "x.png").symlink_to(root / "cats" / "x.png"), "leads nowhere"),
    "a broken link": (lambda root: (root / "cats" / "x.png").symlink_to(root / "gone"), "leads nowhere.*; remove it"),
}


@pytest.mark.parametrize(("spoil", "sentence"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_used_is_said_in_a_sentence(pets: Path, spoil, sentence: str):
    spoil(pets)
    with pytest.raises(ImagesError, match=sentence) as refused:
        folder(pets)
    assert str(refused.value).count("\n") == 0


def test_a_file_is_not_a_folder(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ImagesError, match="is not a folder"):
        folder(tmp_path / "file")
    for strange in ("x\0y", "x" * 5000):
        with pytest.raises(ImagesError, match=r"cannot be read|does not exist"):
            folder(tmp_path / strange)


def test_a_folder_that_may_not_be_read(pets: Path, monkeypatch: pytest.MonkeyPatch):
    plain = os.scandir

    def refuse(path):
        if Path(path).name == "dogs":
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ImagesError, match=r"dogs cannot be read \(Permission denied\); give yourself the right"):
        folder(pets)

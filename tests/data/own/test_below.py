"""What of the data folder the app offers, and what it never looks at."""

import os
from pathlib import Path

import numpy
import pytest
from painted import arrays, classes

from mipp_core.data import own_below, own_in
from mipp_core.errors import ImagesError, UnknownNameError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    classes(root / "pets", {"cats": 3, "dogs": 3})
    classes(root / "more" / "fruit" / "train", {"a": 3, "b": 3})
    arrays(root / "more" / "digits.npz", x=numpy.zeros((9, 4, 4), "u1"), y=numpy.arange(9) % 3)
    return root


def test_folders_and_files_are_found(data: Path):
    assert own_below(data) == ["folder:more/fruit", "folder:pets", "more/digits.npz"]
    for text in own_below(data):
        assert own_in(text, data).card.train_size > 1


def test_no_data_folder_has_none(tmp_path: Path):
    assert own_below(tmp_path / "gone") == []


def test_other_datasets_and_hidden_or_empty_things_are_not_offered(data: Path):
    for name in ("imagenet", "tiny-imagenet-200"):
        classes(data / name / "train", {"a": 2, "b": 2})
    classes(data / ".hidden", {"a": 2, "b": 2})
    classes(data / "one", {"a": 2})
    (data / "empty" / "a").mkdir(parents=True)
    (data / "empty" / "b").mkdir()
    (data / "cifar-10-batches-py").mkdir()
    assert own_below(data) == ["folder:more/fruit", "folder:pets", "more/digits.npz"]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    classes(tmp_path / "outside", {"a": 3, "b": 3})
    arrays(tmp_path / "outside" / "secret.npz", x=numpy.zeros((9, 4, 4), "u1"), y=numpy.arange(9) % 3)
    return tmp_path / "outside"


def test_links_that_lead_out_are_not_offered(data: Path, outside: Path):
    (data / "linked").symlink_to(outside)
    (data / "linked.npz").symlink_to(outside / "secret.npz")
    (data / "more" / "up").symlink_to(data)
    (data / "inside").symlink_to(data / "pets")
    assert own_below(data) == ["folder:inside", "folder:more/fruit", "folder:pets", "more/digits.npz"]


@pytest.mark.parametrize("inner", ["cats/more", "cats/x.png", "birds"])
def test_links_inside_that_lead_out_are_refused(data: Path, outside: Path, inner: str):
    (data / "pets" / inner).symlink_to(outside / "a" / "0.png" if inner.endswith("png") else outside / "a")
    assert "folder:pets" in own_below(data)
    with pytest.raises(ImagesError, match=r"leads out of .*; put the files themselves there"):
        own_in("folder:pets", data)


@pytest.mark.parametrize(
    "text",
    [
        "folder:../outside",
        "folder:pets/../../outside",
        "folder:OUTSIDE",
        "../outside/secret.npz",
        "OUTSIDE/secret.npz",
        "folder:",
        "folder:.",
        "folder:~",
        "folder:pets/cats",
        "mnist\0",
    ],
)
def test_nothing_else_can_be_named(data: Path, outside: Path, text: str):
    with pytest.raises(UnknownNameError):
        own_in(text.replace("OUTSIDE", str(outside)), data)


def test_an_unreadable_folder_is_passed_over(data: Path, monkeypatch: pytest.MonkeyPatch):
    plain = os.listdir

    def refuse(path: Path) -> list[str]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", refuse)
    assert own_below(data) == []
    monkeypatch.setattr(os, "listdir", plain)
    assert own_below(data)

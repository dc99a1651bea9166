import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from photo_folders import EACH, EACH_TEST, PHOTOS, TINY, WNIDS, photo, write_photos, write_tiny

from mipp_core.data import DATASETS, load_dataset
from mipp_core.data.folder_family import FolderFamily
from mipp_core.errors import DataError
from mipp_core.vocabulary import silent

Case = tuple[FolderFamily, Callable[[Path], Path]]


@pytest.fixture(params=[(PHOTOS, write_photos), (TINY, write_tiny)], ids=["imagenet", "tiny-imagenet"])
def case(request) -> Case:
    return request.param


def test_images_are_listed_class_by_class_in_alphabetical_order(case: Case, tmp_path: Path):
    family, write = case
    write(tmp_path)
    train, _ = family.load(tmp_path, silent)
    assert train.labels.tolist() == [0] * EACH + [1] * EACH + [2] * EACH
    assert [Path(path).name[:9] for path in train.paths] == [wnid for wnid in WNIDS for _ in range(EACH)]


def test_validation_images_of_imagenet_have_the_class_of_their_folder(tmp_path: Path):
    write_photos(tmp_path)
    _, test = PHOTOS.load(tmp_path, silent)
    assert [Path(path).parent.name for path in test.paths] == [WNIDS[label] for label in test.labels.tolist()]
    assert len(test.paths) == 3 * EACH_TEST


def test_validation_images_of_tiny_imagenet_have_the_class_of_their_table(tmp_path: Path):
    write_tiny(tmp_path)
    _, test = TINY.load(tmp_path, silent)
    assert [Path(path).name for path in test.paths] == [f"val_{number}.JPEG" for number in range(6)]
    assert test.labels.tolist() == [1, 0, 2, 1, 0, 2]


def test_validation_images_of_tiny_imagenet_sorted_into_class_folders_are_read_too(tmp_path: Path):
    """As common scripts leave them: sorted, and the table still there."""
    val = write_tiny(tmp_path) / "val"
    for row in (val / "val_annotations.txt").read_text().splitlines():
        name, wnid = row.split("\t")[:2]
        (val / wnid / "images").mkdir(parents=True, exist_ok=True)
        (val / "images" / name).rename(val / wnid / "images" / name)
    (val / "images").rmdir()
    _, test = TINY.load(tmp_path, silent)
    assert test.labels.tolist() == [0, 0, 1, 1, 2, 2]


def test_listing_opens_no_image(case: Case, tmp_path: Path, opened: list[str]):
    family, write = case
    write(tmp_path)
    opened.clear()
    family.load(tmp_path, silent)
    assert [name for name in opened if name.endswith(".JPEG")] == []


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_missing_or_renamed_folder_says_where_to_get_it(case: Case, tmp_path: Path, part: str):
    family, write = case
    folder = write(tmp_path)
    (folder / part).rename(folder / f"{part}ing")
    start = re.escape(
        f"{family.name} needs the folder {folder / part}, which is missing and cannot be downloaded automatically: "
    )
    with pytest.raises(DataError, match=rf"^{start}get it from .+; or use the embedded mnist-sample\.$"):
        family.load(tmp_path, silent)


@pytest.mark.parametrize("name", ["imagenet", "tiny-imagenet"])
def test_the_real_ones_say_where_to_get_them(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=rf"^{name} needs .+ cannot be downloaded automatically: .+ mnist-sample\.$"):
        load_dataset(name, data_dir=tmp_path)
    with pytest.raises(DataError, match="is missing"):
        load_dataset(name, data_dir=tmp_path / "x\0y")
    assert DATASETS[name].download is None


def wrong(family: FolderFamily, folder: Path, fault: str) -> str:
    where = re.escape(f"{family.name} in {folder}")
    return rf"^{where} {fault}; unpack it there again, or use the embedded mnist-sample\.$"


def test_an_empty_folder_is_said(case: Case, tmp_path: Path):
    family, write = case
    folder = write(tmp_path)
    shutil.rmtree(folder / "train")
    (folder / "train").mkdir()
    fault = r"cannot be listed in train \(Couldn't find any class folder in .+\)"
    with pytest.raises(DataError, match=wrong(family, folder, fault)):
        family.load(tmp_path, silent)


def test_an_empty_class_folder_is_said(case: Case, tmp_path: Path):
    family, write = case
    folder = write(tmp_path)
    for path in (folder / "train" / WNIDS[1]).rglob("*.JPEG"):
        path.unlink()
    fault = rf"cannot be listed in train \(Found no valid file for the classes {WNIDS[1]}.+\)"
    with pytest.raises(DataError, match=wrong(family, folder, fault)):
        family.load(tmp_path, silent)


def test_a_dataset_half_unpacked_is_not_a_smaller_dataset(case: Case, tmp_path: Path):
    family, write = case
    folder = write(tmp_path)
    next((folder / "train").rglob("*_3.JPEG")).unlink()
    with pytest.raises(DataError, match=wrong(family, folder, "has 11 images in train instead of 12")):
        family.load(tmp_path, silent)
    shutil.rmtree(folder / "train" / WNIDS[2])
    with pytest.raises(DataError, match=wrong(family, folder, "has 2 classes in train instead of 3")):
        family.load(tmp_path, silent)


def test_a_class_folder_renamed_in_one_half_is_found(tmp_path: Path):
    folder = write_photos(tmp_path)
    (folder / "val" / WNIDS[1]).rename(folder / "val" / "n09999999")
    fault = rf"has the class '{WNIDS[1]}' in only one of train and val"
    with pytest.raises(DataError, match=wrong(PHOTOS, folder, fault)):
        PHOTOS.load(tmp_path, silent)


TABLES: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda rows: "", "has 0 images in val instead of 6"),
    "truncated": (lambda rows: rows[: rows.index("val_4")], "has 4 images in val instead of 6"),
    "cut within a line": (
        lambda rows: rows[:13],
        r"cannot be listed in val \(.+ but train has no class folder 'n0'\)",
    ),
    "no tabs": (
        lambda rows: rows.replace("\t", " "),
        r"cannot be listed in val \(.+ but train has no class folder ''\)",
    ),
    "another name": (
        lambda rows: rows.replace("val_2", "val_7"),
        r"cannot be listed in val \(val_annotations.txt names 'val_7.JPEG', which is not in images\)",
    ),
    "not text": (lambda rows: "\udcff", r"cannot be listed in val \(.+decode.+\)"),
}


@pytest.mark.parametrize(("damage", "fault"), TABLES.values(), ids=TABLES.keys())
def test_a_damaged_table_is_said(tmp_path: Path, damage: Callable[[str], str], fault: str):
    folder = write_tiny(tmp_path)
    table = folder / "val" / "val_annotations.txt"
    table.write_bytes(damage(table.read_text()).encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=wrong(TINY, folder, fault)):
        TINY.load(tmp_path, silent)


def test_a_missing_table_is_said(tmp_path: Path):
    folder = write_tiny(tmp_path)
    (folder / "val" / "val_annotations.txt").unlink()
    with pytest.raises(DataError, match=wrong(TINY, folder, r"cannot be listed in val \(No such file or directory\)")):
        TINY.load(tmp_path, silent)


def test_the_class_folders_of_tiny_imagenet_are_those_of_its_card():
    classes = DATASETS["tiny-imagenet"].classes
    assert list(classes) == sorted(classes)
    assert all(re.fullmatch(r"n\d{8}", name) for name in classes)
    assert set(WNIDS) <= set(classes)


@pytest.mark.parametrize("name", ["imagenet", "tiny-imagenet"])
def test_cards_and_folders_agree(name: str):
    card = DATASETS[name]
    family = card.load.__self__
    assert (family.name, family.classes, family.train_size) == (name, len(card.classes), card.train_size)
    assert card.normalisation.mean == (0.485, 0.456, 0.406)


def test_other_files_beside_the_images_are_passed_over(tmp_path: Path):
    folder = write_photos(tmp_path)
    (folder / "train" / WNIDS[0] / "notes.txt").write_text("mine")
    photo(folder / "elsewhere.JPEG", 0, (8, 8))
    assert len(PHOTOS.load(tmp_path, silent)[0].paths) == 12

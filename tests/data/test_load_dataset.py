import dataclasses
from pathlib import Path

import pytest
import torch
import torchvision

from mipp_core.data import DATASETS, DatasetCard, Deformation, load_dataset
from mipp_core.data.card import RawSplit
from mipp_core.data.normalisation import Normalisation
from mipp_core.errors import CancelledError, DataError, SettingError, UnknownNameError
from mipp_core.recipes import Recommended
from mipp_core.vocabulary import Progress, Report


def stored() -> RawSplit:
    images = torch.arange(2 * 2 * 8 * 8).to(torch.uint8).view(2, 2, 8, 8)
    return RawSplit(images, torch.tensor([1, 0]))


def load_stored(data_dir: Path | None, report: Report) -> tuple[RawSplit, RawSplit]:
    return stored(), stored()


CARD = DatasetCard(
    "toy",
    "Two images.",
    ("a", "b"),
    (2, 8, 8),
    2,
    2,
    None,
    Normalisation((0.5, 0.1), (0.25, 0.5)),
    load_stored,
    Recommended("live"),
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(DATASETS, "toy", CARD)
    return "toy"


@pytest.mark.parametrize("name", DATASETS)
def test_cards_are_complete(name: str):
    card = DATASETS[name]
    assert card.name == name
    assert card.description.endswith(".") and "\n" not in card.description
    assert len(card.classes) == len(set(card.classes))
    assert len(card.normalisation.mean) == len(card.normalisation.std) == card.image_shape[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.name = "other"


@pytest.mark.parametrize(
    ("name", "train", "test", "embedded"),
    [
        ("mnist-sample", 8_000, 2_000, True),
        ("mnist", 60_000, 10_000, False),
        ("fashion-mnist", 60_000, 10_000, False),
    ],
)
def test_the_mnist_family(name: str, train: int, test: int, embedded: bool):
    card = DATASETS[name]
    assert (card.train_size, card.test_size, card.download is None) == (train, test, embedded)
    assert (card.image_shape, len(card.classes)) == ((1, 28, 28), 10)
    assert card.normalisation == Normalisation((0.0,), (1.0,))  # black stays exactly 0


@pytest.mark.parametrize(
    ("name", "train", "test", "shape", "classes"),
    [
        ("cifar10", 50_000, 10_000, (3, 32, 32), 10),
        ("cifar100", 50_000, 10_000, (3, 32, 32), 100),
        ("tiny-imagenet", 100_000, 10_000, (3, 64, 64), 200),
        ("imagenet", 1_281_167, 50_000, (3, 224, 224), 1000),
    ],
)
def test_the_photographs(name: str, train: int, test: int, shape: tuple[int, int, int], classes: int):
    card = DATASETS[name]
    assert (card.train_size, card.test_size, card.image_shape, len(card.classes)) == (train, test, shape, classes)


@pytest.mark.parametrize("name", DATASETS)
def test_cards_say_on_what_terms_and_where_from(name: str):
    assert DATASETS[name].licence
    assert DATASETS[name].source


def test_the_sample_is_what_its_card_says():
    card, dataset = DATASETS["mnist-sample"], load_dataset("mnist-sample")
    assert (dataset.name, dataset.classes, dataset.image_shape) == (card.name, card.classes, card.image_shape)
    assert (len(dataset.train), len(dataset.test)) == (card.train_size, card.test_size)


def test_pixels_become_numbers_in_0_to_1_and_are_then_normalised(toy: str):
    dataset = load_dataset(toy)
    pixels = stored().images.float() / 255
    assert dataset.train.images.dtype == torch.float32
    assert torch.equal(dataset.train.images, CARD.normalisation.apply(pixels))
    assert dataset.test.labels.tolist() == [1, 0]


def test_statistics_of_ones_own_take_the_place_of_the_datasets(toy: str):
    given = Normalisation((0.2, 0.3), (0.5, 2.0))
    dataset = load_dataset(toy, normalisation=given)
    pixels = stored().images.float() / 255
    assert torch.equal(dataset.train.images, given.apply(pixels))
    assert torch.equal(dataset.test.images, given.apply(pixels))
    assert dataset.normalisation == given
    with pytest.raises(SettingError, match="The mean has 1 numbers and the images have 2 channels"):
        load_dataset(toy, normalisation=Normalisation((0.2,), (0.5,)))


def test_images_are_deformed_before_they_are_normalised_and_each_split_in_its_own_way(toy: str):
    deformation = Deformation(0.8, seed=3)
    dataset = load_dataset(toy, deformation=deformation)
    pixels = stored().images.float() / 255
    train, test = deformation.apply(pixels, "train"), deformation.apply(pixels, "test")
    assert torch.equal(dataset.train.images, CARD.normalisation.apply(train))
    assert torch.equal(dataset.test.images, CARD.normalisation.apply(test))
    assert not torch.equal(train, test)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"no dataset called 'mnits'; choose one of: mnist-sample, mnist,"):
        load_dataset("mnits")


def test_progress_runs_from_0_to_1(toy: str):
    reports: list[Progress] = []
    load_dataset(toy, report=reports.append)
    assert [(report.stage, report.done) for report in reports] == [
        ("reading toy", 0.0),
        ("preparing toy", 0.0),
        ("preparing toy", 0.5),
        ("preparing toy", 1.0),
    ]


def test_loading_can_be_stopped(toy: str):
    def report(progress: Progress) -> None:
        raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        load_dataset(toy, report=report)


def test_the_data_folder_and_the_variable_reach_the_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MIPP_DATA", str(tmp_path / "variable"))
    with pytest.raises(DataError, match="variable"):
        load_dataset("mnist")
    with pytest.raises(DataError, match="given"):
        load_dataset("mnist", data_dir=tmp_path / "given")


def test_loading_prints_nothing_and_leaves_the_random_state(toy: str, capsys):
    state = torch.random.get_rng_state()
    load_dataset(toy, deformation=Deformation())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert capsys.readouterr() == ("", "")


def test_the_classes_that_are_written_out_or_read_late_are_torchvisions():
    assert DATASETS["fashion-mnist"].classes == tuple(torchvision.datasets.FashionMNIST.classes)
    found = DATASETS["imagenet"].classes
    assert list(found) == list(torchvision.models.ResNet50_Weights.IMAGENET1K_V1.meta["categories"])
    assert (len(found), found[:2], found[-1]) == (1000, ["tench", "goldfish"], "toilet tissue")

"""CIFAR-10 and CIFAR-100 as they are published, where MIPP_TEST_DATA names a data folder that has them."""

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mipp_core.data import DATASETS, Dataset, load_dataset
from mipp_core.data.cifar10 import FAMILY as CIFAR10
from mipp_core.data.cifar100 import FAMILY as CIFAR100
from mipp_core.experiments import run
from mipp_core.pruners import Magnitude
from mipp_core.recipes import RECIPES, Recipe
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store

FAMILIES = {"cifar10": CIFAR10, "cifar100": CIFAR100}
FIRST = {"cifar10": ("frog", "cat"), "cifar100": ("cattle", "mountain")}
"""Classes of the first training and test image."""


def folder(name: str) -> Path:
    """Return the data folder, or skip the test."""
    there = Path(os.environ.get("MIPP_TEST_DATA", ""))
    if "MIPP_TEST_DATA" not in os.environ or not (there / FAMILIES[name].reader.base_folder).is_dir():
        pytest.skip(f"MIPP_TEST_DATA does not name a data folder with {name}")
    return there


@pytest.fixture(scope="module", params=FAMILIES)
def real(request: pytest.FixtureRequest) -> Iterator[Dataset]:
    yield load_dataset(request.param, data_dir=folder(request.param))


def test_the_images_are_what_the_card_says(real: Dataset):
    card = DATASETS[real.name]
    assert (len(real.train), len(real.test)) == (card.train_size, card.test_size)
    assert real.image_shape == card.image_shape
    for split in (real.train, real.test):
        assert split.labels.bincount().tolist() == [len(split) // len(card.classes)] * len(card.classes)


def test_classes_have_their_published_names_and_order(real: Dataset):
    reader = FAMILIES[real.name].reader
    about = folder(real.name) / reader.base_folder / reader.meta["filename"]
    names = pickle.loads(about.read_bytes())[reader.meta["key"]]  # torchvision has checked the file's MD5
    assert list(real.classes) == names
    assert tuple(real.classes[int(split.labels[0])] for split in (real.train, real.test)) == FIRST[real.name]


def test_the_cards_statistics_are_those_of_the_training_images(real: Dataset):
    """Means to the four decimals that are published; standard deviations over pixels, not over images."""
    images = real.train.in_memory().images
    assert images.mean((0, 2, 3), dtype=torch.float64).abs().max() < 3e-4
    assert (images.double().std((0, 2, 3)) - 1).abs().max() < 5e-4


def test_a_draw_has_each_class_equally_often(real: Dataset):
    drawn = real.train.stratified(200, torch.Generator().manual_seed(0))
    assert drawn.labels.bincount(minlength=len(real.classes)).tolist() == [200 // len(real.classes)] * len(real.classes)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_network_learns_prunes_and_retrains_on_the_real_images(name: str, tmp_path: Path):
    quick = Recipe(1, 2e-2, batch_size=64, augmentation=RECIPES[f"paper-{name}"].augmentation)
    magnitude = {"pruner": "magnitude", "settings": Magnitude(), "scope": "layer", "sparsities": (0.25,)}
    spec = RunSpec(NetworkSpec("lenet5", name, recipe=quick), retraining=quick, **magnitude)
    result, _ = run(spec, Store(tmp_path), data_dir=folder(name))
    chance = 1 / len(DATASETS[name].classes)
    assert result.dense_accuracy > 2 * chance
    assert result.levels[0].accuracy_retrained > 2 * chance
    assert result.levels[0].cut_difference < 1e-4

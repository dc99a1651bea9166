import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from photo_folders import PHOTOS, write_photos
from PIL import Image
from torch import nn
from torchvision.transforms import functional as transforms

from mipp_core.data import DATASETS, DatasetCard, Deformation, FileSplit, Normalisation, Split, load_dataset
from mipp_core.data.decoding import Crop
from mipp_core.errors import DataError, SettingError
from mipp_core.evaluation import accuracy, chance
from mipp_core.recipes import Recipe, Recommended
from mipp_core.training import train

NORMALISATION = Normalisation((0.5, 0.4, 0.3), (0.2, 0.25, 0.5))
CARD = DatasetCard(
    "photos",
    "Twelve photos.",
    tuple("abc"),
    (3, 16, 16),
    12,
    6,
    None,
    NORMALISATION,
    PHOTOS.load,
    Recommended("live-cifar"),
)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FileSplit]:
    """Load the training half of twelve photos."""
    monkeypatch.setitem(DATASETS, "photos", CARD)
    write_photos(tmp_path)
    return lambda **how: load_dataset("photos", data_dir=tmp_path, **how).train


@pytest.fixture
def split(load: Callable[..., FileSplit]) -> FileSplit:
    return load()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photos(opened: list[str]) -> int:
    return sum(name.endswith(".JPEG") for name in opened)


def by_hand(path: str) -> torch.Tensor:
    """The image's middle, step by step: shorter side to 20, middle 16×16, [0, 1], normalised."""
    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    picture = picture.resize((20 * width // height, 20), Image.Resampling.BILINEAR)
    left, top = round((picture.width - 16) / 2), 2
    pixels = transforms.to_tensor(picture.crop((left, top, left + 16, top + 16)))
    return torch.stack([(pixels[c] - NORMALISATION.mean[c]) / NORMALISATION.std[c] for c in range(3)])


def test_a_split_is_what_its_card_says(split: FileSplit):
    assert (len(split), split.image_shape) == (12, (3, 16, 16))
    assert split.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_images_are_the_files_middles_normalised(split: FileSplit):
    found = split.in_memory()
    torch.testing.assert_close(found.images, torch.stack([by_hand(path) for path in split.paths]), atol=1e-6, rtol=0)
    assert found.labels.tolist() == split.labels.tolist()


@pytest.mark.parametrize("count", [1, 5, 12])
def test_a_stratified_sample_opens_as_many_files_as_it_has_images(load, opened: list[str], count: int):
    opened.clear()
    split = load()
    assert photos(opened) == 0
    assert len(split.stratified(count, seeded()).images) == count
    assert photos(opened) == count


def test_choosing_and_moving_open_nothing(split: FileSplit, opened: list[str]):
    opened.clear()
    chosen = split.take(torch.tensor([3, 0])).to("meta").randomly_cropped(seeded())
    assert (photos(opened), chosen.labels.device.type) == (0, "meta")


def test_batches_are_read_when_they_are_asked_for(split: FileSplit, opened: list[str]):
    opened.clear()
    next(split.batches(4))
    assert photos(opened) == 4


def test_a_stratified_sample_is_that_of_the_same_images_in_memory(split: FileSplit):
    streamed, held = (each.stratified(7, seeded(5)) for each in (split, split.in_memory()))
    assert torch.equal(streamed.images, held.images)
    assert torch.equal(streamed.labels, held.labels)


def test_batches_are_those_of_the_same_images_in_memory(split: FileSplit):
    held, order = split.in_memory(), torch.randperm(12, generator=seeded())
    for asked in (None, order, order[:3]):
        pairs = zip(split.batches(5, asked), held.batches(5, asked), strict=True)
        assert all(torch.equal(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))


def test_taken_files_keep_the_given_order(split: FileSplit):
    index = torch.tensor([7, 0, 7])
    assert torch.equal(split.take(index).in_memory().images, split.in_memory().images[index])
    assert split.take(index).labels.tolist() == [1, 0, 1]


def test_a_fixed_choice_is_always_the_same_and_even(split: FileSplit):
    one, other = split.fixed(6), split.fixed(6)
    assert torch.equal(one.images, other.images)
    assert one.labels.bincount().tolist() == [2, 2, 2]


def test_a_deformation_belongs_to_the_file_whatever_the_batch(load):
    deformation = Deformation(0.8, seed=3)
    split, plain = load(deformation=deformation), load()
    pixels = NORMALISATION.undo(plain.in_memory().images)
    expected = NORMALISATION.apply(deformation.apply(pixels, "train"))
    torch.testing.assert_close(split.in_memory().images, expected, atol=1e-4, rtol=0)
    few = split.take(torch.tensor([9, 2]))
    assert torch.equal(few.in_memory().images, split.in_memory().images[[9, 2]])


def test_random_parts_are_drawn_once_for_each_call(split: FileSplit):
    generator = seeded()
    one, other = split.randomly_cropped(generator), split.randomly_cropped(generator)
    again = split.randomly_cropped(seeded())
    assert torch.equal(one.in_memory().images, again.in_memory().images)
    assert torch.equal(one.in_memory().images, one.in_memory().images)
    differs = (one.in_memory().images != other.in_memory().images).flatten(1).any(1)
    assert differs.all()


def test_a_random_part_belongs_to_the_file_whatever_the_order(split: FileSplit):
    cropped, order = split.randomly_cropped(seeded()), torch.randperm(12, generator=seeded(1))
    images = torch.cat([images for images, _ in cropped.batches(5, order)])
    assert torch.equal(images, cropped.in_memory().images[order])
    assert torch.equal(cropped.take(order).in_memory().images, images)


def test_a_random_part_is_a_part_of_the_picture():
    """A ramp of two colours: a part of it still rises, and begins and ends inside it."""
    ramp = Image.linear_gradient("L").rotate(90).resize((64, 64)).convert("RGB")
    for seed in range(20):
        row = transforms.pil_to_tensor(Crop(shorter=40, side=32).part(ramp, seed))[0, 16].int()
        assert (row.diff() >= 0).all() or (row.diff() <= 0).all()


def test_images_in_memory_cannot_be_cropped_so():
    split = Split(torch.zeros(2, 3, 4, 4), torch.tensor([0, 1]))
    with pytest.raises(SettingError, match=r"made while files are read.* choose a recipe that crops with padding"):
        split.randomly_cropped(seeded())


def test_the_global_random_state_is_left_alone(split: FileSplit):
    state = torch.random.get_rng_state()
    split.randomly_cropped(seeded()).stratified(5, seeded())
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 and later, of any fork
def test_what_is_read_does_not_depend_on_the_number_of_processes(split: FileSplit):
    alone = replace(split.randomly_cropped(seeded()), workers=0)
    together = replace(alone, workers=2)
    pairs = zip(alone.batches(5), together.batches(5), strict=True)
    assert all(torch.equal(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))
    Path(split.paths[6]).write_bytes(b"")
    with pytest.raises(DataError, match=r"^The image .+ cannot be read \(.+\); put an intact copy there.+sample\.$"):
        list(together.batches(5))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_dies_is_said(split: FileSplit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torchvision.datasets.folder.default_loader", lambda path: os._exit(1))
    sentence = (
        r"^The processes that read images have failed \(DataLoader worker .+\); free some memory.+smaller batches\.$"
    )
    with pytest.raises(DataError, match=sentence):
        next(replace(split, workers=1).batches(5))


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda whole: b"", "cannot identify image file"),
    "truncated": (lambda whole: whole[:-20], "image file is truncated"),
    "garbage": (lambda whole: b"<html>not found</html>", "cannot identify image file"),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_image_is_named_when_its_turn_comes(split: FileSplit, damage, reason: str):
    path = Path(split.paths[5])
    path.write_bytes(damage(path.read_bytes()))
    batches = split.batches(5)
    next(batches)
    sentence = rf"^The image {path} cannot be read \({reason}.*\); put an intact copy there, or use .+ mnist-sample\.$"
    with pytest.raises(DataError, match=sentence):
        next(batches)


def test_an_image_that_has_gone_is_named(split: FileSplit):
    Path(split.paths[0]).rename(f"{split.paths[0]}.old")
    with pytest.raises(DataError, match=r"_0\.JPEG cannot be read \(No such file or directory\); put an intact copy"):
        split.in_memory()


def test_grey_and_transparent_pictures_become_three_channels(split: FileSplit):
    grey = Image.linear_gradient("L").resize((30, 24))
    grey.save(split.paths[0])
    grey.convert("CMYK").save(split.paths[1])
    assert split.in_memory().images.shape == (12, 3, 16, 16)


class Brightest(nn.Module):
    """Names the channel that is brightest."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3))


@pytest.mark.parametrize("batch_size", [None, 1, 5])
def test_accuracy_is_that_of_the_same_images_in_memory(split: FileSplit, batch_size: int | None):
    found = accuracy(Brightest(), split, batch_size)
    assert found == accuracy(Brightest(), split.in_memory()) > 0
    assert chance(split) == pytest.approx(1 / 3)


def test_training_is_that_on_the_same_images_in_memory(split: FileSplit):
    how = Recipe(epochs=2, batch_size=5)
    one, other = (nn.Sequential(nn.Flatten(), nn.Linear(768, 3)) for _ in range(2))
    other.load_state_dict(one.state_dict())
    train(one, split, how, seed=3)
    train(other, split.in_memory(), how, seed=3)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))

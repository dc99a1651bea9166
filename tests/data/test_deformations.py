import pytest
import torch
from torch import Tensor

from mipp_core.data import Deformation, deformations, load_dataset
from mipp_core.data.deformations import KINDS
from mipp_core.errors import SettingError


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    return load_dataset("mnist-sample").test.images


def of_kind(kind: str, count: int) -> Tensor:
    """Indices of training images that get this deformation under seed 0."""
    kinds = Deformation().kinds("train", torch.arange(count))
    return (kinds == list(KINDS).index(kind)).nonzero().squeeze(1)


def change(pixels: Tensor, kind: str, strength: float) -> Tensor:
    """Mean squared change of each image that gets this deformation."""
    index = of_kind(kind, len(pixels))
    deformed = Deformation(strength).apply(pixels[index], "train", index)
    return (deformed - pixels[index]).square().flatten(1).mean(1)


def test_strength_zero_changes_no_bit(pixels: Tensor):
    assert torch.equal(Deformation(strength=0.0).apply(pixels, "train"), pixels)


def test_no_images_are_no_trouble(pixels: Tensor):
    assert Deformation().apply(pixels[:0], "train").shape == (0, 1, 28, 28)


@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0])
def test_pixels_stay_in_range_and_shape(pixels: Tensor, strength: float):
    deformed = Deformation(strength).apply(pixels, "test")
    assert deformed.shape == pixels.shape
    assert deformed.dtype == pixels.dtype
    assert deformed.min() >= 0.0
    assert deformed.max() <= 1.0


def test_the_originals_are_left_alone(pixels: Tensor):
    before = pixels.clone()
    Deformation(1.0).apply(pixels, "train")
    assert torch.equal(pixels, before)


def test_same_seed_same_bits_and_the_global_random_state_is_untouched(pixels: Tensor):
    state = torch.random.get_rng_state()
    first, second = (Deformation(seed=4).apply(pixels, "train") for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_seed_and_split_matter(pixels: Tensor):
    images = pixels[:100]
    base = Deformation(seed=0).apply(images, "train")
    assert not torch.equal(base, Deformation(seed=1).apply(images, "train"))
    assert not torch.equal(base, Deformation(seed=0).apply(images, "test"))


@pytest.mark.parametrize("index", [[0], [1999], [3, 1, 3, 1500], list(range(100, 107))])
def test_an_image_is_deformed_the_same_whichever_others_are_there(pixels: Tensor, index: list[int]):
    together = Deformation().apply(pixels, "train")
    rows = torch.tensor(index)
    assert torch.equal(Deformation().apply(pixels[rows], "train", rows), together[rows])


@pytest.mark.parametrize("chunk", [1, 7, 59])
def test_the_size_of_a_chunk_does_not_matter(pixels: Tensor, monkeypatch: pytest.MonkeyPatch, chunk: int):
    images = pixels[:60]
    whole = Deformation().apply(images, "train")
    monkeypatch.setattr(deformations, "_CHUNK", chunk)
    assert torch.equal(Deformation().apply(images, "train"), whole)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_four_kinds_are_equally_frequent(seed: int):
    counts = Deformation(seed=seed).kinds("train", torch.arange(60_000)).bincount(minlength=4)
    assert list(KINDS) == ["affine", "elastic", "noise", "erasing"]
    # Binomial(60000, 1/4) has standard deviation 106; five of them are allowed.
    assert (counts - 15_000).abs().max() < 530


def test_the_kind_does_not_depend_on_the_strength():
    index = torch.arange(500)
    assert torch.equal(Deformation(0.1).kinds("test", index), Deformation(0.9).kinds("test", index))


@pytest.mark.parametrize("kind", ["affine", "elastic", "noise"])
def test_every_image_is_changed(pixels: Tensor, kind: str):
    assert (change(pixels, kind, 0.5) > 1e-4).all()


def test_erasing_changes_most_digits_and_all_white_images(pixels: Tensor):
    assert (change(pixels, "erasing", 0.5) > 0).float().mean() > 0.8
    assert (change(torch.ones_like(pixels), "erasing", 0.01) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_change_grows_with_the_strength(pixels: Tensor, kind: str):
    means = [change(pixels, kind, strength).mean().item() for strength in (0.1, 0.3, 0.5, 0.75, 1.0)]
    assert means == sorted(means)
    assert means[-1] > 4 * means[0]


def test_erased_is_one_black_rectangle_that_grows_around_the_same_place(pixels: Tensor):
    index = of_kind("erasing", 400)
    white = torch.ones(len(index), 2, 20, 30)
    small, large = (Deformation(s).apply(white, "train", index) == 0 for s in (0.4, 0.8))
    assert (small <= large).all()
    for erased in large.any(1):
        rows, columns = erased.any(1), erased.any(0)
        assert torch.equal(erased, rows.unsqueeze(1) & columns.unsqueeze(0))
        assert (rows.int().diff() == 1).sum() <= 1
        assert 0.4 * 0.8 * 20 <= rows.sum() <= 0.6 * 0.8 * 20 + 2


def test_noise_has_the_promised_deviation():
    index = of_kind("noise", 400)
    grey = torch.full((len(index), 1, 28, 28), 0.5)
    deformed = Deformation(0.2).apply(grey, "train", index)
    assert abs(deformed.std().item() - 0.1) < 1e-3
    assert abs(deformed.mean().item() - 0.5) < 1e-3


def test_geometry_keeps_a_blob_near_the_centre_within_the_promised_reach():
    """A bright spot in the middle moves by no more than 0.1 of the side (affine), and stays bright."""
    index = of_kind("affine", 400)
    spot = torch.zeros(len(index), 1, 41, 41)
    spot[:, :, 18:23, 18:23] = 1.0
    deformed = Deformation(1.0).apply(spot, "train", index).squeeze(1)
    place = torch.arange(41.0) - 20
    mass = deformed.sum((1, 2))
    shift_x = (deformed.sum(1) * place).sum(1) / mass
    shift_y = (deformed.sum(2) * place).sum(1) / mass
    reach = 0.1 * 41 * 1.25 * (1 + 0.25)  # the shift is taken before the zoom and the shear
    assert (mass > 10).all()
    assert shift_x.abs().max() < reach * 1.2
    assert shift_x.abs().max() > 2
    assert shift_y.abs().max() < reach * 1.2


def test_rotation_does_not_stretch_oblong_images():
    """A disc in a wide image stays as wide as it is high, up to zoom and shear."""
    index = of_kind("affine", 200)
    y, x = torch.meshgrid(torch.arange(32.0) - 15.5, torch.arange(96.0) - 47.5, indexing="ij")
    disc = ((x**2 + y**2) < 64).float().expand(len(index), 1, 32, 96)
    deformed = Deformation(0.5).apply(disc, "train", index).squeeze(1)
    width = (deformed.amax(1) > 0.5).sum(1)
    height = (deformed.amax(2) > 0.5).sum(1)
    assert (width / height).max() < 1.25
    assert (width / height).min() > 0.8


@pytest.mark.parametrize("shape", [(40, 3, 32, 32), (40, 1, 5, 9), (40, 2, 1, 1)])
def test_any_channel_count_and_size(shape: tuple[int, ...]):
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    deformed = Deformation(0.7).apply(images, "test")
    assert deformed.shape == shape
    assert deformed.isfinite().all()


def test_channels_move_together():
    grey = torch.rand(40, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    deformed = Deformation(0.7).apply(grey.expand(-1, 3, -1, -1), "test")
    moved = Deformation().kinds("test", torch.arange(40)) != list(KINDS).index("noise")
    assert torch.equal(deformed[moved, 0], deformed[moved, 2])
    assert not torch.equal(deformed[~moved, 0], deformed[~moved, 2])


@pytest.mark.parametrize("strength", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_strength_outside_its_range_is_refused(strength: float):
    with pytest.raises(SettingError, match=rf"strength {strength} is outside \[0, 1\]; choose 0 \(none\) to 1"):
        Deformation(strength=strength)

"""Pictures of every kind, as one sees them."""

from pathlib import Path

import numpy
import pytest
from painted import classes, levels
from PIL import Image

from mipp_core.data import folder
from mipp_core.data.own.pictures import Frame, decoded, is_grey, size_on_screen


def saved(tmp_path: Path, picture: Image.Image, name: str = "a.png", **how) -> str:
    picture.save(tmp_path / name, **how)
    return str(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm", "a.webp"])
def test_lossless_kinds_are_read_bit_by_bit(tmp_path: Path, name: str):
    path = saved(tmp_path, Image.fromarray(levels(1)), name, **({"lossless": True} if name == "a.webp" else {}))
    assert numpy.array_equal(numpy.asarray(decoded(path)), levels(1))


def test_the_first_picture_of_a_film_counts(tmp_path: Path):
    first, second = (Image.new("P", (6, 4), colour) for colour in (1, 2))
    for each in (first, second):
        each.putpalette([0, 0, 0, 250, 0, 0, 0, 250, 0])
    path = saved(tmp_path, first, "a.gif", save_all=True, append_images=[second])
    assert numpy.asarray(decoded(path)).reshape(-1, 3).tolist() == [[250, 0, 0]] * 24


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: numpy.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: numpy.rot90,
}
"""EXIF's orientation -> how the stored levels become those that are shown."""


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_pictures_stand_upright(tmp_path: Path, orientation: int):
    picture = Image.fromarray(levels(3, 6, 9))
    about = picture.getexif()
    about[274] = orientation
    path = saved(tmp_path, picture, "a.png", exif=about)
    shown = numpy.asarray(decoded(path))
    assert size_on_screen(path) == shown.shape[:2]
    assert numpy.array_equal(shown, UPRIGHT[orientation](levels(3, 6, 9)))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(tmp_path: Path, mode: str):
    picture = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    picture.putpixel((1, 2), (200, 200, 200, 255))
    if mode == "P":
        palette = Image.new("P", (4, 4), 0)
        palette.putpalette([0, 0, 0, 200, 200, 200])
        palette.putpixel((1, 2), 1)
        path = saved(tmp_path, palette, transparency=0)
    else:
        path = saved(tmp_path, picture.convert(mode))
    wanted = numpy.full((4, 4, 3), 255)
    wanted[2, 1] = 200
    assert numpy.array_equal(numpy.asarray(decoded(path)), wanted)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_sixteen_bits_become_eight(tmp_path: Path, name: str):
    words = (numpy.arange(256, dtype=numpy.uint16) * 257).reshape(16, 16)
    path = saved(tmp_path, Image.fromarray(words), name)
    assert numpy.array_equal(numpy.asarray(decoded(path)), numpy.arange(256).reshape(16, 16))


def test_one_bit_and_print_colours(tmp_path: Path):
    path = saved(tmp_path, Image.fromarray(numpy.eye(5, dtype=bool)), "a.png")
    assert numpy.array_equal(numpy.asarray(decoded(path)), 255 * numpy.eye(5))
    path = saved(tmp_path, Image.new("CMYK", (3, 3), (0, 0, 0, 0)), "a.jpg")
    assert decoded(path).mode == "RGB"
    assert numpy.asarray(decoded(path)).min() > 250


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (Image.fromarray(numpy.ones((4, 4), dtype=numpy.float32)), "floating-point"),
        (Image.fromarray(numpy.full((4, 4), 70_000, dtype=numpy.int32)), "levels go from"),
    ],
)
def test_levels_that_cannot_be_told_are_refused(tmp_path: Path, picture: Image.Image, words: str):
    with pytest.raises(ValueError, match=words):
        decoded(saved(tmp_path, picture, "a.tif"))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_too_large_to_be_meant_is_refused_unread(tmp_path: Path):
    path = saved(tmp_path, Image.new("1", (9500, 9500)), "a.png")
    with pytest.raises(ValueError, match="9500×9500 pixels"):
        decoded(path)
    with pytest.raises(ValueError, match="9500×9500 pixels"):
        size_on_screen(path)


def test_grey_is_told_from_colour(tmp_path: Path):
    grey = numpy.repeat(levels(1, channels=1)[..., None], 3, 2)
    coloured = grey.copy()
    coloured[0, 0, 0] ^= 1
    assert is_grey(Image.fromarray(grey))
    assert not is_grey(Image.fromarray(coloured))
    root = classes(tmp_path / "p", {"a": 3, "b": 3}, channels=1)
    assert folder(root).card.image_shape == (1, 12, 10)
    assert folder(root, colour="rgb").card.image_shape == (3, 12, 10)
    Image.fromarray(coloured).save(root / "a" / "0.png")
    paths = root.rglob("*.png")
    assert folder(root, test_share=0.01).card.image_shape[0] in (1, 3)
    for path in paths:
        Image.fromarray(coloured).save(path)
    assert folder(root).card.image_shape == (3, 12, 10)
    assert folder(root, colour="grey").card.image_shape == (1, 12, 10)


def test_pictures_of_one_moderate_size_keep_it(tmp_path: Path):
    assert folder(classes(tmp_path / "p", {"a": 2, "b": 2}, height=9, width=17)).card.image_shape == (3, 9, 17)
    large = folder(classes(tmp_path / "q", {"a": 2, "b": 2}, height=40, width=300))
    assert large.card.image_shape == (3, 64, 64)
    assert "pictures of 40×300, resized to 64×64 and cropped in the middle" in large.notes[0]


def test_pictures_of_many_sizes_are_64_by_64_unless_told(tmp_path: Path):
    root = classes(tmp_path / "p", {"a": 2})
    classes(root, {"b": 2}, height=30)
    assert folder(root).card.image_shape == (3, 64, 64)
    assert "pictures 12 to 30 high and 10 to 10 wide, resized to 64×64" in folder(root).notes[0]
    told = folder(root, size=(5, 7), crop=False)
    assert told.card.image_shape == (3, 5, 7)
    assert "resized to 5×7 and stretched" in told.notes[0]


@pytest.mark.parametrize(("height", "width"), [(8, 8), (8, 4), (3, 9), (16, 16)])
@pytest.mark.parametrize(("high", "wide"), [(8, 24), (24, 8), (8, 8), (1, 50), (50, 1)])
def test_the_middle_is_cut_out_and_nothing_is_bent(height: int, width: int, high: int, wide: int):
    """A picture whose level is its column's, or row's, place: what is shown of it is the middle of that range."""
    frame = Frame(height, width, 1)
    scale = min(wide / width, high / height)
    across = numpy.tile(numpy.linspace(0, 255, wide) if wide > 1 else [128.0], (high, 1)).astype(numpy.uint8)
    shown = numpy.asarray(frame.middle(Image.fromarray(across)))
    assert shown.shape == (height, width)
    assert shown.mean() == pytest.approx(across.mean(), abs=3)
    if wide > 8 and width > 3:
        covered = scale * width / wide
        assert float(shown.max()) - float(shown.min()) <= 255 * covered + 3


def test_stretching_shows_all_of_a_picture():
    across = numpy.tile(numpy.linspace(0, 255, 60), (20, 1)).astype(numpy.uint8)
    shown = numpy.asarray(Frame(10, 10, 1, crop=False).middle(Image.fromarray(across)))
    assert shown.min() < 25
    assert shown.max() > 230


def test_random_parts_are_the_same_for_the_same_seed():
    frame, picture = Frame(6, 9, 3), Image.fromarray(levels(4, 40, 40))
    one, two, other = (numpy.asarray(frame.part(picture, seed)) for seed in (1, 1, 2))
    assert one.shape == (6, 9, 3)
    assert numpy.array_equal(one, two)
    assert not numpy.array_equal(one, other)

"""Small folders of pictures, and files of arrays."""

from pathlib import Path
from typing import Any

import numpy
from PIL import Image


def levels(seed: int, height: int = 12, width: int = 10, channels: int = 3) -> numpy.ndarray:
    """Return random grey levels, [height, width] or [height, width, 3]."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return numpy.random.default_rng(seed).integers(0, 256, shape).astype(numpy.uint8)


N, HEIGHT, WIDTH = 24, 7, 5


def grey_levels(channels: int, seed: int = 0) -> numpy.ndarray:
    """Return grey levels [n, channels, height, width], the first two 0 and 255."""
    found = numpy.random.default_rng(seed).integers(0, 256, (N, channels, HEIGHT, WIDTH)).astype(numpy.uint8)
    found[0, 0, 0, :2] = 0, 255
    return found


def paint(path: Path, seed: int, **size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels(seed, **size)).save(path)
    return path


def classes(root: Path, counts: dict[str, int], seed: int = 0, ending: str = ".png", **size: int) -> Path:
    """Write a folder per class."""
    for place, (name, count) in enumerate(counts.items()):
        for number in range(count):
            paint(root / name / f"{number}{ending}", seed + 1000 * place + number, **size)
    return root


def arrays(path: Path, **named: Any) -> Path:
    numpy.savez(path, **named)
    return path

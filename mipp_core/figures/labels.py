"""Which points of a chart have room for their names."""

from collections.abc import Sequence
from typing import NamedTuple

_LETTER, _LINE, _AWAY = 6.0, 14.0, 7.0
"""Pixels: the width of a letter, the height of a line, and from a point to its name."""


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "Box") -> bool:
        """Tell whether two rectangles overlap."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )


def positions(
    places: Sequence[tuple[float, float]],
    names: Sequence[str],
    size: tuple[int, int],
    sides: Sequence[str] = ("middle right", "top center", "bottom center", "middle left"),
) -> list[str | None]:
    """Return where each point's name goes, in Plotly's words; None where every side is taken.

    Args:
        places: of the points, each coordinate in [0, 1] of the chart; those that come first choose first.
        names: their texts.
        size: of the chart, width and height in pixels.
        sides: to try, in this order.
    """
    width, height = float(size[0]), float(size[1])
    centres = [(float(x) * width, float(y) * height) for x, y in places]
    taken = [Box(x - 4, y - 4, x + 4, y + 4) for x, y in centres]
    found: list[str | None] = []
    for number, (centre, name) in enumerate(zip(centres, names, strict=True)):
        others = taken[:number] + taken[number + 1 :]
        found.append(None)
        for side in sides:
            box = _box(centre, len(name) * _LETTER, side)
            if _fits(box, width, height) and not any(box.meets(other) for other in others):
                found[-1] = side
                taken.append(box)
                break
    return found


def _fits(box: Box, width: float, height: float) -> bool:
    return box.left >= 0 and box.bottom >= -_LINE and box.right <= width and box.top <= height + _LINE


def _box(centre: tuple[float, float], wide: float, side: str) -> Box:
    x, y = centre
    if side.startswith("middle"):
        left = x + _AWAY if side.endswith("right") else x - _AWAY - wide
        return Box(left, y - _LINE / 2, left + wide, y + _LINE / 2)
    bottom = y + _AWAY if side.startswith("top") else y - _AWAY - _LINE
    return Box(x - wide / 2, bottom, x + wide / 2, bottom + _LINE)

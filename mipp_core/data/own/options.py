"""What a person may say about images of their own."""

import re
from dataclasses import dataclass
from typing import Literal

from mipp_core.errors import SettingError

LARGEST_SIDE = 1024
"""Most pixels of a side that images are resized to."""

USUAL_SHARE = 0.2
"""Share of each class that is tested on, where there is no test part."""

Colour = Literal["grey", "rgb"]


@dataclass(frozen=True)
class Options:
    """What a person may say about images of their own.

    Attributes:
        size: height and width of the images in pixels, each 1 to 1024; None for the usual, see ``survey``.
        crop: cut the middle out of a picture of another shape; False stretches it.
        colour: one channel or three; None: grey if all pictures looked at are grey.
        test_share: share of each class that is tested on, in (0, 1), where there is no test part; None for 0.2.
        split_seed: of that split, at least 0.

    Raises:
        SettingError: a value is out of its range.
    """

    size: tuple[int, int] | None = None
    crop: bool = True
    colour: Colour | None = None
    test_share: float | None = None
    split_seed: int = 0

    def __post_init__(self) -> None:
        if self.size is not None and not all(1 <= side <= LARGEST_SIDE for side in self.size):
            raise SettingError(
                f"The size {self.size[0]}x{self.size[1]} is out of range; give 1 to {LARGEST_SIDE} pixels, as 64 or "
                "48x64 (height x width)."
            )
        if self.test_share is not None and not 0 < self.test_share < 1:
            raise SettingError(f"The test share {self.test_share} is outside (0, 1); give a part of 1, as 0.2.")
        if not 0 <= self.split_seed < 2**31:
            raise SettingError(
                f"The split seed {self.split_seed} is out of range; give a whole number from 0 to {2**31 - 1}."
            )

    @property
    def share(self) -> float:
        """Share of each class that is tested on, where there is no test part."""
        return USUAL_SHARE if self.test_share is None else self.test_share


def size_of(text: str) -> tuple[int, int]:
    """Read 64, or 48x64: height and width.

    Raises:
        SettingError: it is neither.
    """
    read = re.fullmatch(r"(\d{1,9})(?:[x×](\d{1,9}))?", text.strip().lower(), re.ASCII)
    if not read:
        raise SettingError(f"The size {text!r} is not one; write it as 64, or as 48x64 (height x width).")
    return int(read[1]), int(read[2] or read[1])

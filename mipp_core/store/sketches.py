"""What runs that go on have decided so far, for whoever watches; it is gone when they end."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import numpy as np
from jaxtyping import Bool
from torch import Tensor

from mipp_core.store.files import read_json, write_json


class SketchedLayer(TypedDict):
    """A layer as far as it is decided: its units, and a bit per level and unit, 1 = kept, packed as base64."""

    units: int
    kept: str


Sketch = dict[str, SketchedLayer]
"""Layer name -> its keep-masks at all levels."""


def packed_bits(bits: np.ndarray) -> str:
    """Return bits, row after row, as base64."""
    return base64.b64encode(np.packbits(bits).tobytes()).decode()


class Sketches:
    """One small file per run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, run: str, masks: Mapping[str, Bool[Tensor, "levels units"]]) -> None:
        """Keep what a run has decided so far.

        Raises:
            DataError: the folder cannot be written, or the disk is full.
        """
        sketch = {
            layer: SketchedLayer(units=mask.shape[1], kept=packed_bits(mask.cpu().numpy()))
            for layer, mask in masks.items()
        }
        write_json(self._path(run), sketch)

    def get(self, run: str) -> Sketch:
        """Return what a run has decided so far; empty before the first decision, and once it has ended."""
        return read_json(self._path(run)) or {}

    def drop(self, run: str) -> None:
        """Forget a run that has ended."""
        self._path(run).unlink(missing_ok=True)

    def _path(self, run: str) -> Path:
        return self._folder / f"{run}.json"

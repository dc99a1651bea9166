"""A cut that somebody made by hand: as a text for an address, and what it is worth beside a run's."""

import base64
import binascii
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch import nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.surgery import shrink
from mipp_core.data import Split
from mipp_core.evaluation import accuracy
from mipp_core.runs.document import LevelDocument, RunDocument


@dataclass(frozen=True)
class CutWorth:
    """What a cut is worth.

    Attributes:
        units: removed, as a share of all, in [0, 1].
        cut, rebuilt: test accuracy right after the cut, and after the closed-form rebuild, in [0, 1].
    """

    units: float
    cut: float
    rebuilt: float


def code_of(masks: KeepMasks) -> str:
    """Return keep-masks as a text: a bit per unit, layer after layer, 1 = kept, in URL-safe base64."""
    bits = np.concatenate([mask.cpu().numpy() for mask in masks.values()])
    return base64.urlsafe_b64encode(np.packbits(bits).tobytes()).decode().rstrip("=")


def masks_from(code: str, level: LevelDocument) -> KeepMasks | None:
    """Read keep-masks back from a text; None where it is no such text for the layers of this run."""
    units = [layer["units"] for layer in level["layers"]]
    if len(code) != ceil(ceil(sum(units) / 8) * 4 / 3):
        return None
    try:
        packed = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    bits = torch.from_numpy(np.unpackbits(np.frombuffer(packed, dtype=np.uint8))[: sum(units)].astype(bool))
    names = [layer["name"] for layer in level["layers"]]
    return KeepMasks(dict(zip(names, bits.split(units), strict=True)))


def nearest_level(document: RunDocument, sparsity: float) -> LevelDocument:
    """Return the level that removes a share of the units nearest to one given."""
    return min(document["levels"], key=lambda entry: abs(entry["sparsity"] - sparsity))


def worth_of(dense: nn.Module, masks: KeepMasks, seen: Split, test: Split) -> CutWorth:
    """Cut a network, measure it, rebuild it without labels, and measure it again.

    Args:
        dense: left as it is.
        masks: what is kept.
        seen: images to rebuild on.
        test: images to measure on.
    """
    slim = shrink(dense, masks)
    cut = accuracy(slim, test, view=masks.blank_pixels)
    rebuild(dense, slim, masks, seen.images)
    return CutWorth(masks.sparsity, cut, accuracy(slim, test, view=masks.blank_pixels))

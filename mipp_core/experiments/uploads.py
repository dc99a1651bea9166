"""Weights that people bring, kept beside those that were computed here."""

import re
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mipp_core.checkpoints.fitting import expected, fitted
from mipp_core.checkpoints.reading import open_checkpoint
from mipp_core.checkpoints.stored import Stored
from mipp_core.errors import DataError
from mipp_core.models import Architecture
from mipp_core.store import Store
from mipp_core.store.files import Blobs

_NAME = re.compile("[0-9a-f]{64}")
"""A name that ``keep_weights`` gives; anything else could lead out of the store's folder."""


@dataclass(frozen=True)
class Kept:
    """Weights of a file that are in the store now.

    Attributes:
        name: 64 hexadecimal digits that follow from the numbers.
        entry: under which outer names and prefixes they were in the file; empty if under none.
        entries: names of all sets of weights in the file that fit the network.
        notes: sentences about what was taken, left, or changed in type; usually none.
    """

    name: str
    entry: str
    entries: tuple[str, ...]
    notes: tuple[str, ...]


def keep_weights(data: bytes | Path, architecture: Architecture, store: Store) -> str:
    """Keep the weights of an untrusted file in the store and return their name; see ``keep_entry``."""
    return keep_entry(data, architecture, store).name


def keep_entry(data: bytes | Path, architecture: Architecture, store: Store, entry: str = "") -> Kept:
    """Read weights from an untrusted file and keep them in the store.

    Nothing of the file itself is kept, only the numbers; equal weights are kept once, whatever their file was.

    Args:
        data: a file's content, or where it is; see ``open_checkpoint``.
        architecture: of the network that the weights are for.
        store: where they are kept.
        entry: which weights to take, by an outer name or prefix, if the file has several.

    Raises:
        DataError: the file cannot be read, is damaged, too large or not a checkpoint, or the store cannot be written.
        ModelError: its tensors are not those of the architecture, or hold values that are not finite.
        SettingError: it has no weights under this entry.
    """
    found = open_checkpoint(data, architecture, entry)
    return Kept(store.blobs.put(found.tensors), found.entry, found.entries, found.notes)


def kept_weights(name: str, architecture: Architecture, blobs: Blobs) -> dict[str, Tensor]:
    """Return weights that were kept, once more checked against a network.

    Args:
        name: as ``keep_weights`` gave it; it may come from an address and be anything.
        architecture: of the network that they are wanted for.
        blobs: where they are.

    Raises:
        DataError: the store has no weights of this name.
        ModelError: they are another network's.
    """
    tensors = blobs.get(name) if _NAME.fullmatch(name) else None
    if tensors is None:
        raise DataError(f"This machine has no weights called {name[:12]!r}; give their file again.")
    stored = {key: Stored(tensor.dtype, tuple(tensor.shape), tensor.detach) for key, tensor in tensors.items()}
    return fitted(stored, expected(architecture), architecture)

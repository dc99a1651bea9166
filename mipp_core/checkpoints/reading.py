"""From the bytes of an untrusted file to the weights of a known network."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mipp_core.checkpoints.entries import Entry, chosen, stored_in
from mipp_core.checkpoints.fitting import expected, fitted
from mipp_core.checkpoints.holdings import Content
from mipp_core.checkpoints.legacy_file import is_legacy, read_legacy
from mipp_core.checkpoints.pt_file import read_pt
from mipp_core.checkpoints.safetensors_file import read_safetensors
from mipp_core.checkpoints.stored import Stored, check_size, refused
from mipp_core.errors import DataError
from mipp_core.models import Architecture

_FOREIGN = {
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed by gzip",
    b"\x93NUMPY": "a NumPy array",
    b"\x08": "an ONNX file",
    b"\x80": "a bare pickle, which could run programs when it is read",
}
"""First bytes of files that are often mistaken for checkpoints."""


@dataclass(frozen=True)
class Checkpoint:
    """The weights that were taken from a file.

    Attributes:
        tensors: a state dict for the network's ``load_state_dict``, on the cpu, in the network's own types.
        entry: the outer names and prefixes under which they were; empty if they had none.
        entries: names of all sets of weights in the file that fit the network, the preferred one first.
        notes: sentences about what was taken, left, or changed in type; usually none.
    """

    tensors: dict[str, Tensor]
    entry: str
    entries: tuple[str, ...]
    notes: tuple[str, ...]


def read_checkpoint(data: bytes | Path, architecture: Architecture, entry: str = "") -> dict[str, Tensor]:
    """Read an untrusted state dict for a network that we build ourselves; see ``open_checkpoint``.

    Returns:
        A state dict for the network's ``load_state_dict``, on the cpu, in the network's own types.
    """
    return open_checkpoint(data, architecture, entry).tensors


def open_checkpoint(data: bytes | Path, architecture: Architecture, entry: str = "") -> Checkpoint:
    """Find a network's weights in an untrusted file.

    The format is recognised by the content: safetensors, or what ``torch.save`` writes, now (a zip) or before PyTorch
    1.6.  Sizes, names and shapes are checked before a tensor is made, and no pickle is executed, not even by
    ``torch.load``: see ``pt_file``.  The weights may be under outer names and prefixes, and beside anything else.

    Args:
        data: the file's content, or its path.
        architecture: of the network that the weights are for; it must be exactly this one.
        entry: which weights to take, by an outer name or prefix, if the file has several; by default the plain ones
            before averaged ones (EMA).

    Raises:
        DataError: the file cannot be read, is damaged, too large, or not a checkpoint.
        ModelError: its tensors are not those of the architecture, or hold values that are not finite.
        SettingError: it has no weights under this entry.
    """
    content, wanted = _content(_bytes(data)), expected(architecture)
    taken, fitting = chosen(content, wanted, entry)
    stored = stored_in(taken, content, wanted)
    tensors = fitted(stored, wanted, architecture)
    names = tuple(dict.fromkeys(each.name for each in fitting))
    return Checkpoint(tensors, taken.name, names, (*_choice(taken, fitting, len(stored)), *_types(stored, wanted)))


def _choice(taken: Entry, fitting: list[Entry], read: int) -> list[str]:
    """Say which of several sets of weights was taken, and what else is beside it."""
    others = [each.called for each in fitting if each is not taken]
    if others:
        return [f"The file has several sets of weights that fit: {taken.called} is taken, not {', '.join(others)}."]
    left = len(taken.holding.tensors) - read
    if left > 0:
        return [f"The weights under {taken.called} are taken; {left} other tensors beside them are not used."]
    return [f"The averaged weights {taken.called} are taken: the file has no others."] if taken.is_average else []


def _types(stored: dict[str, Stored], wanted: dict[str, Tensor]) -> list[str]:
    """Say which types of number were changed into the network's."""
    changed = {
        (_word(each.dtype), _word(wanted[name].dtype)) for name, each in stored.items() if _differs(each, wanted[name])
    }
    return [f"Its numbers are {kind} and become {own}." for kind, own in sorted(changed)]


def _differs(stored: Stored, wanted: Tensor) -> bool:
    return stored.dtype != wanted.dtype and wanted.dtype.is_floating_point


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _bytes(data: bytes | Path) -> bytes:
    try:
        size = len(data) if isinstance(data, bytes) else data.stat().st_size
        check_size(size)
        return data if isinstance(data, bytes) else data.read_bytes()
    except OSError as problem:
        raise DataError(f"The checkpoint cannot be read ({problem.strerror}); upload it again.") from problem


def _content(content: bytes) -> Content:
    if content.startswith(b"PK"):
        return read_pt(content)
    if content[8:9] == b"{":
        return read_safetensors(content)
    if is_legacy(content):
        return read_legacy(content)
    kinds = [kind for start, kind in _FOREIGN.items() if content.startswith(start)]
    raise refused(f"it is {kinds[0]}" if kinds else "it is neither safetensors nor what torch.save writes")

"""From the bytes of an untrusted file to the weights of a known network."""

from pathlib import Path

from torch import Tensor

from mipp_core.checkpoints.fitting import expected, fitted, without_prefix
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


def read_checkpoint(data: bytes | Path, architecture: Architecture) -> dict[str, Tensor]:
    """Read an untrusted state dict for a network that we build ourselves.

    The format is recognised by the content: safetensors, or the zip that ``torch.save`` writes.  Sizes, names and
    shapes are checked before a tensor is made, and no pickle is executed, not even by ``torch.load``: see ``pt_file``.

    Args:
        data: the file's content, or its path.
        architecture: of the network that the weights are for; it must be exactly this one.

    Returns:
        A state dict for the network's ``load_state_dict``, on the cpu, in the network's own types.

    Raises:
        DataError: the file cannot be read, is damaged, too large, or not a checkpoint.
        ModelError: its tensors are not those of the architecture, or hold values that are not finite.
    """
    stored = without_prefix(_stored(_content(data)))
    return fitted(stored, expected(architecture), architecture)


def _content(data: bytes | Path) -> bytes:
    try:
        size = len(data) if isinstance(data, bytes) else data.stat().st_size
        check_size(size)
        return data if isinstance(data, bytes) else data.read_bytes()
    except OSError as problem:
        raise DataError(f"The checkpoint cannot be read ({problem.strerror}); upload it again.") from problem


def _stored(content: bytes) -> dict[str, Stored]:
    if content.startswith(b"PK"):
        return read_pt(content)
    if content[8:9] == b"{":
        return read_safetensors(content)
    kinds = [kind for start, kind in _FOREIGN.items() if content.startswith(start)]
    raise refused(f"it is {kinds[0]}" if kinds else "it is neither safetensors nor what torch.save writes")

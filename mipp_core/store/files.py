"""Files that are whole or not there: written under another name, flushed to the disk and renamed."""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, load_file, save
from torch import Tensor

from mipp_core.errors import DataError

VARIABLE = "MIPP_STORE"
"""Environment variable that names the store's folder."""

Tensors = dict[str, Tensor]


def write_json(path: Path, value: Any) -> None:
    """Write a JSON document whole or not at all.

    Raises:
        DataError: the folder cannot be written, or the disk is full.
    """
    write_bytes(path, json.dumps(value, separators=(",", ":"), allow_nan=False).encode())


def read_json(path: Path) -> Any | None:
    """Read a JSON document; None if it is not there or damaged."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def write_tensors(path: Path, tensors: Tensors) -> None:
    """Write tensors as safetensors, whole or not at all.

    Raises:
        DataError: the folder cannot be written, or the disk is full.
    """
    write_bytes(path, packed(tensors))


def packed(tensors: Tensors) -> bytes:
    """Return tensors as the bytes of a safetensors file."""
    # Cloned, because safetensors refuses tensors that share memory, as levels with equal masks do.
    return save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})


def read_tensors(path: Path) -> Tensors | None:
    """Read tensors; None if they are not there or damaged."""
    try:
        return load_file(path)
    except (OSError, SafetensorError):
        return None


class Blobs:
    """Tensors in files named by their content, so that equal tensors are kept once and a name fits its content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """Return where a blob is."""
        return self._folder / name[:2] / f"{name}.safetensors"

    def put(self, tensors: Tensors) -> str:
        """Keep tensors and return their name, the SHA-256 of the file."""
        content = packed(tensors)
        name = hashlib.sha256(content).hexdigest()
        if self.get(name) is None:  # not there, or damaged
            write_bytes(self.path(name), content)
        return name

    def get(self, name: str) -> Tensors | None:
        """Return a blob's tensors; None if it is gone or its content is not what its name says."""
        try:
            content = self.path(name).read_bytes()
        except OSError:
            return None
        return load(content) if hashlib.sha256(content).hexdigest() == name else None

    def sizes(self) -> dict[str, int]:
        """Return the bytes of every blob."""
        return {path.stem: path.stat().st_size for path in self._folder.glob("*/*.safetensors")}

    def age(self, name: str) -> float:
        """Return the seconds since a blob was written; 0 when it is gone."""
        try:
            return time.time() - self.path(name).stat().st_mtime
        except OSError:
            return 0.0

    def delete(self, name: str) -> None:
        """Forget a blob."""
        self.path(name).unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        DataError: the folder cannot be written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(path)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as problem:
        raise unwritable(path.parent, problem.strerror or str(problem)) from problem


def unwritable(folder: Path, reason: str) -> DataError:
    """Say that a folder cannot be written, and what to do."""
    return DataError(
        f"{folder} cannot be written ({reason}); choose another folder with --store, --save-dir or the variable "
        f"{VARIABLE}, or free some space."
    )


def sweep_parts(folder: Path, call: Callable[[Path], None] = lambda path: path.unlink(missing_ok=True)) -> None:
    """Remove what killed writers left behind."""
    for part in folder.rglob("*.part"):
        call(part)

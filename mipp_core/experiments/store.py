"""Where results live: one folder per network and per run, named by the specification's hash."""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from safetensors.torch import load_file, save_file
from torch import Tensor

from mipp_core.errors import DataError

VARIABLE = "MIPP_STORE"
"""Environment variable that names the store's folder."""


@dataclass(frozen=True)
class Store:
    """A folder of results.  Nothing half-written is ever seen: files are written beside and renamed."""

    root: Path

    @classmethod
    def at(cls, root: Path | None = None) -> "Store":
        """Open the folder given, else the one in ``MIPP_STORE``, else a per-user one."""
        return cls(root or Path(os.environ.get(VARIABLE) or platformdirs.user_data_path("mipp")))

    def network(self, name: str) -> Path:
        """Return where a dense network's weights are."""
        return self.root / "networks" / f"{name}.safetensors"

    def run(self, name: str) -> Path:
        """Return a run's folder."""
        return self.root / "runs" / name


def write_json(path: Path, value: Any) -> None:
    """Write a JSON document whole or not at all.

    Raises:
        DataError: the folder cannot be written.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    _whole(path, lambda part: part.write_text(text))


def read_json(path: Path) -> Any | None:
    """Read a JSON document; None if it is not there or damaged."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors as safetensors, whole or not at all.

    Raises:
        DataError: the folder cannot be written.
    """
    # Cloned, because safetensors refuses tensors that share memory, as levels with equal masks do.
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    _whole(path, lambda part: save_file(copies, part))


def read_tensors(path: Path) -> dict[str, Tensor] | None:
    """Read tensors; None if they are not there."""
    return load_file(path) if path.exists() else None


def _whole(path: Path, write: Callable[[Path], None]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        try:
            write(Path(part))
            Path(part).replace(path)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as problem:
        raise DataError(
            f"{path.parent} cannot be written ({problem.strerror or problem}); choose another folder with --store, "
            f"--save-dir or the variable {VARIABLE}, or free some space."
        ) from problem

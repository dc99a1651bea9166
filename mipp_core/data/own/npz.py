"""Arrays in a ``.npz`` file, without pickle: their heads, and their content whole or mapped.

Only what is asked for is unpacked, and never more than a head says: a small file cannot fill the memory.
"""

import io
import struct
import zipfile
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy
from numpy.lib import format as npy

from mipp_core.data.download import reason
from mipp_core.errors import ImagesError

Array = numpy.ndarray[Any, numpy.dtype[Any]]

_HEAD = 10_240
"""Most bytes of a head; numpy writes at most a few hundred for arrays of numbers."""

_MOST_ARRAYS = 1000
_LOCAL_HEAD = 30
_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@dataclass(frozen=True)
class Member:
    """One array, not read yet.

    Attributes:
        file: that it is in.
        name: without ``.npy``.
        shape: of the array.
        dtype: of its elements.
        by_columns: kept in Fortran's order.
        start: of the elements, in bytes after the array's own beginning.
        is_plain: not compressed, so that it can be mapped.
    """

    file: Path
    name: str
    shape: tuple[int, ...]
    dtype: numpy.dtype[Any]
    by_columns: bool
    start: int
    is_plain: bool

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.name} {list(self.shape)} {self.dtype}"

    def read(self, most: int) -> Array:
        """Return the whole array.

        Args:
            most: bytes that it may take.

        Raises:
            ImagesError: it takes more, is damaged, or can only be read by running code.
        """
        self.check_is_data()
        if self.bytes > most:
            raise ImagesError(
                f"The array {self} in {self.file} takes {self.bytes:,} bytes, more than {most:,}; save fewer at a time."
            )
        try:
            with zipfile.ZipFile(self.file) as packed, packed.open(f"{self.name}.npy") as stream:
                stream.read(self.start)
                content = stream.read(self.bytes + 1)
        except Exception as problem:  # a damaged archive can raise almost any exception
            raise damaged(self.file, f"the array {self.name} cannot be read: {reason(problem)}") from problem
        if len(content) != self.bytes:
            raise damaged(self.file, f"the array {self.name} is not of the size that its head says")
        return self._shaped(numpy.ndarray(prod(self.shape), self.dtype, content))

    def mapped(self) -> Array:
        """Return the array as it lies on the disk; what is looked at is read.

        Raises:
            ImagesError: it is compressed, or can only be read by running code.
        """
        self.check_is_data()
        if not self.is_plain:
            raise ImagesError(
                f"The array {self} in {self.file} is too large for memory, and is compressed, so it cannot be "
                "streamed; save it with numpy.savez in place of numpy.savez_compressed."
            )
        with zipfile.ZipFile(self.file) as packed, self.file.open("rb") as file:
            at = packed.getinfo(f"{self.name}.npy").header_offset
            file.seek(at)
            name, extra = struct.unpack("<HH", file.read(_LOCAL_HEAD)[26:30])
        start = at + _LOCAL_HEAD + name + extra + self.start
        return self._shaped(numpy.memmap(self.file, self.dtype, "r", start, (prod(self.shape),)))

    def check_is_data(self) -> None:
        """Refuse an array of Python objects, which only pickle can read, and pickle runs code.

        Raises:
            ImagesError: it is one.
        """
        if self.dtype.hasobject or self.dtype.names or not self.dtype.itemsize:
            raise ImagesError(
                f"The array {self.name} in {self.file} holds Python objects, records or nothing; these are not read, "
                "since objects may run code: save plain numbers or strings, as numpy.asarray(images, dtype='uint8')."
            )

    def _shaped(self, flat: Array) -> Array:
        return flat.reshape(self.shape, order="F" if self.by_columns else "C")


def members(path: Path) -> dict[str, Member]:
    """Read the heads of all arrays of a file.

    Raises:
        ImagesError: the file is missing, cannot be read, or is no ``.npz`` file.
    """
    if not path.is_file():
        raise ImagesError(f"There is no file {path}; give a .npz file of images and labels.")
    try:
        with zipfile.ZipFile(path) as packed:
            entries = [each for each in packed.infolist() if each.filename.endswith(".npy")]
            if len(entries) > _MOST_ARRAYS:
                raise ImagesError(f"{path} has {len(entries):,} arrays, more than {_MOST_ARRAYS:,}; save fewer.")
            found = [_member(path, packed, each) for each in entries]
    except ImagesError:
        raise
    except Exception as problem:  # a damaged archive can raise almost any exception
        raise damaged(path, reason(problem)) from problem
    return {member.name: member for member in found}


def damaged(path: Path, fault: str) -> ImagesError:
    """Return the error that says that a file cannot be read, and what to do."""
    return ImagesError(f"{path} cannot be read as a .npz file ({fault}); save it again with numpy.savez.")


def _member(path: Path, packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member:
    name = entry.filename.removesuffix(".npy")
    with packed.open(entry) as stream:
        head = io.BytesIO(stream.read(_HEAD))
    version = npy.read_magic(head)
    if version not in _READERS:
        raise ImagesError(f"The array {name} in {path} is in a format that is not read; save it with numpy.savez.")
    shape, by_columns, dtype = _READERS[version](head)
    plain = entry.compress_type == zipfile.ZIP_STORED and not dtype.hasobject
    member = Member(path, name, shape, dtype, by_columns, head.tell(), plain)
    if not dtype.hasobject and entry.file_size != member.start + member.bytes:
        raise damaged(path, f"the array {name} is not of the size that its head says")
    return member

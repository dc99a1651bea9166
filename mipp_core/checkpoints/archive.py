"""A zip as ``torch.save`` writes it: uncompressed members in one folder."""

import io
import struct
import zipfile
import zlib

from mipp_core.checkpoints.stored import refused, shown

_MOST_MEMBERS = 10_000
_DIRECTORY_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 1

_OTHERS = {
    "constants.pkl": "a TorchScript program",
    "archive_format": "a .pt2 program",
    "serialized_exported_program.json": "a .pt2 program",
}
"""Members that show that the file is of another kind."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, EOFError, OSError)
"""What ``zipfile`` raises when a file is not a valid zip."""


class Archive:
    """The members of a checkpoint's zip, by their names inside its one folder.

    Raises:
        DataError: it is damaged or compressed, is another kind of file, or has names that lead out of it.
    """

    def __init__(self, content: bytes) -> None:
        if content.count(_DIRECTORY_ENTRY) > _MOST_MEMBERS:
            raise refused(f"it has more than {_MOST_MEMBERS} members")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except _DAMAGE as problem:
            raise refused(f"it is a damaged zip ({shown(problem)})") from problem
        members = self._zip.infolist()
        _check_kind(members)
        _check_members(members, len(content))
        self._members = _in_one_folder(members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """Return a member's size in bytes."""
        return self._members[name].file_size

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return a member's content.

        Raises:
            DataError: it is damaged, or larger than the limit.
        """
        if limit is not None and self.size(name) > limit:
            raise refused(f"its {name} has {self.size(name)} bytes and the limit is {limit}")
        try:
            return self._zip.read(self._members[name])
        except _DAMAGE as problem:
            raise refused(f"its {shown(name)} is damaged ({shown(problem)})") from problem


def _check_kind(members: list[zipfile.ZipInfo]) -> None:
    kinds = [_OTHERS[name] for member in members if (name := member.filename.partition("/")[2]) in _OTHERS]
    if kinds:
        raise refused(f"it is {kinds[0]}, not a state dict")


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse members that could unpack to more than the file, or whose names lead out of the archive."""
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise refused(f"its member {shown(member.filename)} is compressed, which torch.save never does")
        if member.flag_bits & _ENCRYPTED:
            raise refused(f"its member {shown(member.filename)} is encrypted")
        if not _is_plain(member.orig_filename):
            raise refused(f"its member {shown(member.orig_filename)} has a name that leads out of the archive")
    if len({member.filename for member in members}) != len(members):
        raise refused("the zip has two members of the same name")
    if sum(member.file_size for member in members) > size:
        raise refused("its members claim more bytes than the file has")


def _is_plain(name: str) -> bool:
    """Tell whether a member's name stays inside the archive, on any system."""
    strange = any(sign in name for sign in ("\\", "\0", ":"))
    return not strange and not name.startswith("/") and ".." not in name.split("/")


def _in_one_folder(members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the members by their names in the archive's one folder, which must hold ``data.pkl``."""
    folders = {member.filename.partition("/")[0] for member in members}
    inside = {member.filename.partition("/")[2]: member for member in members}
    if len(folders) != 1 or "data.pkl" not in inside:
        raise refused("it is a zip, but without the one folder that torch.save writes")
    return inside

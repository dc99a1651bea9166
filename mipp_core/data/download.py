"""Fetches files of torchvision's datasets; incomplete files are never left in their folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError

from mipp_core.data.folder import VARIABLE
from mipp_core.errors import DataError
from mipp_core.vocabulary import Progress, Report

if TYPE_CHECKING:  # it costs a second, which only those who download should pay
    from torchvision.datasets import MNIST

FAILURES = (OSError, RuntimeError, HTTPException)
"""Exceptions raised when a download is refused, breaks off or fails its checksum."""


def fetch_missing(name: str, reader: "type[MNIST]", root: Path, report: Report) -> None:
    """Download the files of ``reader`` that ``root`` lacks; files already there are left alone.

    Each file is downloaded, checked and unpacked by torchvision in a temporary folder inside ``root``, then
    renamed.  Progress is reported file by file.  Torchvision's own byte counter is left on stderr: replacing
    ``sys.stderr`` would replace it for every thread of the process.

    Args:
        name: the dataset's registry name, for messages.
        reader: the torchvision class that knows addresses and checksums.
        root: the data folder; created if necessary.
        report: receives progress; an exception from it stops the download between two files.

    Raises:
        DataError: the folder cannot be written, or a file cannot be downloaded.
    """
    raw = root / reader.__name__ / "raw"
    missing = [(archive, md5) for archive, md5 in reader.resources if not present(raw / _unpacked(archive))]
    for done, (archive, md5) in enumerate(missing):
        report(Progress(f"downloading {name}", done / len(missing)))
        with temporary_folder(root) as partial:
            try:
                _fetch(reader, (archive, md5), partial, raw)
            except FAILURES as error:
                raise download_failed(name, raw / _unpacked(archive), error) from error
    if missing:
        report(Progress(f"downloading {name}", 1.0))


def _fetch(reader: "type[MNIST]", resource: tuple[str, str], partial: Path, raw: Path) -> None:
    archive, md5 = resource
    if present(raw / archive):  # torchvision uses an existing archive if its checksum is right
        shutil.copy(raw / archive, partial)
    _download(reader, archive, md5, partial)
    raw.mkdir(parents=True, exist_ok=True)
    (partial / _unpacked(archive)).replace(raw / _unpacked(archive))


def _download(reader: "type[MNIST]", archive: str, md5: str, folder: Path) -> None:
    """Try each mirror in turn; if all fail, raise the last one's error."""
    from torchvision.datasets.utils import download_and_extract_archive

    *others, last = reader.mirrors
    for mirror in others:
        try:
            download_and_extract_archive(mirror + archive, folder, filename=archive, md5=md5)
            return
        except FAILURES:
            continue
    download_and_extract_archive(last + archive, folder, filename=archive, md5=md5)


@contextmanager
def temporary_folder(root: Path) -> Iterator[Path]:
    """Make a temporary folder inside ``root``, so that a finished file can be renamed into place."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = TemporaryDirectory(prefix=".download-", dir=root)
    except (OSError, ValueError) as error:
        raise DataError(
            f"The data folder {root} cannot be created or written ({reason(error)}); name another one with "
            f"data_dir or {VARIABLE}, or use the embedded mnist-sample."
        ) from error
    with folder as path:
        yield Path(path)


def download_failed(name: str, file: Path, error: Exception) -> DataError:
    """Return the error that says which file is missing and what to do about it."""
    return DataError(
        f"{name} needs the file {file}, which is missing and cannot be downloaded ({reason(error)}); "
        "connect to the internet and try again, put the file there, or use the embedded mnist-sample."
    )


def present(path: Path) -> bool:
    """Tell whether a file exists; a path that cannot be checked counts as missing."""
    try:
        return path.is_file()
    except OSError:  # name too long or no permission: the attempt to create the file will say why
        return False


def _unpacked(archive: str) -> str:
    return archive.removesuffix(".gz")


def reason(error: BaseException) -> str:
    """Return what went wrong, as one short line."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "a part of this path is a file, not a folder"
    if isinstance(error, URLError) and not isinstance(error, HTTPError):  # says "<urlopen error …>" around the reason
        return reason(error.reason) if isinstance(error.reason, BaseException) else str(error.reason)
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())

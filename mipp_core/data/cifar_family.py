"""CIFAR-10 and CIFAR-100, downloaded, checked and read by torchvision.

Their files are pickles.  Torchvision reads them only if their checksums are the published ones; nothing else is
unpickled.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mipp_core.data.card import RawSplit
from mipp_core.data.download import FAILURES, download_failed, present, reason, temporary_folder
from mipp_core.data.folder import data_folder
from mipp_core.errors import DataError
from mipp_core.vocabulary import Progress, Report

if TYPE_CHECKING:  # it costs a second, which only those who read files should pay
    from torchvision.datasets import CIFAR10

IMAGE_SHAPE = (3, 32, 32)
"""Channels, height, width."""

TRAIN_SIZE, TEST_SIZE = 50_000, 10_000


@dataclass(frozen=True)
class CifarFamily:
    """One dataset of the family.

    Attributes:
        name: the registry name.
        kind: the torchvision class that knows its address, checksums and format, or its name there.
    """

    name: str
    kind: "type[CIFAR10] | str"

    @property
    def reader(self) -> "type[CIFAR10]":
        """The torchvision class."""
        if not isinstance(self.kind, str):
            return self.kind
        from torchvision import datasets

        return getattr(datasets, self.kind)

    def load(self, data_dir: Path | None, report: Report) -> tuple[RawSplit, RawSplit]:
        """Return the training and test splits, downloading them if their folder does not exist.

        Raises:
            DataError: the files are missing and cannot be downloaded, or are damaged.
        """
        root = data_folder(data_dir)
        if not self._has_folder(root):
            self._download(root, report)
        return self._split(root, train=True), self._split(root, train=False)

    def _has_folder(self, root: Path) -> bool:
        try:
            return (root / self.reader.base_folder).exists()
        except OSError:  # name too long or no permission: the attempt to create the folder will say why
            return False

    def _download(self, root: Path, report: Report) -> None:
        """Fetch and unpack the archive in a temporary folder, then move the finished folder into place."""
        from torchvision.datasets.utils import download_and_extract_archive

        archive = root / self.reader.filename
        report(Progress(f"downloading {self.name}", 0.0))
        with temporary_folder(root) as partial:
            try:
                if present(archive):  # torchvision uses an existing archive if its checksum is right
                    shutil.copy(archive, partial)
                download_and_extract_archive(
                    self.reader.url, partial, filename=self.reader.filename, md5=self.reader.tgz_md5
                )
                (partial / self.reader.base_folder).replace(root / self.reader.base_folder)
            except FAILURES as error:
                raise download_failed(self.name, archive, error) from error
        report(Progress(f"downloading {self.name}", 1.0))

    def _split(self, root: Path, train: bool) -> RawSplit:
        folder = root / self.reader.base_folder
        other = "test_list" if train else "train_list"
        part = type(self.reader.__name__, (self.reader,), {other: []})  # so that each file is checked once, not twice
        try:
            read = part(root, train=train)
        except Exception as error:  # a damaged file can raise almost any exception in torchvision
            fault = self._bad_file(folder) or f"cannot be read ({reason(error)})"
            raise DataError(
                f"The files of {self.name} in {folder} {fault}; delete that folder to download them again, or use the "
                "embedded mnist-sample."
            ) from error
        return RawSplit(torch.from_numpy(read.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(read.targets))

    def _bad_file(self, folder: Path) -> str | None:
        """Say which file is not the published one; torchvision does not say which."""
        from torchvision.datasets.utils import check_integrity

        meta = (self.reader.meta["filename"], self.reader.meta["md5"])
        for file, md5 in (*self.reader.train_list, *self.reader.test_list, meta):
            if not present(folder / file):
                return f"lack {file}"
            if not check_integrity(folder / file, md5):
                return f"include a file {file} that is not the published one (it may be incomplete)"
        return None

"""Reads the datasets that torchvision keeps in MNIST's file format, and checks that they are the published ones."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from mipp_core.data.card import RawSplit
from mipp_core.data.download import fetch_missing, reason
from mipp_core.data.folder import data_folder
from mipp_core.errors import DataError
from mipp_core.vocabulary import Report

if TYPE_CHECKING:  # it costs a second, which only those who read files should pay
    from torchvision.datasets import MNIST

SIDE = 28
"""Height and width of an image, in pixels."""


@dataclass(frozen=True)
class Part:
    """What the training or the test half of a dataset must be.

    Attributes:
        name: ``train`` or ``test``.
        size: number of images.
        digest: SHA-256 of all pixels followed by all labels, one byte each; empty if unknown, and then sizes and labels
            alone are checked.
    """

    name: str
    size: int
    digest: str = ""


@dataclass(frozen=True)
class MnistFamily:
    """One dataset of the family.

    Attributes:
        name: the registry name.
        kind: the torchvision class that downloads and reads it, or its name there.
        train: what the training half must be.
        test: what the test half must be.
    """

    name: str
    kind: "type[MNIST] | str"
    train: Part
    test: Part

    @property
    def reader(self) -> "type[MNIST]":
        """The torchvision class."""
        if not isinstance(self.kind, str):
            return self.kind
        from torchvision import datasets

        return getattr(datasets, self.kind)

    def load(self, data_dir: Path | None, report: Report) -> tuple[RawSplit, RawSplit]:
        """Return the training and test splits, downloading the files that are missing.

        Raises:
            DataError: a file is missing and cannot be downloaded, is damaged, or is not the published one.
        """
        root = data_folder(data_dir)
        fetch_missing(self.name, self.reader, root, report)
        return self._split(root, self.train), self._split(root, self.test)

    def _split(self, root: Path, part: Part) -> RawSplit:
        try:
            read = self.reader(root, train=part.name == "train")
        except Exception as error:  # torchvision checks little: a damaged file can raise almost anything
            raise self._damaged(root, part, f"cannot be read ({reason(error)})") from error
        if fault := _fault(read.data, read.targets, part, len(self.reader.classes)):
            raise self._damaged(root, part, fault)
        return RawSplit(read.data.unsqueeze(1), read.targets)

    def _damaged(self, root: Path, part: Part, fault: str) -> DataError:
        folder = root / self.reader.__name__
        return DataError(
            f"The {part.name} files of {self.name} in {folder} {fault}; delete that folder to download "
            "them again, or use the embedded mnist-sample."
        )


def _fault(images: Tensor, labels: Tensor, part: Part, classes: int) -> str | None:
    """Say what is wrong with what was read; None if nothing is.

    Torchvision checks only the archives it downloads: it reads a truncated or replaced file without a warning.
    """
    if images.shape != (part.size, SIDE, SIDE):
        return f"hold images of shape {tuple(images.shape)} instead of {(part.size, SIDE, SIDE)}"
    if labels.shape != (part.size,):
        return f"hold labels of shape {tuple(labels.shape)} instead of {(part.size,)}"
    if labels.min() < 0 or labels.max() >= classes:
        return f"hold labels from {labels.min()} to {labels.max()} instead of 0 to {classes - 1}"
    if part.digest and (found := digest(images, labels)) != part.digest:
        return f"are not the published ones (SHA-256 {found[:12]}… instead of {part.digest[:12]}…)"
    return None


def digest(images: UInt8[Tensor, "n h w"], labels: Int[Tensor, " n"]) -> str:
    """Return the SHA-256 of all pixels followed by all labels, one byte each, in hexadecimal."""
    sha = hashlib.sha256(images.contiguous().numpy().data)
    sha.update(labels.to(torch.uint8).numpy().data)
    return sha.hexdigest()

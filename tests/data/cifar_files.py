"""Small datasets in CIFAR's own format: pickles of numpy bytes in a tar archive, with checksums of their own."""

import hashlib
import io
import pickle
import tarfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10, CIFAR100

from mipp_core.data.cifar_family import CifarFamily


@dataclass(frozen=True)
class SmallCifar:
    """Eight training images in as many files as the real set has, four test images, and a reader that expects them."""

    family: CifarFamily
    files: dict[str, bytes]
    archive: bytes
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]

    def folder(self, root: Path) -> Path:
        return root / self.family.reader.base_folder

    def write(self, root: Path) -> Path:
        self.folder(root).mkdir(parents=True)
        for name, content in self.files.items():
            (self.folder(root) / name).write_bytes(content)
        return self.folder(root)


def samples(count: int, start: int) -> tuple[Tensor, Tensor]:
    images = (torch.arange(count * 3072) * 7 + start).remainder(251).to(torch.uint8).view(count, 3, 32, 32)
    return images, (torch.arange(count) + start) % 10


def batch(images: Tensor, labels: Tensor, key: str) -> bytes:
    """One file as it is published: rows of 3,072 bytes, channel by channel, and a list of labels."""
    entry = {"batch_label": "a batch", key: labels.tolist(), "data": images.flatten(1).numpy(), "filenames": []}
    return pickle.dumps(entry, protocol=2)


def pack(folder: str, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def small_cifar(published: type[CIFAR10]) -> SmallCifar:
    key = "fine_labels" if published is CIFAR100 else "labels"
    train, test = samples(10, 3), samples(4, 8)
    names = [name for name, _ in published.train_list]
    share = 10 // len(names)
    files = {n: batch(train[0][i * share :][:share], train[1][i * share :][:share], key) for i, n in enumerate(names)}
    files[published.test_list[0][0]] = batch(*test, key)
    files[published.meta["filename"]] = pickle.dumps({published.meta["key"]: list("abcdefghij")}, protocol=2)
    archive = pack(published.base_folder, files)
    changed = {
        "url": f"http://archive/{published.filename}",
        "tgz_md5": md5(archive),
        "train_list": [[name, md5(files[name])] for name in names],
        "test_list": [[name, md5(files[name])] for name, _ in published.test_list],
        "meta": {**published.meta, "md5": md5(files[published.meta["filename"]])},
    }
    reader = type("SmallCifar", (published,), changed)
    return SmallCifar(CifarFamily("pictures", reader), files, archive, train, test)

"""A small dataset in MNIST's file format, and a stand-in for the network."""

import builtins
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torch import Tensor
from torchvision.datasets import MNIST
from torchvision.datasets import utils as torchvision_files

from mipp_core.data.card import RawSplit
from mipp_core.data.mnist_family import SIDE, MnistFamily, Part, digest


@dataclass(frozen=True)
class Small:
    """Forty training and twenty test images, as published: the files, and what they hold."""

    family: MnistFamily
    files: dict[str, bytes]
    train: RawSplit
    test: RawSplit

    @property
    def archives(self) -> dict[str, bytes]:
        return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in self.files.items()}

    def raw(self, root: Path) -> Path:
        return root / self.family.reader.__name__ / "raw"

    def write(self, root: Path) -> Path:
        self.raw(root).mkdir(parents=True)
        for name, content in self.files.items():
            (self.raw(root) / name).write_bytes(content)
        return self.raw(root)


def idx(values: Tensor) -> bytes:
    """Unsigned bytes in the IDX format: magic number 8 and the rank, the sizes, the values."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.dim()]) + sizes + values.to(torch.uint8).numpy().tobytes()


def raw_split(size: int) -> RawSplit:
    images = (torch.arange(size * SIDE * SIDE) * 7 % 251).to(torch.uint8).view(size, 1, SIDE, SIDE)
    return RawSplit(images, torch.arange(size) % 10)


def part(name: str, split: RawSplit) -> Part:
    return Part(name, len(split.labels), digest(split.images.squeeze(1), split.labels))


@pytest.fixture(scope="session")
def small() -> Small:
    train, test = raw_split(40), raw_split(20)
    files = {
        "train-images-idx3-ubyte": idx(train.images.squeeze(1)),
        "train-labels-idx1-ubyte": idx(train.labels),
        "t10k-images-idx3-ubyte": idx(test.images.squeeze(1)),
        "t10k-labels-idx1-ubyte": idx(test.labels),
    }
    sums = [(f"{n}.gz", hashlib.md5(gzip.compress(c, mtime=0)).hexdigest()) for n, c in files.items()]
    reader = type("Digits", (MNIST,), {"mirrors": ["http://first/", "http://second/"], "resources": sums})
    return Small(MnistFamily("digits", reader, part("train", train), part("test", test)), files, train, test)


Answer = Callable[[str], bytes]


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[str]]:
    """Cut torchvision off the network; what it returns connects it to ``answer``, and lists the addresses.

    The rest of torchvision's downloader, its checksums included, runs as it is.  An answer that raises
    ``BrokenOffError`` is cut short.
    """

    def connect(answer: Answer) -> list[str]:
        asked: list[str] = []

        def retrieve(url: str, file: str) -> None:
            asked.append(url)
            try:
                Path(file).write_bytes(answer(url))
            except BrokenOffError as error:
                Path(file).write_bytes(error.args[0])
                raise

        monkeypatch.setattr(torchvision_files, "_get_redirect_url", lambda url, max_hops: url)
        monkeypatch.setattr(torchvision_files, "_urlretrieve", retrieve)
        return asked

    connect(offline)
    return connect


class BrokenOffError(ConnectionResetError):
    """The connection ended after some bytes, which are the first argument."""


def offline(url: str) -> bytes:
    raise URLError(f"no route to {url}")


@pytest.fixture
def broken_off() -> type[BrokenOffError]:
    return BrokenOffError


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that Python opens from now on."""
    heard: list[str] = []
    plain = builtins.open

    def listen(file, *args, **kwargs):
        heard.append(str(file))
        return plain(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", listen)
    return heard

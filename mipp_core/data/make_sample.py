"""Makes the embedded MNIST sample from full MNIST; the result is the same byte for byte."""

import argparse
import lzma
from collections.abc import Sequence
from pathlib import Path

import safetensors.torch
import torch
from jaxtyping import Int
from torch import Tensor

from mipp_core.data import mnist, mnist_sample
from mipp_core.data.card import RawSplit
from mipp_core.errors import DataError
from mipp_core.vocabulary import silent


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the embedded sample; with ``--check``, only compare, and exit with status 1 if they differ."""
    parser = argparse.ArgumentParser(prog="python -m mipp_core.data.make_sample", description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with full MNIST, in torchvision's layout")
    parser.add_argument("--check", action="store_true", help="only compare with the embedded file")
    options = parser.parse_args(arguments)
    try:
        made = pack(*mnist.FAMILY.load(options.data_dir, silent))
    except DataError as error:
        parser.exit(1, f"{error}\n")
    if not options.check:
        _replace(mnist_sample.ASSET, made)
    elif not mnist_sample.ASSET.is_file() or mnist_sample.ASSET.read_bytes() != made:
        parser.exit(1, f"{mnist_sample.ASSET} differs from the sample of full MNIST; run again without --check.\n")


def pack(train: RawSplit, test: RawSplit) -> bytes:
    """Return the sample of full MNIST as one compressed safetensors blob."""
    tensors = _named("train", train, mnist_sample.TRAIN_PER_CLASS) | _named("test", test, mnist_sample.TEST_PER_CLASS)
    # Preset and check must not change: the file's bytes are part of the project.
    return lzma.compress(safetensors.torch.save(tensors), check=lzma.CHECK_CRC64, preset=6 | lzma.PRESET_EXTREME)


def evenly_spaced(labels: Int[Tensor, " n"], per_class: int) -> Int[Tensor, " m"]:
    """Choose ``per_class`` samples of each class, evenly spaced over the class, without random numbers.

    Of a class with ``count`` samples, in file order, the k-th chosen is number floor(k * count / per_class).

    Args:
        labels: class indices in file order; each class needs at least ``per_class`` samples.
        per_class: how many to choose of each class.

    Returns:
        Positions in ``labels``, increasing, shape [classes * per_class].
    """
    chosen = [_spread((labels == label).nonzero().squeeze(1), per_class) for label in labels.unique()]
    return torch.cat(chosen).sort().values


def _spread(positions: Int[Tensor, " count"], wanted: int) -> Int[Tensor, " wanted"]:
    return positions[torch.arange(wanted) * len(positions) // wanted]


def _named(part: str, split: RawSplit, per_class: int) -> dict[str, Tensor]:
    index = evenly_spaced(split.labels, per_class)
    images, labels = split.images[index].squeeze(1), split.labels[index].to(torch.uint8)
    return {f"{part}_images": images, f"{part}_labels": labels}


def _replace(path: Path, content: bytes) -> None:
    """Write to a temporary file, then rename it: an interrupted run leaves the old file intact."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)


if __name__ == "__main__":
    main()

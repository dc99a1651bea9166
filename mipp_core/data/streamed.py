"""Splits too large for memory: image files that are read when they are needed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.utils.data import DataLoader

from mipp_core.data.dataset import Batch, Samples, Split
from mipp_core.data.decoding import Decoder, Framing, gathered
from mipp_core.data.download import reason
from mipp_core.data.preparation import Preparation
from mipp_core.errors import DataError

_AT_ONCE = 256  # files per batch where the batch size does not matter
_WORTH_WORKERS = 512  # files: for fewer, starting processes takes longer than reading them
_MOST_WORKERS = 16


@dataclass(frozen=True)
class FileSplit(Samples):
    """Labelled image files, at least one.  Making, moving and choosing from a split opens no file.

    Files are decoded by the processes of torch's ``DataLoader``.  The content of a batch does not depend on how many
    processes there are, nor on which of them reads a file: each file has a seed for its random part.

    Attributes:
        paths: of the files.
        labels: class indices, shape [n], on the device that images are returned on.
        positions: in the whole split, shape [n]; they determine each image's deformation.
        crop: what is shown of each picture.
        preparation: from grey levels to network inputs, on the device.
        seeds: one per file, for its random part; None for the middle of each.
        workers: number of decoding processes; None for one per core (16 at most), or 0 if there are few files.
    """

    paths: tuple[str, ...]
    labels: Int[Tensor, " n"]
    positions: Int[Tensor, " n"]
    crop: Framing
    preparation: Preparation
    seeds: tuple[int, ...] | None = None
    workers: int | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of one image."""
        return self.crop.image_shape

    def to(self, device: torch.device | str) -> "FileSplit":
        """Return the same files, with images returned on another device."""
        return replace(self, labels=self.labels.to(device), positions=self.positions.to(device))

    def take(self, index: Int[Tensor, " k"]) -> "FileSplit":
        """Return the chosen files, in the order given."""
        index = index.to(self.labels.device)
        places = index.tolist()
        return replace(
            self,
            paths=tuple(self.paths[place] for place in places),
            labels=self.labels[index],
            positions=self.positions[index],
            seeds=None if self.seeds is None else tuple(self.seeds[place] for place in places),
        )

    def batches(self, batch_size: int, order: Int[Tensor, " k"] | None = None) -> Iterator[Batch]:
        """Yield images and labels; other processes read ahead.

        Raises:
            DataError: a file cannot be read.
        """
        order = torch.arange(len(self)) if order is None else order.cpu()
        places = order.split(batch_size)
        for index, images in zip(places, self._read([place.tolist() for place in places]), strict=True):
            where = index.to(self.labels.device)
            yield self._prepared(images, where), self.labels[where]

    def in_memory(self) -> Split:
        """Read all these files.

        Raises:
            DataError: a file cannot be read.
        """
        return Split(torch.cat([images for images, _ in self.batches(_AT_ONCE)]), self.labels)

    def fixed(self, count: int) -> Split:
        """Draw evenly from the classes with seed 0: files are listed by class, so the first are all alike."""
        return self.stratified(count, torch.Generator().manual_seed(0))

    def randomly_cropped(self, generator: torch.Generator) -> "FileSplit":
        """Return the files with a random part of each; every call draws new parts."""
        seeds = torch.randint(2**62, (len(self),), generator=generator)
        return replace(self, seeds=tuple(seeds.tolist()))

    def _read(self, places: list[list[int]]) -> Iterator[UInt8[Tensor, "n c h w"]]:
        loader = DataLoader(
            Decoder(self.paths, self.crop, self.seeds),
            batch_sampler=places,
            collate_fn=gathered,
            num_workers=self._processes(sum(map(len, places))),
            pin_memory=self.labels.is_cuda,
            generator=torch.Generator(),  # otherwise it would draw from the global one
        )
        for images in _whole(loader):
            if isinstance(images, str):
                raise self.crop.wrong(images)
            yield images

    def _processes(self, files: int) -> int:
        if self.workers is not None:
            return self.workers
        return min(_MOST_WORKERS, os.cpu_count() or 1) if files >= _WORTH_WORKERS else 0

    def _prepared(self, images: UInt8[Tensor, "n c h w"], where: Int[Tensor, " n"]) -> Float[Tensor, "n c h w"]:
        on_device = images.to(self.labels.device, non_blocking=True)
        return self.preparation.apply(on_device, self.positions[where])


def _whole(loader: DataLoader[UInt8[Tensor, "c h w"] | str]) -> Iterator[UInt8[Tensor, "n c h w"] | str]:
    """Yield what the processes read; raise a ``DataError`` if one of them has died."""
    try:
        yield from loader
    except RuntimeError as error:
        raise DataError(
            f"The processes that read images have failed ({reason(error)}); free some memory, especially "
            "shared memory (/dev/shm), or choose smaller batches."
        ) from error

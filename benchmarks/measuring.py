"""How long a level takes apart from training: `python -m benchmarks.measuring [resnet20|lenet5] [times]`.

Times reading, preparing, measuring, recalibrating and rebuilding on images made from a seed, as many and as large as
CIFAR-10's (MNIST's for lenet5), for a network of which every second unit is cut.  Beside each step stands the plain way
to do it, which the package had before: in turn with it, so often (3 by default).  The seconds are medians: on the
clock, of the process, and of the system on its behalf.  Fails if the two ways differ by more than rounding.
"""

import hashlib
import os
import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.datasets import CIFAR10

from mipp_core.cutting import least_squares, rebuilding
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.recalibration import recalibrate
from mipp_core.cutting.surgery import shrink
from mipp_core.data import DATASETS, Split
from mipp_core.data.cifar_family import CifarFamily
from mipp_core.data.preparation import Preparation
from mipp_core.evaluation import accuracy, evaluating
from mipp_core.models.families import MODELS
from mipp_core.network.layers import wiring_of
from mipp_core.network.lockstep import Walk
from mipp_core.network.operations import BATCH_NORMS, called
from mipp_core.network.recording import recorded
from mipp_core.vocabulary import silent

DATA = {"resnet20": "cifar10", "lenet5": "mnist"}
TRAIN, TEST, REBUILD_ON = 50_000, 10_000, 4000

Seconds = tuple[float, float, float]
"""On the clock, of the process, of the system."""


def timed(work: Callable[[], object]) -> tuple[object, Seconds]:
    """Run some work; return what it gives, and the seconds it took."""
    before, started = os.times(), time.perf_counter()
    given = work()
    passed, after = time.perf_counter() - started, os.times()
    return given, (passed, after.user - before.user, after.system - before.system)


def prepared_at_once(stored: Tensor, preparation: Preparation) -> Tensor:
    """Make network inputs of all images in whole steps."""
    return preparation.normalisation.apply(stored.float() / 255.0)


@torch.no_grad()
def recalibrated_plainly(slim: nn.Module, images: Tensor) -> None:
    """Measure normalisations on batches of 500, each copied channel by channel and then to float64, twice."""
    with evaluating(slim):
        walk = Walk(slim, slim.graph, images, 500)
        for node in slim.graph.nodes:
            if isinstance(called(node, slim), BATCH_NORMS):
                norm, read = called(node, slim), walk.read_by(node)
                count = sum(batch.numel() for batch in read) // norm.num_features
                mean = sum(_channels(batch).sum(1) for batch in read) / count
                squares = sum((_channels(batch) - mean[:, None]).square().sum(1) for batch in read)
                norm.running_mean.copy_(mean)
                norm.running_var.copy_(squares / count)


def _channels(batch: Tensor) -> Tensor:
    return batch.movedim(1, 0).flatten(1).double()


@torch.no_grad()
def fitted_plainly(
    layer: nn.Conv2d | nn.Linear,
    read: list[Tensor],
    wanted: list[Tensor],
    rows: Tensor,
    *,
    through_origin: bool = False,
    normalised: bool = False,
) -> least_squares.Fit | None:
    """Fit a layer without groups from ``unfold``, 128 MB of patches at a time, and from the whole Gram matrix."""
    is_map = isinstance(layer, nn.Conv2d)
    positions = wanted[0].shape[2:].numel() if is_map else wanted[0].shape[1:-1].numel()
    regressors = layer.weight[0].numel()
    count, chosen = least_squares._sample(sum(map(len, read)), positions, regressors)
    if count * len(chosen) < 2 * regressors:
        return None
    gram = moment = torch.zeros(())
    for values, aims in _pieces(read, wanted, count, max(1, 2**24 // (positions * regressors))):
        table = functional.pad(_rows(_unfolded(layer, values), chosen), (0, 1), value=1.0)
        targets = _rows(aims[:, rows].flatten(2).mT if is_map else aims[..., rows], chosen)
        gram, moment = gram + table.mT @ table, moment + table.mT @ targets
    shared = least_squares._SHARED_RIDGE if normalised else 0.0
    solution = least_squares._solve(gram, moment, through_origin, shared)
    return solution[:, :-1].mT.reshape_as(layer.weight), solution[:, -1].flatten()


def _pieces(read: list[Tensor], wanted: list[Tensor], count: int, at_once: int) -> Iterator[tuple[Tensor, Tensor]]:
    for values, aims in zip(read, wanted, strict=True):
        yield from zip(values[:count].split(at_once), aims[:count].split(at_once), strict=True)
        count -= len(values)
        if count <= 0:
            return


def _unfolded(layer: nn.Conv2d | nn.Linear, values: Tensor) -> Tensor:
    if isinstance(layer, nn.Linear):
        return values
    return functional.unfold(values, layer.kernel_size, padding=layer.padding, stride=layer.stride).mT


def _rows(numbers: Tensor, chosen: Tensor) -> Tensor:
    numbers = numbers.reshape(len(numbers), -1, numbers.shape[-1])
    return numbers[:, chosen].double().reshape(1, -1, numbers.shape[-1])


def rebuilt_plainly(dense: nn.Module, slim: nn.Module, masks: KeepMasks, images: Tensor) -> None:
    """Rebuild on batches of 500."""
    with patch.object(rebuilding, "fitted", fitted_plainly):
        rebuild(dense, slim, masks, images, batch_size=500)


@contextmanager
def files(images: Tensor, labels: Tensor) -> Iterator[tuple[type[CIFAR10], Path]]:
    """Write images in CIFAR-10's format; yield a reader that expects them, and their folder."""
    with tempfile.TemporaryDirectory() as folder:
        root, sums = Path(folder), {}
        (root / CIFAR10.base_folder).mkdir()
        names = [name for name, _ in CIFAR10.train_list + CIFAR10.test_list]
        parts = zip(names, images.chunk(len(names)), labels.chunk(len(names)), strict=True)
        contents = {name: {"labels": own.tolist(), "data": some.flatten(1).numpy()} for name, some, own in parts}
        for name, content in {**contents, CIFAR10.meta["filename"]: {CIFAR10.meta["key"]: list("abcdefghij")}}.items():
            written = pickle.dumps(content, protocol=2)
            (root / CIFAR10.base_folder / name).write_bytes(written)
            sums[name] = hashlib.md5(written).hexdigest()
        own = {
            "train_list": [[name, sums[name]] for name, _ in CIFAR10.train_list],
            "test_list": [[name, sums[name]] for name, _ in CIFAR10.test_list],
            "meta": {**CIFAR10.meta, "md5": sums[CIFAR10.meta["filename"]]},
        }
        yield type("Seeded", (CIFAR10,), own), root


def compare(step: str, plain: Callable[[], object], now: Callable[[], object], times: int, tolerance: float) -> None:
    """Do a step both ways in turn, print a row of the table, and fail if what the two gave differs."""
    ways = {"plain": plain, "now": now}
    found: dict[str, list[Seconds]] = {name: [] for name in ways}
    given = {}
    for _ in range(times):
        for name, work in ways.items():
            given[name], seconds = timed(work)
            found[name].append(seconds)
    middle = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in found.items()}
    cells = [" / ".join(f"{second:.2f}" for second in middle[name]) for name in ways]
    print(f"| {step} | {cells[0]} | {cells[1]} | {middle['plain'][0] / middle['now'][0]:.1f} |", flush=True)
    worst = max(map(_difference, given["plain"], given["now"]))
    if not worst <= tolerance:
        sys.exit(f"the two ways differ by {worst:.1e} of the largest number, more than {tolerance:.0e}")


def _difference(plain: object, now: object) -> float:
    before, after = torch.as_tensor(plain).double(), torch.as_tensor(now).double()
    return ((before - after).abs().max() / before.abs().max().clamp(min=1e-300)).item()


def changed(slim: nn.Module, work: Callable[[nn.Module], object]) -> list[Tensor]:
    """Return a network's weights and statistics after some work on a copy of it."""
    copy = deepcopy(slim)
    work(copy)
    return list(copy.state_dict().values())


def read(family: CifarFamily, root: Path) -> list[Tensor]:
    """Read both splits as the package does."""
    return [split.images for split in family.load(root, silent)]


def read_plainly(reader: type[CIFAR10], root: Path) -> list[Tensor]:
    """Read both splits as torchvision does, which checks every file each time."""
    return [torch.from_numpy(reader(root, train=each).data).permute(0, 3, 1, 2) for each in (True, False)]


def data_steps(stored: Tensor, labels: Tensor, preparation: Preparation, times: int) -> None:
    """Time reading, where the images are of CIFAR-10's size, and preparing."""
    if stored.shape[1:] == (3, 32, 32):
        with files(stored, labels) as (reader, root):
            family = CifarFamily("seeded", reader)
            compare("reading", lambda: read_plainly(reader, root), lambda: read(family, root), times, 0.0)
    ways = (lambda: [prepared_at_once(stored, preparation)], lambda: [preparation.apply(stored)])
    compare(f"preparing {len(stored):,} images", *ways, times, 0.0)


def network_steps(model: nn.Module, split: Split, times: int) -> None:
    """Time measuring, recalibrating and rebuilding."""
    dense, few = recorded(model, split.images[:8]), split.images[:REBUILD_ON]
    masks = KeepMasks({layer.name: torch.arange(layer.units) % 2 == 0 for layer in wiring_of(dense).layers})
    slim = shrink(dense, masks)
    for title, each in (("dense", dense), ("cut", slim)):
        ways = [partial(lambda net, size: [accuracy(net, split, size)], each, size) for size in (2000, None)]
        compare(f"measuring the {title} network on {len(split):,}", *ways, times, 5e-3)
    if any(isinstance(module, BATCH_NORMS) for module in slim.modules()):
        ways = [partial(changed, slim, partial(way, images=few)) for way in (recalibrated_plainly, recalibrate)]
        compare(f"recalibrating on {len(few):,}", *ways, times, 1e-4)
    ways = [
        partial(changed, slim, partial(lambda way, each: way(dense, each, masks, few), way))
        for way in (rebuilt_plainly, rebuild)
    ]
    compare(f"rebuilding on {len(few):,}", *ways, times, 1e-2)


def main(name: str = "resnet20", times: str = "3") -> None:
    """Print one row per step."""
    card, family = DATASETS[DATA[name]], MODELS[name]
    generator = torch.Generator().manual_seed(0)
    stored = torch.randint(256, (TRAIN + TEST, *card.image_shape), generator=generator, dtype=torch.uint8)
    labels, preparation = torch.arange(len(stored)) % 10, Preparation(card.normalisation, None, "train")
    torch.manual_seed(0)
    model = family.build(family.widths, card.image_shape, 10).eval()
    print(f"{name}, {torch.get_num_threads()} threads, n = {times}; seconds: clock / process / system, medians\n")
    print("| step | plain | now | plain / now on the clock |\n| --- | --- | --- | --- |")
    data_steps(stored, labels, preparation, int(times))
    network_steps(model, Split(preparation.apply(stored[:TEST]), labels[:TEST]), int(times))


if __name__ == "__main__":
    main(*sys.argv[1:])

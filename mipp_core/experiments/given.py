"""What given weights are worth before anything is done to them, measured once and kept in the store."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from mipp_core.data import Split, card_of
from mipp_core.errors import CancelledError
from mipp_core.evaluation import accuracy
from mipp_core.experiments.subject import Subject
from mipp_core.recipes import RECIPES
from mipp_core.runs.result import device_name
from mipp_core.runs.spec import NetworkSpec, RunSpec
from mipp_core.store import Outcome, Store
from mipp_core.vocabulary import Progress, Report, silent

_AT_ONCE = 100
"""Test images per batch: on a processor, larger batches take two to three times as long."""

_FEW = 2000
"""Test images that are read where they are files: enough for a standard error of about a percent."""


@dataclass(frozen=True)
class Worth:
    """The test accuracy of given weights.

    Attributes:
        accuracy: in [0, 1].
        images: how many test images it was measured on.
    """

    accuracy: float
    images: int

    def __str__(self) -> str:
        return f"{self.accuracy:.1%} of {self.images:,} test images"


def worth(
    network: NetworkSpec,
    store: Store,
    *,
    run: str = "",
    data_dir: Path | None = None,
    device: str | torch.device = "cpu",
    report: Report = silent,
    may_download: bool = True,
) -> Worth | None:
    """Return the test accuracy of a network's given weights as they are; measured only if the store has no answer.

    Images in memory are all used; of images in files, 2,000, evenly from all classes.

    Args:
        network: with weights.
        store: where the weights are, and where the answer is kept.
        run: name of a run of this network that comes next; if it does not train it, both share one measurement.
        data_dir: where downloaded datasets are.
        device: where to compute.
        report: receives progress; may raise ``CancelledError``.
        may_download: otherwise None is returned where images would have to be downloaded first.

    Raises:
        DataError: the weights are not in the store, or the images are missing or damaged.
    """
    trains = network.recipe.epochs > 0
    spec = RunSpec(replace(network, recipe=RECIPES["none"]) if trains or not run else network)
    where = torch.device(device)
    stages = store.stages(run or spec.hash, device_name(where))
    subject = Subject(spec, stages, where, report if may_download else without_download(report), data_dir)

    if run and not trains:
        return Worth(subject.dense().value["accuracy"], card_of(network.dataset).test_size)

    def make() -> Outcome:
        test = subject.data.test
        shown = test if isinstance(test, Split) else test.fixed(_FEW)
        return Outcome({"accuracy": accuracy(subject.initial(), shown, _AT_ONCE), "images": len(shown)})

    try:
        value = stages.remember("evaluate", {"network": spec.network, "given": True}, make).value
    except DownloadNeededError:
        return None
    return Worth(value["accuracy"], value["images"])


class DownloadNeededError(CancelledError):
    """Images would have to be downloaded first."""


def without_download(report: Report) -> Report:
    """Return a receiver of progress that stops a download before it begins."""

    def receive(progress: Progress) -> None:
        if progress.stage.startswith("downloading"):
            raise DownloadNeededError("The images are not on this machine yet; start a run, which downloads them.")
        report(progress)

    return receive

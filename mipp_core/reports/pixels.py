"""Studies of a run's pixels as documents, and those that ship with the package."""

import gzip
import json
import zlib
from functools import cache
from time import perf_counter
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor, nn

from mipp_core.checkpoints.fitting import load
from mipp_core.data.dataset import Samples
from mipp_core.errors import DataError, MippError, SettingError
from mipp_core.experiments.networks import initial_network
from mipp_core.pixels.choosing import Keep, in_common, together
from mipp_core.pixels.study import MIPP, Accuracies, Orders, Sizes, blanked, choices, orders, parts
from mipp_core.reports.archive import SHIPPED, command_of
from mipp_core.runs import RunSpec, masks_of
from mipp_core.runs.document import RunDocument
from mipp_core.runs.result import device_name, versions
from mipp_core.vocabulary import INPUT, Report, silent

PACKED = SHIPPED / "pixels.gz"
"""What ``shipped_pixels`` returns, as JSON."""

REGRESSORS, CLOSED_FORM, DEFORMED = "trained regressors", "closed form", "closed form, deformed digits"
"""The studies that ship."""


class Measured(TypedDict):
    """Accuracies of one way to use pixels.

    Attributes:
        places: the levels' places in the study, one for each number in ``rows``.
        rows: see ``mipp_core.pixels.study.Accuracies``.
        whole: with all pixels, in [0, 1]; one number per seed.
        images: that accuracies were measured on.
    """

    places: list[int]
    rows: Accuracies
    whole: list[float]
    images: int


class PixelStudy(TypedDict):
    """A run's pixels beside other rankings.

    Attributes:
        run, command: the run's name, and what makes it again, or why no command line does.
        deformation, seed: of its digits and network.
        dense: test accuracy of its dense network, in [0, 1].
        shape: channels, rows and columns of an image.
        levels, confidences: of the run, lowest first.
        kept: for each level, a text of ones and zeros, one per pixel: 1 is kept.
        orders: see ``mipp_core.pixels.study.Orders``.
        ranked: images that rankings are averaged over.
        blanked: the dense network with all other pixels blanked.
        trained: fresh networks trained on only these pixels.
        seconds, device, versions: of the study.
    """

    run: str
    command: str
    deformation: float
    seed: int
    dense: float
    shape: list[int]
    levels: list[int]
    confidences: list[float | None]
    kept: list[str]
    orders: Orders
    ranked: int
    seconds: float
    device: str
    versions: dict[str, str]
    blanked: NotRequired[Measured]
    trained: NotRequired[Measured]


class Repetition(TypedDict):
    """One of the runs that plain and deformed digits are compared by.

    Attributes:
        kept: as in ``PixelStudy``.
        blanked: accuracy of its dense network on these pixels, by level, in [0, 1].
    """

    run: str
    command: str
    deformation: float
    seed: int
    dense: float
    levels: list[int]
    kept: list[str]
    blanked: list[float]


class ShippedPixels(TypedDict):
    """All that ships: studies by name, and repetitions on plain and deformed digits."""

    studies: dict[str, PixelStudy]
    repetitions: list[Repetition]


def masks_by_level(run: RunDocument) -> list[Keep]:
    """Return the pixels that each level of a run keeps.

    Raises:
        SettingError: the run did not test pixels.
    """
    masks = [masks_of(level) for level in run["levels"]]
    if not masks or any(INPUT not in each for each in masks):
        raise SettingError(f"The run {run['hash']} did not test pixels; make one with pixels.")
    return [each[INPUT] for each in masks]


def written(keep: Keep) -> str:
    """Return a choice of pixels as a text of ones and zeros."""
    return "".join("1" if stays else "0" for stays in keep.tolist())


def read(text: str) -> Keep:
    """Return what ``written`` wrote."""
    return torch.tensor([each == "1" for each in text])


def dense_network(spec: RunSpec, weights: dict[str, Tensor]) -> nn.Module:
    """Return a run's dense network, to be looked at.

    Raises:
        DataError: there are no weights.
    """
    if not weights:
        raise DataError("The dense network of this run is no longer kept; start the run again.")
    model = initial_network(spec.network)
    load(model, weights)
    return model.eval()


def studied(run: RunDocument, model: nn.Module, test: Samples, sizes: Sizes, report: Report = silent) -> PixelStudy:
    """Rank a run's pixels by everything but MIPP.

    Args:
        run: a finished run that tested pixels.
        model: its dense network.
        test: its test split.
        sizes: on how many images.
        report: receives progress; may raise ``CancelledError``.

    Raises:
        SettingError: the run did not test pixels, there are too few images, or captum is not installed.
    """
    began, spec = perf_counter(), RunSpec.from_json(run["spec"])
    kept = [written(keep) for keep in masks_by_level(run)]
    ranked, _ = parts(test, sizes)
    return {
        "run": run["hash"],
        "command": _command(spec),
        "deformation": spec.network.deformation,
        "seed": spec.network.seed,
        "dense": run["dense_accuracy"] or 0.0,
        "shape": list(test.image_shape),
        "levels": [level["level"] for level in run["levels"]],
        "confidences": [level["confidence"] for level in run["levels"]],
        "kept": kept,
        "orders": orders(model, ranked, report),
        "ranked": len(ranked),
        "seconds": perf_counter() - began,
        "device": device_name(torch.device("cpu")),
        "versions": versions(),
    }


def _command(spec: RunSpec) -> str:
    """Return what makes a run again, or why no command line does."""
    try:
        return command_of(spec)
    except MippError as problem:
        return f"# {problem}"


def likeness(study: PixelStudy) -> tuple[dict[str, list[float | None]], dict[str, list[float | None]]]:
    """Return, level by level, what each ranking has in common with MIPP, and how close everybody's pixels lie.

    Returns:
        Ranking -> level -> ``in_common`` with as many of MIPP's; MIPP or ranking -> level -> ``together``.
    """
    levels = [read(text) for text in study["kept"]]
    chosen = choices(levels, study["orders"], 1)
    alike = {name: list(map(in_common, levels, chosen[name][0])) for name in study["orders"]}
    close = {name: [together(keep, study["shape"]) for keep in chosen[name][0]] for name in (MIPP, *study["orders"])}
    return alike, close


def blanked_in(study: PixelStudy, model: nn.Module, test: Samples, sizes: Sizes, report: Report = silent) -> Measured:
    """Measure the dense network on the pixels of every ranking, at every level's number of pixels."""
    _, judged = parts(test, sizes)
    chosen = choices([read(text) for text in study["kept"]], study["orders"], sizes.draws)
    everything = {"all": [[torch.ones(len(study["kept"][0]), dtype=torch.bool)]]}
    rows = blanked(model, judged, {**chosen, **everything}, report)
    whole = rows.pop("all")[0]
    return {"places": [*range(len(study["levels"]))], "rows": rows, "whole": whole, "images": len(judged)}


@cache
def shipped_pixels() -> ShippedPixels:
    """Return what ships; not to be changed.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        found: Any = json.loads(gzip.decompress(PACKED.read_bytes()))
    except (OSError, ValueError, EOFError, zlib.error) as problem:
        raise DataError(f"The shipped pixels in {PACKED} are damaged ({problem}); install it again.") from problem
    shipped: ShippedPixels = found
    return shipped

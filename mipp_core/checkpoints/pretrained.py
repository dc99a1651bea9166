"""Torchvision's pretrained weights: downloaded on request, checked, and read without running any code."""

import hashlib
import re
import urllib.request
from pathlib import Path

import torch
from torch import Tensor

from mipp_core.checkpoints.fitting import expected
from mipp_core.data.download import FAILURES, present, reason, temporary_folder
from mipp_core.data.folder import data_folder
from mipp_core.errors import DataError
from mipp_core.models import Architecture
from mipp_core.models.from_torchvision import PREFIX
from mipp_core.vocabulary import Progress, Report, silent

_CHUNK = 1 << 20

_COUNT = ".num_batches_tracked"

_OLD_NAMES = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
"""DenseNet's layers in the published files, which call them norm.1 instead of norm1."""


def pretrained(
    architecture: Architecture, name: str, data_dir: Path | None = None, report: Report = silent
) -> dict[str, Tensor]:
    """Return the state dict of a torchvision network's pretrained weights; download the file if it is not there.

    Classifiers that only run in training are left out, as they are in our networks.

    Args:
        architecture: of a family ``torchvision:NAME``, with 1,000 classes.
        name: of the weights, such as ``IMAGENET1K_V2``.
        data_dir: the data folder; files go into its folder ``weights``.
        report: receives progress; an exception from it stops the download.

    Raises:
        DataError: the file cannot be downloaded or saved, or is not the published one.
    """
    from torchvision.models import get_model_weights  # here: it costs a second, which only those who ask pay

    network = architecture.family.removeprefix(PREFIX)
    url = get_model_weights(network)[name].url
    file = fetch(url, data_folder(data_dir) / "weights", report)
    # The checksum shows that the file is torchvision's own; even so, only tensors are read from it.
    state = torch.load(file, map_location="cpu", weights_only=True)
    named = {_OLD_NAMES.sub(r"\1\2", key): tensor for key, tensor in state.items()}
    # The oldest files were made before batch normalisations counted their batches.
    return {
        key: named.get(key, torch.tensor(0)) if key.endswith(_COUNT) else named[key] for key in expected(architecture)
    }


def fetch(url: str, folder: Path, report: Report = silent) -> Path:
    """Return a file from torchvision's server, whose name ends with the start of its SHA-256; download it if missing.

    Raises:
        DataError: it cannot be downloaded or saved, or its content does not match its name.
    """
    file = folder / url.rpartition("/")[2]
    digits = file.stem.rpartition("-")[2]
    if not present(file):
        with temporary_folder(folder) as partial:
            try:
                found = _download(url, partial / file.name, report)
            except FAILURES as problem:
                raise DataError(
                    f"The weights {file.name} cannot be downloaded ({reason(problem)}); connect to the internet and "
                    f"try again, or put the file from {url} into {folder}."
                ) from problem
            if not found.startswith(digits):
                raise DataError(f"The weights from {url} have the checksum {found[:8]}, not {digits}; try again later.")
            (partial / file.name).replace(file)
    return file


def _download(url: str, file: Path, report: Report) -> str:
    """Download a file and return its SHA-256."""
    stage, content, done = f"downloading {file.name}", hashlib.sha256(), 0
    with urllib.request.urlopen(url) as answer, file.open("wb") as kept:
        size = int(answer.headers.get("Content-Length") or 0)
        while chunk := answer.read(_CHUNK):
            kept.write(chunk)
            content.update(chunk)
            done += len(chunk)
            report(Progress(stage, min(1.0, done / size) if size else 0.0))
    return content.hexdigest()

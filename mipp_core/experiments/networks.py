"""From a network's specification to its data and to the network at initialisation."""

from pathlib import Path

import torch
from torch import nn

from mipp_core.checkpoints.pretrained import pretrained
from mipp_core.data import Dataset, Deformation, load_dataset
from mipp_core.experiments.uploads import kept_weights
from mipp_core.models import family
from mipp_core.runs.spec import NetworkSpec
from mipp_core.store.files import Blobs, Tensors
from mipp_core.vocabulary import Report, silent


def load_data(
    spec: NetworkSpec, data_dir: Path | None = None, device: str | torch.device = "cpu", report: Report = silent
) -> Dataset:
    """Load a network's dataset, deformed and normalised as it asks, on the device."""
    deformation = Deformation(spec.deformation, spec.seed) if spec.deformation else None
    found = load_dataset(
        spec.dataset,
        data_dir=data_dir,
        deformation=deformation,
        normalisation=spec.own_normalisation,
        report=report,
    )
    return found.to(device)


def initial_network(spec: NetworkSpec, device: str | torch.device = "cpu") -> nn.Module:
    """Return the network with fresh weights.

    Raises:
        ModelError: it cannot read the dataset's images.
    """
    spec.architecture.check_runs()
    return spec.architecture.build(spec.seed).to(device).eval()


def given_weights(
    spec: NetworkSpec, blobs: Blobs, data_dir: Path | None = None, report: Report = silent
) -> Tensors | None:
    """Return the weights that training starts from; None for fresh ones.

    Raises:
        DataError: pretrained weights cannot be downloaded, or those that somebody brought are not here any more.
    """
    if spec.weights is None:
        return None
    if spec.weights in family(spec.model).weights:
        return pretrained(spec.architecture, spec.weights, data_dir, report)
    return kept_weights(spec.weights, spec.architecture, blobs)

"""What a network's specification stands for: its data, and itself at initialisation."""

from pathlib import Path

import torch
from torch import nn

from mipp_core.data import Dataset, Deformation, load_dataset
from mipp_core.experiments.spec import NetworkSpec
from mipp_core.vocabulary import Report, silent


def load_data(
    spec: NetworkSpec, data_dir: Path | None = None, device: str | torch.device = "cpu", report: Report = silent
) -> Dataset:
    """Load a network's dataset, deformed as it asks, on the device."""
    deformation = Deformation(spec.deformation, spec.seed) if spec.deformation else None
    return load_dataset(spec.dataset, data_dir=data_dir, deformation=deformation, report=report).to(device)


def initial_network(spec: NetworkSpec, device: str | torch.device = "cpu") -> nn.Module:
    """Return the untrained network."""
    return spec.architecture.build(spec.seed).to(device).eval()

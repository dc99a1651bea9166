"""Dense networks: trained once, found again by their specification's hash."""

from pathlib import Path

import torch
from torch import nn

from mipp_core.data import Dataset, Deformation, load_dataset
from mipp_core.experiments.spec import NetworkSpec, digest
from mipp_core.experiments.store import Store, read_tensors, write_tensors
from mipp_core.training import train
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


def trained_network(spec: NetworkSpec, data: Dataset, store: Store, report: Report = silent) -> nn.Module:
    """Return the trained network from the store, or train it and leave it there."""
    model = initial_network(spec, data.train.images.device)
    path = store.network(digest(spec))
    found = read_tensors(path)
    if found is not None:
        model.load_state_dict(found)
        return model
    train(model, data.train, spec.recipe, seed=spec.seed, report=report, stage="Training the dense network")
    write_tensors(path, model.state_dict())
    return model

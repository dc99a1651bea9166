"""A slim network's weights other than the retrained ones, made again when somebody wants them."""

from pathlib import Path
from typing import Literal

import torch

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.recalibration import recalibrate
from mipp_core.errors import DataError
from mipp_core.experiments.experiment import Experiment
from mipp_core.experiments.masking import bare
from mipp_core.experiments.subject import Subject
from mipp_core.runs.result import device_name
from mipp_core.runs.spec import RunSpec
from mipp_core.store import Outcome, Store
from mipp_core.store.files import Tensors
from mipp_core.vocabulary import Progress, Report, silent

Remade = Literal["pruned", "recalibrated", "rebuilt"]
"""Right after cutting; with fresh batch normalisation statistics; after the closed-form rebuild."""


def can_be_remade(spec: RunSpec, store: Store) -> bool:
    """Tell whether the network that was pruned is still there, so that nothing has to be trained."""
    if not spec.trained:
        return True
    return store.stages(spec.hash).knows("train", {"network": spec.network})


def remade(
    spec: RunSpec,
    masks: KeepMasks,
    how: Remade,
    store: Store,
    *,
    data_dir: Path | None = None,
    device: torch.device | str = "cpu",
    report: Report = silent,
) -> Tensors:
    """Return a slim network's weights, the same that the run measured; they stay in the store.

    Args:
        spec: of the run.
        masks: what one of its levels kept.
        how: what is done after cutting.
        store: where the run is.
        data_dir: where downloaded datasets are.
        device: where to compute.
        report: receives progress; may raise ``CancelledError``.

    Raises:
        DataError: the dense network's weights are not there any more, or the dataset cannot be read.
    """
    if not can_be_remade(spec, store):
        raise DataError("The dense network of this run is no longer in the store; start the run again.")
    store.places.find(spec.network.dataset)
    device = torch.device(device)
    experiment = Experiment(spec, store.stages(spec.hash, device_name(device)), device, report, data_dir)

    def make() -> Outcome:
        slim = experiment.cut(masks)
        report(Progress(f"Making the {how} network", 0.0))
        if how == "recalibrated":
            recalibrate(slim, masks.blank_pixels(experiment.rebuilt_on.images))
        elif how == "rebuilt":
            rebuild(experiment.model, slim, masks, experiment.rebuilt_on.images)
        return Outcome({}, slim.state_dict())

    asked = {**experiment.depends_on, "masks": bare(masks), "how": how}
    return experiment.stages.remember("remake", asked, make, counted=False).tensors or {}


def dense_weights(spec: RunSpec, store: Store) -> Tensors | None:
    """Return the weights of a run's trained dense network; None where the store does not have them any more."""
    stages = store.stages(spec.hash)
    if not stages.knows("train", {"network": spec.network}):
        return None
    return Subject(spec, stages, torch.device("cpu"), silent).dense().tensors

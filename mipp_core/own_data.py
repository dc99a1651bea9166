"""Images of a user's own, as tensors or batches, for a network of a user's own."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.errors import ModelError, SettingError
from mipp_core.evaluation import evaluating, left_alone

Images = Tensor | Iterable[Tensor | Sequence[Tensor]]
"""All images in one tensor [n, channels, height, width], or batches of them, each alone or with its labels."""


def data_for(
    model: nn.Module, images: Images, labels: Tensor | Sequence[int] | None = None, needs_labels: bool = False
) -> Split:
    """Gather images and labels into one split, on the network's device and of its number type.

    Args:
        model: the network that reads the images; left as it was.
        images: see ``Images``; prepared as the network reads them.
        labels: class indices [n]; None where the batches hold them, or nobody needs them.
        needs_labels: refuse images without labels, and labels that the network has no output for.

    Raises:
        SettingError: images or labels are missing, of another kind, or do not fit each other.
        ModelError: the network has no weights, computes in half precision, or cannot read the images.
    """
    weights = _weights(model)
    shown, own = _gathered(images)
    given = own if labels is None else torch.as_tensor(labels)
    if needs_labels and given is None:
        raise SettingError("This pruner needs labels; give class indices, or batches of images and labels.")
    if given is None:
        given = torch.zeros(len(shown), dtype=torch.int64)
    if given.shape != (len(shown),) or given.is_floating_point() or given.dtype == torch.bool:
        raise SettingError(
            f"There are {len(shown)} images and the labels are {given.dtype} of shape {tuple(given.shape)}; give one "
            "whole number, the class, for each image."
        )
    split = Split(shown.detach().to(weights), given.detach().to(weights.device, torch.int64))
    _check_reads(model, split, needs_labels)
    return split


def _weights(model: nn.Module) -> Tensor:
    """Return any of a network's weights, which say where and in which numbers it computes."""
    if not isinstance(model, nn.Module):
        raise SettingError(f"The network is a {type(model).__name__}; give a torch.nn.Module.")
    found = next((each for each in model.parameters() if each.is_floating_point()), None)
    if found is None:
        raise ModelError("The network has no weights; there is nothing to prune.")
    if found.dtype not in (torch.float32, torch.float64):
        raise ModelError(f"The network computes in {found.dtype}; prune it in single precision, as model.float().")
    return found


def _gathered(images: Images) -> tuple[Tensor, Tensor | None]:
    """Return all images in one tensor, and the labels of the batches, if they have any."""
    if isinstance(images, (str, Path)) or not isinstance(images, Iterable):
        raise SettingError(f"The images are a {type(images).__name__}; give a tensor, or an iterable of batches.")
    batches = [images] if isinstance(images, Tensor) else list(images)
    parts = [batch if isinstance(batch, (tuple, list)) else (batch,) for batch in batches]
    tensors = [part[0] for part in parts if part]
    if not tensors or len(tensors) < len(parts):
        raise SettingError("There are no images; give at least one batch.")
    for each in tensors:
        if not isinstance(each, Tensor) or each.ndim != 4 or each.shape[1:] != tensors[0].shape[1:]:
            shape = tuple(each.shape) if isinstance(each, Tensor) else f"a {type(each).__name__}"
            raise SettingError(
                f"A batch of images is {shape}; give tensors [n, channels, height, width], all of one size."
            )
    shown = torch.cat(tensors)
    if not len(shown) or not shown.is_floating_point() or not shown.isfinite().all():
        raise SettingError(
            f"There are {len(shown)} images of {shown.dtype}; give at least one, prepared as the network reads them: "
            "floating point numbers, all of them finite."
        )
    labelled = [part[1] for part in parts if len(part) > 1]
    return shown, torch.cat([torch.as_tensor(each) for each in labelled]) if len(labelled) == len(parts) else None


@torch.no_grad()
def _check_reads(model: nn.Module, data: Split, needs_labels: bool) -> None:
    """Refuse images that the network cannot read, and labels that it has no output for."""
    try:
        with evaluating(model), left_alone(model):
            answer = model(data.images[:1])
    except Exception as problem:  # whatever somebody's forward method raises
        words = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        shape = "×".join(map(str, data.images.shape[1:]))
        raise ModelError(
            f"The network cannot read images of {shape} ({words}); give images of the size it was made for."
        ) from problem
    if not needs_labels:
        return
    if not isinstance(answer, Tensor) or answer.ndim != 2:
        raise ModelError("This pruner needs class scores; the network must return one tensor [n, classes].")
    if not 0 <= int(data.labels.min()) <= int(data.labels.max()) < answer.shape[1]:
        raise SettingError(
            f"The labels go from {int(data.labels.min())} to {int(data.labels.max())} and the network has "
            f"{answer.shape[1]} outputs; number the classes from 0."
        )

"""Checks that a file holds exactly an architecture's tensors, and returns them."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mipp_core.checkpoints.stored import Stored, shown
from mipp_core.errors import ModelError
from mipp_core.models import Architecture

_LISTED = 3
"""Most names listed in a message."""

_COUNT = ".num_batches_tracked"
"""How many batches a normalisation has seen: files from before PyTorch 0.4.1 lack it, and only training reads it."""

_FLOATING = {torch.float64, torch.float32, torch.float16, torch.bfloat16}
_WHOLE = {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8}


def expected(architecture: Architecture) -> dict[str, Tensor]:
    """Return the tensors of an architecture's state dict, for their names, shapes and types only."""
    return dict(architecture.sketch().state_dict())


def load(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load weights into a network, marked with its own version, which torchvision's MNASNet checks.

    Raises:
        RuntimeError: they do not fit.
    """
    state = model.state_dict()  # which knows the version
    state.clear()
    state.update(tensors)
    model.load_state_dict(state)


def is_count(name: str) -> bool:
    """Tell whether a name is that of a normalisation's count of batches: a file may lack it, or have it averaged."""
    return name.endswith(_COUNT)


def fitted(stored: dict[str, Stored], wanted: dict[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """Return the tensors, each in the architecture's type; counts of batches that are missing are 0.

    Raises:
        ModelError: tensors are missing, unknown, of another shape or type, or not finite; says which.
    """
    problems = [words for names, words in _problems(stored, wanted) if names]
    if problems:
        raise _misfit(architecture, problems)
    tensors = {
        name: stored[name].read().to(ghost.dtype) if name in stored else torch.zeros(ghost.shape, dtype=ghost.dtype)
        for name, ghost in wanted.items()
    }
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise _misfit(architecture, [f"{_listed(broken)} holds values that are not finite"])
    return tensors


def _problems(stored: dict[str, Stored], wanted: dict[str, Tensor]) -> list[tuple[list[str], str]]:
    """Return each kind of problem: the names it concerns, and the words for it."""
    both = [name for name in wanted if name in stored]
    missing = [name for name in wanted if name not in stored and not is_count(name)]
    extra = [name for name in stored if name not in wanted]
    shapes = [name for name in both if stored[name].shape != wanted[name].shape]
    types = [name for name in both if not is_alike(stored[name].dtype, wanted[name].dtype) and not is_count(name)]
    return [
        (missing, f"it lacks {_listed(missing)}"),
        (extra, f"it has {_listed(extra)}, which the network does not have"),
        (shapes, ", ".join(_other_shape(name, stored, wanted) for name in shapes[:_LISTED]) + _more(shapes)),
        (types, f"{_listed(types)} has the wrong type of number"),
    ]


def is_alike(dtype: torch.dtype, wanted: torch.dtype) -> bool:
    """Tell whether both are floating-point, or both whole numbers."""
    return any(dtype in kind and wanted in kind for kind in (_FLOATING, _WHOLE)) or dtype == wanted


def _other_shape(name: str, stored: dict[str, Stored], wanted: dict[str, Tensor]) -> str:
    return f"{shown(name)} is {_by(stored[name].shape)} instead of {_by(wanted[name].shape)}"


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"


def _listed(names: list[str]) -> str:
    return ", ".join(shown(name) for name in names[:_LISTED]) + _more(names)


def _more(names: list[str]) -> str:
    return f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""


def _misfit(architecture: Architecture, problems: list[str]) -> ModelError:
    widths = ", ".join(map(str, architecture.widths))
    return ModelError(
        f"The file does not hold the weights of {architecture.family} ({widths}): {'; '.join(problems)}; choose the "
        "network they belong to, or upload another file."
    )

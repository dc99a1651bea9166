"""The small network that the malformed files are about."""

import io
from typing import Any

import torch
from torch import Tensor

from mipp_core.models import architecture


def saved(value: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def state(**changes: Tensor | None) -> dict[str, Tensor]:
    """The small network's state dict, changed; double underscores stand for dots, None takes a tensor away."""
    changed = {name.replace("__", "."): tensor for name, tensor in changes.items()}
    whole = {**architecture("mlp", (1, 4, 4), 3, (8, 6)).build(seed=5).state_dict(), **changed}
    return {name: tensor for name, tensor in whole.items() if tensor is not None}


def nested(depth: int) -> dict[str, Any]:
    """The state dict inside as many dictionaries."""
    return state() if depth == 0 else {"model": nested(depth - 1)}

"""What a network is worth: accuracy; and what it costs: parameters and multiply-accumulates."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import nn

from mipp_core.data.dataset import Split
from mipp_core.memory import halving


@torch.no_grad()
def accuracy(model: nn.Module, data: Split, batch_size: int = 2000) -> float:
    """Return the share of samples classified rightly, in [0, 1]; one synchronisation with the device."""
    return halving(lambda size: _right(model, data, size).item(), batch_size, "test images") / len(data)


def _right(model: nn.Module, data: Split, batch_size: int) -> torch.Tensor:
    """Count the samples classified rightly."""
    right = torch.zeros((), dtype=torch.int64, device=data.labels.device)
    with evaluating(model):
        for start in range(0, len(data), batch_size):
            batch = slice(start, start + batch_size)
            right += (model(data.images[batch]).argmax(1) == data.labels[batch]).sum()
    return right


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a network in evaluation mode for a while; afterwards every module's flag is as it was."""
    flags = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, flag in flags.items():
            module.training = flag


def parameters(model: nn.Module) -> int:
    """Return the number of weights and biases."""
    return sum(parameter.numel() for parameter in model.parameters())


def macs(model: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Return the multiply-accumulates of convolutions and linear layers for one image.

    Biases, activations and pooling are not counted, as is the custom.  Runs a copy of shapes only (meta device).
    """
    counted: list[int] = []

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        counted.append(output[0].numel() * module.weight[0].numel())

    ghost = _on_meta(model)
    for module in ghost.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    ghost(torch.empty(1, *image_shape, device="meta", dtype=next(ghost.parameters()).dtype))
    return sum(counted)


def _on_meta(model: nn.Module) -> nn.Module:
    """Copy a network's shapes without its numbers."""
    with torch.device("meta"):
        return deepcopy(model).to("meta").eval()


def chance(data: Split) -> float:
    """Return the accuracy of always naming the most common class."""
    return torch.bincount(data.labels).max().item() / len(data)


def is_untrainable(retrained_accuracy: float, data: Split) -> bool:
    """Tell whether a retrained network is no better than chance, within three standard errors."""
    guess = chance(data)
    return retrained_accuracy <= guess + 3 * (guess * (1 - guess) / len(data)) ** 0.5

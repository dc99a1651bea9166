"""What a network is worth: accuracy; and what it costs: parameters and multiply-accumulates."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from math import prod
from typing import Any

import torch
from torch import nn

from mipp_core.data.dataset import Samples, View, whole
from mipp_core.memory import halving

_AT_ONCE = 2000  # images: enough for an accelerator to be busy
_NUMBERS = 40_000_000  # of one batch: 160 MB, which limits how many large images are taken at once
_NUMBERS_ON_CPU = 150_000  # of one batch: 48 images of CIFAR-10
_FEWEST_ON_CPU = 8  # images, however large: a layer's weights are read once per batch

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
COUNTED = (*_CONVOLUTIONS, *_TRANSPOSED, nn.Linear, nn.MultiheadAttention, nn.RNNBase)
"""Modules whose multiply-accumulates are counted; attention's and recurrent layers' are run with one image."""


@torch.no_grad()
def accuracy(model: nn.Module, data: Samples, batch_size: int | None = None, view: View = whole) -> float:
    """Return the share of samples classified correctly, in [0, 1]; synchronises once with the device.

    Args:
        model: the network; its training flags are restored.
        data: in memory or streamed, given on the network's device.
        batch_size: images at once; by default see ``at_once``.  It changes nothing but the time.
        view: what the network is shown of each batch.

    Raises:
        DataError: a file cannot be read.
    """
    size = batch_size or at_once(data.image_shape, data.labels.device, _AT_ONCE)
    return halving(lambda fewer: _right(model, data, fewer, view).item(), size, "test images") / len(data)


def at_once(shape: Sequence[int], device: torch.device, most: int) -> int:
    """Return how many images a network should be shown at once, at least 1; the same on every machine.

    On a CPU these are few.  What their layers give then stays in the processor's cache, and in memory that the process
    keeps; larger tensors are given back to the system and asked for again at every layer, page by page.

    Args:
        shape: of one image.
        device: where the network is.
        most: for small images on an accelerator.
    """
    numbers = max(1, prod(shape))
    if device.type == "cpu":
        return min(most, max(_FEWEST_ON_CPU, _NUMBERS_ON_CPU // numbers))
    return max(1, min(most, _NUMBERS // numbers))


def _right(model: nn.Module, data: Samples, batch_size: int, view: View) -> torch.Tensor:
    """Count the samples classified correctly."""
    right = torch.zeros((), dtype=torch.int64, device=data.labels.device)
    with evaluating(model), quick_pools(model):
        for images, labels in data.batches(batch_size):
            right += (model(view(images)).argmax(1) == labels).sum()
    return right


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a network in evaluation mode within the block; afterwards restore every module's flag."""
    flags = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, flag in flags.items():
            module.training = flag


@contextmanager
def quick_pools(model: nn.Module) -> Iterator[None]:
    """Within the block, compute maxima over squares of 2x2 on a CPU row by row, which gives the same numbers.

    PyTorch's own loop looks at one square at a time and notes where its maximum is, for gradients: here, without any,
    that takes ten times as long, and nearly half of all the time that LeNet5 takes.
    """
    pools = [module for module in model.modules() if type(module) is nn.MaxPool2d and _is_by_two(module)]
    for pool in pools:
        pool.forward = partial(_pooled, pool)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for pool in pools:
            del pool.forward


def _is_by_two(pool: nn.MaxPool2d) -> bool:
    """Tell whether a pool takes the maximum of each 2x2 square and leaves an odd last row and column out."""
    sizes = (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
    same = all(given in (wanted, (wanted, wanted)) for given, wanted in zip(sizes, (2, 2, 0, 1), strict=True))
    return same and not pool.ceil_mode and not pool.return_indices


def _pooled(pool: nn.MaxPool2d, maps: torch.Tensor) -> torch.Tensor:
    if maps.device.type != "cpu" or torch.is_grad_enabled():
        return nn.MaxPool2d.forward(pool, maps)
    high, wide = (size // 2 * 2 for size in maps.shape[-2:])
    rows = torch.maximum(maps[..., :high:2, :wide], maps[..., 1:high:2, :wide])
    return torch.maximum(rows[..., ::2], rows[..., 1::2])


@contextmanager
def left_alone(model: nn.Module) -> Iterator[None]:
    """Afterwards put back the buffers that running a network changed within the block, such as a counter of its own."""
    before = [(buffer, buffer._version, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, version, content in before:
                if buffer._version != version:
                    buffer.copy_(content)


def parameters(model: nn.Module) -> int:
    """Return the number of weights and biases."""
    return sum(parameter.numel() for parameter in model.parameters())


def macs(model: nn.Module, image_shape: tuple[int, ...]) -> int:
    """Return the multiply-accumulates of a network's weights for one image.

    These are the weights of convolutions, linear layers, attention's projections and recurrent layers.  Biases,
    activations, pooling and products of activations are not counted, as usual.
    """
    times = uses(model, image_shape)
    return sum(matrices(model.get_submodule(name)) * count for name, count in times.items())


def uses(model: nn.Module, image_shape: tuple[int, ...]) -> dict[str, int]:
    """Return, for every module that multiplies, how often each of its weights is used for one image.

    A copy runs that has shapes but no data; one with data where an operation needs that to tell its result's shape.
    """
    try:
        return _uses(on_meta(model), image_shape)
    except NotImplementedError:
        return _uses(deepcopy(model).eval(), image_shape)


def _uses(model: nn.Module, image_shape: tuple[int, ...]) -> dict[str, int]:
    names: dict[nn.Module, str] = {
        module: name for name, module in model.named_modules() if isinstance(module, COUNTED)
    }
    found: dict[str, int] = {}

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: Any) -> None:
        found[names[module]] = found.get(names[module], 0) + _places(module, inputs, output)

    like = next(model.parameters())
    handles = [module.register_forward_hook(count) for module in names]
    try:
        model(torch.zeros(1, *image_shape, device=like.device, dtype=like.dtype))
    finally:
        for handle in handles:
            handle.remove()
    return found


def matrices(module: nn.Module) -> int:
    """Return how many weights multiply, biases apart."""
    weight = getattr(module, "weight", None)
    own = [weight] if isinstance(weight, torch.Tensor) else module.parameters()
    return sum(weights.numel() for weights in own if weights.ndim > 1)


def _places(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: Any) -> int:
    """Return how often each of a counted module's weights is used for one image: at how many places of a map."""
    if isinstance(module, _TRANSPOSED):
        return inputs[0][0].numel() // module.in_channels
    answer: torch.Tensor = output[0] if isinstance(output, tuple) else output
    if isinstance(module, _CONVOLUTIONS):
        return answer[0].numel() // module.out_channels
    return answer.numel() // (answer.shape[-1] * len(inputs[0]) if isinstance(module, nn.Linear) else answer.shape[-1])


def on_meta(model: nn.Module) -> nn.Module:
    """Copy a network's shapes without its data."""
    with torch.device("meta"):
        return deepcopy(model).to("meta").eval()


def chance(data: Samples) -> float:
    """Return the accuracy of always naming the most common class."""
    return torch.bincount(data.labels).max().item() / len(data)


def is_untrainable(retrained_accuracy: float, data: Samples) -> bool:
    """Tell whether a retrained network is no better than chance, within three standard errors."""
    guess = chance(data)
    return retrained_accuracy <= guess + 3 * (guess * (1 - guess) / len(data)) ** 0.5

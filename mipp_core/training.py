"""One training loop for every network and every dataset."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.augmentation import Augmentation, mixed
from mipp_core.data.dataset import Batch, Samples, View, whole
from mipp_core.errors import ModelError
from mipp_core.evaluation import macs
from mipp_core.network.layers import device_of
from mipp_core.network.operations import BATCH_NORMS
from mipp_core.recipes import RECIPES, Recipe, recipe
from mipp_core.vocabulary import Progress, Report, silent

__all__ = ["RECIPES", "Recipe", "recipe", "reinitialised", "train"]

_SHORT = 100_000_000
"""Multiply-accumulates of a step's forward pass that one thread takes: five times those of LeNet5 on 50 images."""


def reinitialised(model: nn.Module, seed: int) -> nn.Module:
    """Return a copy of a network with fresh weights from PyTorch's default initialisation, the same for the same seed.

    The global random state is left as it was.
    """
    device, copy = device_of(model), deepcopy(model).cpu()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for module in copy.modules():
            reset = getattr(module, "reset_parameters", None)
            if reset is not None:
                reset()
    return copy.to(device)


def train(
    model: nn.Module,
    data: Samples,
    how: Recipe,
    *,
    seed: int = 0,
    report: Report = silent,
    stage: str = "Training",
    view: View = whole,
) -> None:
    """Train a network in place on the device its weights are on.

    Args:
        model: the network; left in evaluation mode.
        data: the training split, in memory or streamed, given on the same device.
        how: the recipe.
        seed: sets the order of the samples and their augmentation; the same seed gives the same weights on the same
            device.
        report: called every 50 steps; may raise ``CancelledError``.
        stage: the words of the report.
        view: what the network is shown of each batch; applied after augmentation, so that removed pixels do not move.

    Raises:
        SettingError: the recipe crops random parts of image files, but the images are in memory.
        DataError: a file cannot be read.
        ModelError: every parameter is frozen, or the network does not return class scores in training.
    """
    if how.epochs and not any(parameter.requires_grad for parameter in model.parameters()):
        raise ModelError(
            "Every parameter of the network is frozen, so that it cannot be trained; set requires_grad on some of "
            "them, or choose a recipe of 0 epochs."
        )
    optimiser = torch.optim.SGD(
        model.parameters(), how.learning_rate, how.momentum, weight_decay=how.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, how.milestones)
    generator = torch.Generator().manual_seed(seed)
    steps, scales = -(-len(data) // how.batch_size), _scales(model) if how.scale_penalty else []
    model.train()
    try:
        with _few_threads(model, how.batch_size, data):
            for epoch in range(how.epochs):
                order = torch.randperm(len(data), generator=generator).to(device_of(model))
                batches = _shown(data, how.augmentation, generator).batches(how.batch_size, order)
                for step, batch in enumerate(batches):
                    if step % 50 == 0:
                        report(Progress(stage, (epoch + step / steps) / how.epochs))
                    optimiser.zero_grad()
                    _loss(model, batch, how.augmentation, generator, view).backward()
                    _penalise(scales, how.scale_penalty)
                    optimiser.step()
                schedule.step()
    finally:
        model.eval()


@contextmanager
def _few_threads(model: nn.Module, batch_size: int, data: Samples) -> Iterator[None]:
    """Within the block, take one thread of the processor if a step is short.

    Each of its operations would end with one thread waiting for the others: longer than they save, and on a busy
    machine a hundred times as long.
    """
    is_short = device_of(model).type == "cpu" and batch_size * macs(model, data.image_shape) < _SHORT
    with one_thread() if is_short else nullcontext():
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block, take one thread of the processor."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _scales(model: nn.Module) -> list[nn.Parameter]:
    """Return the scales of all batch normalisations that have any."""
    norms = [module for module in model.modules() if isinstance(module, BATCH_NORMS)]
    return [norm.weight for norm in norms if norm.weight is not None]


@torch.no_grad()
def _penalise(scales: list[nn.Parameter], penalty: float) -> None:
    """Add the gradient of an L1 penalty, which is taken as 0 where the scale is 0."""
    for scale in scales:
        if scale.grad is not None:
            scale.grad.add_(scale.sign(), alpha=penalty)


def _shown(data: Samples, augmentation: Augmentation | None, generator: torch.Generator) -> Samples:
    """Return the samples that an epoch reads."""
    crops = augmentation is not None and augmentation.resized_crop
    return data.randomly_cropped(generator) if crops else data


def _loss(
    model: nn.Module, batch: Batch, augmentation: Augmentation | None, generator: torch.Generator, view: View
) -> Float[Tensor, ""]:
    """Return the mean cross-entropy, in nats, of an augmented batch."""
    images, labels = batch
    if augmentation is not None:
        images = augmentation.apply(images, generator)
    if augmentation is None or not augmentation.mixup:
        return functional.cross_entropy(_scores(model, view(images)), labels)
    mixture = mixed(images, generator)
    logits = _scores(model, view(mixture.images))
    own, other = (functional.cross_entropy(logits, wanted) for wanted in (labels, labels[mixture.partner]))
    return mixture.share * own + (1 - mixture.share) * other


def _scores(model: nn.Module, images: Tensor) -> Float[Tensor, "n classes"]:
    """Return the network's class scores, and nothing else."""
    answer = model(images)
    if not isinstance(answer, Tensor) or answer.ndim != 2:
        found = f"a tensor of {answer.ndim} dimensions" if isinstance(answer, Tensor) else f"a {type(answer).__name__}"
        raise ModelError(
            f"In training, the network returns {found}; it must return one tensor [images, classes]. Turn its "
            "auxiliary outputs off, or train it yourself and give its weights."
        )
    return answer

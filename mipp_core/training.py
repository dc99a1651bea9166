"""One training loop for every network; recipes are data."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.layers import device_of
from mipp_core.vocabulary import Progress, Report, silent


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: SGD with momentum, weight decay and a learning rate divided by 10 at milestones.

    Attributes:
        epochs: passes over the training split, at least 0; 0 leaves the weights as they are.
        learning_rate: at the start.
        milestones: epochs after which the learning rate is divided by 10.
        batch_size: samples per step.
        momentum: of SGD.
        weight_decay: of SGD.
    """

    epochs: int
    learning_rate: float = 1e-2
    milestones: tuple[int, ...] = ()
    batch_size: int = 100
    momentum: float = 0.9
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.batch_size < 1 or self.learning_rate <= 0:
            raise SettingError(
                f"A recipe of {self.epochs} epochs, batches of {self.batch_size}, learning rate {self.learning_rate} "
                "cannot run: give at least 0 epochs, batches of at least 1 and a positive learning rate."
            )


RECIPES: dict[str, Recipe] = {
    # Table 2 of the MIPP paper, MNIST column; training and retraining are the same there.
    "paper-mnist": Recipe(epochs=90, milestones=(30, 60)),
    # Half a minute on two laptop cores for all of MNIST: the shipped runs, where no GPU can be had.
    "short": Recipe(epochs=8, learning_rate=2e-2, milestones=(5, 7)),
    "short-retrain": Recipe(epochs=2, learning_rate=1e-2, milestones=(1,)),
    # A few seconds for the embedded sample: live runs.
    "live": Recipe(epochs=10, learning_rate=3e-2, milestones=(6, 9), batch_size=50),
    "live-retrain": Recipe(epochs=2, learning_rate=1e-2, milestones=(1,), batch_size=50),
    "none": Recipe(epochs=0),
}


def recipe(name: str) -> Recipe:
    """Look a recipe up by name.

    Raises:
        UnknownNameError: lists the known names.
    """
    if name not in RECIPES:
        raise UnknownNameError("recipe", name, RECIPES)
    return RECIPES[name]


def train(
    model: nn.Module,
    data: Split,
    how: Recipe,
    *,
    seed: int = 0,
    report: Report = silent,
    stage: str = "Training",
) -> None:
    """Train a network in place on the device its weights are on.

    Args:
        model: the network; left in evaluation mode.
        data: the training split, on the same device.
        how: the recipe.
        seed: of the order in which samples are seen; the same seed gives the same weights on the same device.
        report: told every 50 steps; may raise ``CancelledError``.
        stage: the words of the report.
    """
    optimiser = torch.optim.SGD(
        model.parameters(), how.learning_rate, how.momentum, weight_decay=how.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, how.milestones)
    generator = torch.Generator().manual_seed(seed)
    steps = -(-len(data) // how.batch_size)
    model.train()
    try:
        for epoch in range(how.epochs):
            order = torch.randperm(len(data), generator=generator).to(device_of(model))
            for step, index in enumerate(order.split(how.batch_size)):
                if step % 50 == 0:
                    report(Progress(stage, (epoch + step / steps) / how.epochs))
                optimiser.zero_grad()
                functional.cross_entropy(model(data.images[index]), data.labels[index]).backward()
                optimiser.step()
            schedule.step()
    finally:
        model.eval()

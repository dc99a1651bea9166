"""One epoch of training, beside the loop that every tutorial has: a Dataset of pictures, a DataLoader, an optimiser."""

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms.functional import to_pil_image

from benchmarks.side_by_side.rows import How, Row
from mipp_core import Augmentation, Recipe, architecture, train
from mipp_core.data import Split
from mipp_core.data.normalisation import Normalisation
from mipp_core.evaluation import accuracy

LENET5, RESNET20 = Recipe(1, 0.01, batch_size=50), Recipe(1, 0.1, batch_size=128, augmentation=Augmentation(4, True))


class Pictures(Dataset[tuple[Tensor, int]]):
    """Pictures as torchvision's datasets hand them out: decoded, changed and turned into numbers one at a time."""

    def __init__(self, stored: Tensor, labels: Tensor, steps: list[object]) -> None:
        self.stored, self.labels = [to_pil_image(image) for image in stored], labels.tolist()
        self.steps = transforms.Compose(steps)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        return self.steps(self.stored[place]), self.labels[place]


def plainly(model: nn.Module, pictures: Pictures, how: Recipe, device: torch.device) -> None:
    """Train for one epoch."""
    optimiser = torch.optim.SGD(model.parameters(), how.learning_rate, how.momentum, weight_decay=how.weight_decay)
    model.train()
    for images, labels in DataLoader(pictures, how.batch_size, shuffle=True):
        optimiser.zero_grad()
        functional.cross_entropy(model(images.to(device)), labels.to(device)).backward()
        optimiser.step()
    model.eval()


def measure(how: How) -> Iterator[Row]:
    """Time LeNet5 on grey and ResNet20 on coloured pictures: learnable ones, a bright square per class."""
    yield _row(how, "lenet5", (1, 28, 28), 60_000 if how.full else 8000, LENET5, Normalisation((0.0,), (1.0,)))
    middle = Normalisation((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    yield _row(how, "resnet20", (3, 32, 32), 50_000 if how.full else 2000, RESNET20, middle)


def _row(how: How, name: str, shape: tuple[int, int, int], count: int, recipe: Recipe, scale: Normalisation) -> Row:
    stored, labels = squares(count, shape)
    steps: list[object] = [transforms.ToTensor(), transforms.Normalize(scale.mean, scale.std)]
    if recipe.augmentation is not None:
        steps = [transforms.RandomCrop(shape[1], padding=4), transforms.RandomHorizontalFlip(), *steps]
    pictures = Pictures(stored, labels, steps)
    data = Split(scale.apply(stored.float() / 255).to(how.device), labels.to(how.device))
    dense = architecture(name, shape, 10).build().to(how.device)

    def ours() -> nn.Module:
        model = deepcopy(dense)
        train(model, data, recipe)
        return model

    def theirs() -> nn.Module:
        model = deepcopy(dense)
        plainly(model, pictures, recipe, how.device)
        return model

    mine, other, our, their = how.compare(ours, theirs)
    right = [f"{accuracy(model, data):.1%}" for model in (our, their) if isinstance(model, nn.Module)]
    same = f"afterwards {right[0]} and {right[1]} right"
    wanted = 5.0 if how.device.type == "cuda" else 1.5
    return Row(f"train {name}, one epoch of {count:,}", "DataLoader loop", mine, other, wanted, same)


def squares(count: int, shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Make pictures from a seed: noise, and a bright square whose place tells the class, one of ten."""
    generator = torch.Generator().manual_seed(0)
    stored = torch.randint(0, 120, (count, *shape), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 10, (count,), generator=generator)
    for label in range(10):
        top, left = 4 + 10 * (label // 4), 2 + 6 * (label % 4)
        own = labels == label
        stored[own, :, top : top + 6, left : left + 5] = 220
    return stored, labels

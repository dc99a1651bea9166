"""How networks are trained, as data."""

from dataclasses import dataclass
from typing import ClassVar

from mipp_core.augmentation import Augmentation
from mipp_core.errors import SettingError, UnknownNameError


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
        augmentation: random changes to every batch; None for none.
        scale_penalty: factor of the sum of the magnitudes of all batch normalisations' scales, which is added to the
            loss (Network Slimming, arXiv 1708.06519, Equation 1), at least 0.
    """

    revision: ClassVar[int] = 1
    """Raised when ``mipp_core.training`` gives another result for the same recipe."""

    epochs: int
    learning_rate: float = 1e-2
    milestones: tuple[int, ...] = ()
    batch_size: int = 100
    momentum: float = 0.9
    weight_decay: float = 1e-4
    augmentation: Augmentation | None = None
    scale_penalty: float = 0.0

    @property
    def revisions(self) -> dict[str, int]:
        """The revision of what training makes of a recipe."""
        return {"recipe": self.revision}

    def __post_init__(self) -> None:
        if not self.scale_penalty >= 0:
            raise SettingError(f"The penalty on scales is {self.scale_penalty}; it must be at least 0, as 1e-4.")
        if self.epochs < 0 or self.batch_size < 1 or self.learning_rate <= 0:
            raise SettingError(
                f"A recipe of {self.epochs} epochs, batches of {self.batch_size}, learning rate {self.learning_rate} "
                "cannot run: give at least 0 epochs, batches of at least 1 and a positive learning rate."
            )


_SHIFT = Augmentation(padding=2)
_CROP_FLIP = Augmentation(padding=4, flip=True)
_CIFAR100 = Augmentation(padding=4, flip=True, cutout=8, mixup=True)
_TINY_IMAGENET = Augmentation(padding=8, flip=True)
_IMAGENET = Augmentation(resized_crop=True, flip=True)


def _cifar(batch_size: int, augmentation: Augmentation) -> tuple[Recipe, Recipe]:
    """Training and retraining of Table 2's column CIFAR10/100."""
    return (
        Recipe(200, 1e-1, (100, 150), batch_size, weight_decay=5e-4, augmentation=augmentation),
        Recipe(120, 1e-2, (60, 90), batch_size, weight_decay=5e-4, augmentation=augmentation),
    )


_CIFAR10_TRAIN, _CIFAR10_RETRAIN = _cifar(128, _CROP_FLIP)
_CIFAR100_TRAIN, _CIFAR100_RETRAIN = _cifar(256, _CIFAR100)
_TINY_TRAIN, _TINY_RETRAIN = _cifar(256, _TINY_IMAGENET)

RECIPES: dict[str, Recipe] = {
    # Table 2 of the MIPP paper, MNIST column; training and retraining are the same there.
    "paper-mnist": Recipe(epochs=90, milestones=(30, 60)),
    # Table 2, CIFAR10/100 column: "Batches: CIFAR10: 128, others: 256".  Sizes of padding (He et al. 2016) and cutout
    # (DeVries and Taylor, for CIFAR-100) and the share of mixup (Zhang et al.) are those of the papers; retraining is
    # augmented as training, on which the paper is silent.
    "paper-cifar10": _CIFAR10_TRAIN,
    "paper-cifar10-retrain": _CIFAR10_RETRAIN,
    "paper-cifar100": _CIFAR100_TRAIN,
    "paper-cifar100-retrain": _CIFAR100_RETRAIN,
    # Not in Table 2; only the paper's later version has TinyImageNet.  CIFAR-100's schedule, CIFAR-10's augmentation
    # with a padding of the same share of the image's side.
    "paper-tiny-imagenet": _TINY_TRAIN,
    "paper-tiny-imagenet-retrain": _TINY_RETRAIN,
    # Table 2, ImageNet column; it is silent on augmentation: random resized crops and flips, as is usual.
    "paper-imagenet": Recipe(90, 1e-1, (30, 60), 1024, augmentation=_IMAGENET),
    "paper-imagenet-retrain": Recipe(75, 1e-2, (30, 60), 1024, augmentation=_IMAGENET),
    # Half a minute on two laptop cores for all of MNIST: the shipped runs, made without a GPU.
    "short": Recipe(epochs=8, learning_rate=2e-2, milestones=(5, 7)),
    "short-retrain": Recipe(epochs=2, learning_rate=1e-2, milestones=(1,)),
    # A few seconds for the embedded sample: live runs.
    "live": Recipe(epochs=10, learning_rate=3e-2, milestones=(6, 9), batch_size=50),
    "live-retrain": Recipe(epochs=2, learning_rate=1e-2, milestones=(1,), batch_size=50),
    # Photographs of 32×32 in a tenth of the paper's epochs.
    "live-cifar": Recipe(20, 5e-2, (12, 17), 128, weight_decay=5e-4, augmentation=_CROP_FLIP),
    "live-cifar-retrain": Recipe(4, 1e-2, (3,), 128, weight_decay=5e-4, augmentation=_CROP_FLIP),
    # Images of a user's own, of which nothing is known: moved by a few pixels, never flipped, since letters and organs
    # must not be.  Fewer than 2,000 training images need more epochs of smaller batches.
    "own": Recipe(20, 2e-2, (12, 17), 64, weight_decay=5e-4, augmentation=_SHIFT),
    "own-retrain": Recipe(4, 1e-2, (3,), 64, weight_decay=5e-4, augmentation=_SHIFT),
    "own-few": Recipe(60, 1e-2, (40, 54), 16, weight_decay=5e-4, augmentation=_SHIFT),
    "own-few-retrain": Recipe(15, 5e-3, (10,), 16, weight_decay=5e-4, augmentation=_SHIFT),
    # Liu et al., 4.2, on CIFAR: VGG's penalty (1e-5 for ResNet and DenseNet); without Nesterov's momentum and without
    # starting all scales at 0.5, as theirs do.
    "slimming-cifar": Recipe(160, 1e-1, (80, 120), 64, augmentation=_CROP_FLIP, scale_penalty=1e-4),
    # He et al. (arXiv 1512.03385), 4.2: 64,000 steps of batches of 128, the rate divided after 32,000 and 48,000.
    "resnet-cifar": Recipe(164, 1e-1, (82, 123), 128, augmentation=_CROP_FLIP),
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


@dataclass(frozen=True)
class Recommended:
    """The recipes that suit a dataset, by their names in ``RECIPES``.

    Pruned networks are retrained by the recipe with ``-retrain`` after the name, or by the same where there is none.

    Attributes:
        live: the shortest that suffices, for a user who waits.
        paper: of the MIPP paper; None for a dataset without a counterpart there.

    Raises:
        UnknownNameError: a name is not in ``RECIPES``.
    """

    live: str
    paper: str | None = None

    def __post_init__(self) -> None:
        for name in (self.live, self.paper):
            if name is not None:
                recipe(name)

    def live_pair(self) -> tuple[Recipe, Recipe]:
        """Return how networks are trained live, and how pruned ones are retrained."""
        return _pair(self.live)

    def paper_epochs(self) -> tuple[int, int] | None:
        """Return the paper's epochs of training and of retraining."""
        if self.paper is None:
            return None
        first, again = _pair(self.paper)
        return first.epochs, again.epochs


def _pair(name: str) -> tuple[Recipe, Recipe]:
    return RECIPES[name], RECIPES.get(f"{name}-retrain", RECIPES[name])

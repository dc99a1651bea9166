"""ImageNet (ILSVRC 2012): 1.3 million photographs of a thousand kinds of things, streamed from their files.

Network inputs are normalised as for torchvision's pretrained weights, and classes have the same order: the class
folders' names in alphabetical order.  Pictures are resized to a shorter side of 256 pixels, and the middle 224×224 are
shown; recipes may use a random part for training.  Not tested on the real images: the tests use small files in the same
layout.
"""

from collections.abc import Sequence
from typing import overload

from mipp_core.data.card import DatasetCard
from mipp_core.data.decoding import Crop
from mipp_core.data.folder_family import FolderFamily
from mipp_core.data.normalisation import Normalisation
from mipp_core.recipes import Recommended

NORMALISATION = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""Channel means and standard deviations as torchvision's pretrained weights expect them."""

FAMILY = FolderFamily(
    name="imagenet",
    folder="imagenet",
    classes=1000,
    train_size=1_281_167,
    test_size=50_000,
    crop=Crop(shorter=256, side=224),
    obtain=(
        "ask for access at image-net.org and unpack the archives of ILSVRC 2012 with torchvision.datasets.ImageNet, "
        "one folder per class"
    ),
)


class Categories(Sequence[str]):
    """The names of the classes, which torchvision knows; it costs a second, which only those who read them pay."""

    def __len__(self) -> int:
        return FAMILY.classes

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        """Return the name of a class, or several."""
        from torchvision.models import ResNet50_Weights

        return ResNet50_Weights.IMAGENET1K_V1.meta["categories"][place]


CARD = DatasetCard(
    name="imagenet",
    description="Photographs of a thousand kinds of things, 1.3 million images, cut to 224×224; streamed.",
    classes=Categories(),
    image_shape=(3, FAMILY.crop.side, FAMILY.crop.side),
    train_size=FAMILY.train_size,
    test_size=FAMILY.test_size,
    download=None,
    normalisation=NORMALISATION,
    load=FAMILY.load,
    recipes=Recommended(live="live-cifar", paper="paper-imagenet"),
    licence="non-commercial research, by agreement",
    source="image-net.org; put train/ and val/ into imagenet/ in the data folder",
)

"""CIFAR-10: small colour photographs of ten kinds of things.

Network inputs are normalised by the mean and the standard deviation of each channel over the training images, as is
usual.  A removed pixel, which the keep-mask multiplies by 0, then has the data's mean colour.
"""

from mipp_core.data.card import DatasetCard
from mipp_core.data.cifar_family import IMAGE_SHAPE, TEST_SIZE, TRAIN_SIZE, CifarFamily
from mipp_core.data.normalisation import Normalisation
from mipp_core.recipes import Recommended

FAMILY = CifarFamily("cifar10", "CIFAR10")

CARD = DatasetCard(
    name="cifar10",
    description="Photographs of ten kinds of things, 60,000 colour images of 32×32.",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    image_shape=IMAGE_SHAPE,
    train_size=TRAIN_SIZE,
    test_size=TEST_SIZE,
    download="about 170 MB",
    normalisation=Normalisation(mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)),
    load=FAMILY.load,
    recipes=Recommended(live="live-cifar", paper="paper-cifar10"),
    licence="none stated; cite Krizhevsky 2009",
    source="www.cs.toronto.edu/~kriz/cifar.html",
)

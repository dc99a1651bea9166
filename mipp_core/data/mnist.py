"""MNIST: handwritten digits."""

from mipp_core.data.card import DatasetCard
from mipp_core.data.mnist_family import SIDE, MnistFamily, Part
from mipp_core.data.normalisation import Normalisation
from mipp_core.recipes import Recommended

FAMILY = MnistFamily(
    name="mnist",
    kind="MNIST",
    train=Part("train", 60_000, "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b"),
    test=Part("test", 10_000, "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b"),
)

CARD = DatasetCard(
    name="mnist",
    description="Handwritten digits, all 70,000 grey images of 28×28.",
    classes=tuple("0123456789"),
    image_shape=(1, SIDE, SIDE),
    train_size=FAMILY.train.size,
    test_size=FAMILY.test.size,
    download="about 12 MB",
    normalisation=Normalisation(mean=(0.0,), std=(1.0,)),
    load=FAMILY.load,
    recipes=Recommended(live="short", paper="paper-mnist"),
    licence="CC BY-SA 3.0",
    source="yann.lecun.com/exdb/mnist",
)

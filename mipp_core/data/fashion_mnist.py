"""Fashion-MNIST: pictures of clothes in the format of MNIST, and harder to tell apart."""

from mipp_core.data.card import DatasetCard
from mipp_core.data.mnist_family import SIDE, MnistFamily, Part
from mipp_core.data.normalisation import Normalisation
from mipp_core.recipes import Recommended

FAMILY = MnistFamily(
    name="fashion-mnist",
    kind="FashionMNIST",
    train=Part("train", 60_000, "16d82e2b505296aa2b78bd5ea0992634f30419a4c97def7c907d154a35ac6157"),
    test=Part("test", 10_000, "9f1ec356a747bfe4ebab3cfb722d3694c9ca737e2570f6f90cf31d7b6fd689d4"),
)

CARD = DatasetCard(
    name="fashion-mnist",
    description="Pictures of clothes, 70,000 grey images of 28×28.",
    classes=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    image_shape=(1, SIDE, SIDE),
    train_size=FAMILY.train.size,
    test_size=FAMILY.test.size,
    download="about 31 MB",
    normalisation=Normalisation(mean=(0.0,), std=(1.0,)),
    load=FAMILY.load,
    recipes=Recommended(live="short", paper="paper-mnist"),
    licence="MIT",
    source="github.com/zalandoresearch/fashion-mnist",
)

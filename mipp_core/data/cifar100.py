"""CIFAR-100: small colour photographs of a hundred kinds of things, 500 training images each.

Normalised like CIFAR-10, by its own means and standard deviations.
"""

from mipp_core.data.card import DatasetCard
from mipp_core.data.cifar_family import IMAGE_SHAPE, TEST_SIZE, TRAIN_SIZE, CifarFamily
from mipp_core.data.normalisation import Normalisation
from mipp_core.recipes import Recommended

FAMILY = CifarFamily("cifar100", "CIFAR100")

CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""

CARD = DatasetCard(
    name="cifar100",
    description="Photographs of a hundred kinds of things, 60,000 colour images of 32×32.",
    classes=tuple(CLASSES.split()),
    image_shape=IMAGE_SHAPE,
    train_size=TRAIN_SIZE,
    test_size=TEST_SIZE,
    download="about 169 MB",
    normalisation=Normalisation(mean=(0.5071, 0.4865, 0.4409), std=(0.2673, 0.2564, 0.2762)),
    load=FAMILY.load,
    recipes=Recommended(live="live-cifar", paper="paper-cifar100"),
    licence="none stated; cite Krizhevsky 2009",
    source="www.cs.toronto.edu/~kriz/cifar.html",
)

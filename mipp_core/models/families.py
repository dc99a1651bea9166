"""The registry of model families.  To add one, write a file and add a line here."""

from mipp_core.models.cifar_resnet import cifar_resnet
from mipp_core.models.family import Family
from mipp_core.models.from_torchvision import torchvision_family
from mipp_core.models.lenet5 import LENET5
from mipp_core.models.mlp import MLP
from mipp_core.models.resnet import resnet
from mipp_core.models.vgg import vgg

MODELS: dict[str, Family] = {
    "lenet5": LENET5,
    "mlp": MLP,
    "vgg11": vgg(11),
    "vgg16": vgg(16),
    "vgg19": vgg(19),
    "resnet18": resnet(18),
    "resnet34": resnet(34),
    "resnet50": resnet(50),
    "resnet20": cifar_resnet(20),
    "resnet32": cifar_resnet(32),
    "resnet56": cifar_resnet(56),
    "torchvision:resnet50": torchvision_family("resnet50"),
    "torchvision:vgg16": torchvision_family("vgg16"),
}
"""Families by name; any other torchvision network is available as ``torchvision:NAME``."""

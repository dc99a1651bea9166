"""What every entry of the registry of models promises."""

from collections.abc import Callable

import pytest
import torch

from mipp_core.evaluation import macs, parameters
from mipp_core.models import MODELS, Architecture, architecture, family
from mipp_core.network.layers import wiring_of

Make = Callable[[str], Architecture]

OWN = [name for name, card in MODELS.items() if card.widths]
"""Families with widths; the others, torchvision's, have fixed sizes."""

SHAPES = {"lenet5": (1, 28, 28), "mlp": (1, 28, 28)}
COUNTS = {
    # (parameters, MACs of one image, prunable layers, units).  LeNet5 and LeNet-300-100 for MNIST, by hand; VGG and
    # ResNet for CIFAR-10 as in the field's usual implementation (parameters; MACs by its counters, without those of
    # normalisations); ResNet20, 32 and 56 as in He et al., Table 6 (0.27M, 0.46M and 0.85M parameters); torchvision's
    # as its documentation gives them (it calls 4.09 and 15.47 GMACs GFLOPS).
    "lenet5": (61_706, 416_520, 4, 226),
    "mlp": (266_610, 266_200, 2, 400),
    "vgg11": (9_231_114, 152_769_536, 8, 2752),
    "vgg16": (14_728_266, 313_201_664, 13, 4224),
    "vgg19": (20_040_522, 398_136_320, 16, 5504),
    "resnet18": (11_173_962, 555_422_720, 17, 3904),
    "resnet34": (21_282_122, 1_159_402_496, 33, 7616),
    "resnet50": (23_520_842, 1_297_829_888, 49, 22_720),
    "resnet20": (269_722, 40_551_040, 19, 688),
    "resnet32": (464_154, 68_862_592, 31, 1136),
    "resnet56": (853_018, 125_485_696, 55, 2032),
    "torchvision:resnet50": (25_557_032, 4_089_184_256, 49, 22_720),
    "torchvision:vgg16": (138_357_544, 15_470_264_320, 15, 12_416),
}


@pytest.mark.parametrize("name", COUNTS)
def test_it_is_as_large_as_published(name: str):
    shape = SHAPES.get(name, (3, 224, 224) if name.startswith("torchvision") else (3, 32, 32))
    found = architecture(name, shape, 1000 if name.startswith("torchvision") else 10)
    with torch.device("meta"):
        model = found.build()
    layers = wiring_of(model).layers
    assert (parameters(model), macs(model, shape), len(layers), sum(layer.units for layer in layers)) == COUNTS[name]


@pytest.mark.parametrize("name", OWN)
def test_its_card_names_every_width(name: str):
    card = MODELS[name]
    assert len(card.width_names) == len(set(card.width_names)) == len(card.widths)
    assert len(card.description) > 10


@pytest.mark.parametrize("name", OWN)
def test_every_width_is_the_width_of_what_its_name_says(name: str, small_architecture: Make):
    found = small_architecture(name)
    more = {width: 2 * place + 3 for place, width in enumerate(MODELS[name].width_names)}  # odd, each another one
    wider = found.with_widths(tuple(units + more for units, more in zip(found.widths, more.values(), strict=True)))
    before, after = ({layer.name: layer.units for layer in wiring_of(a.build()).layers} for a in (found, wider))
    for layer, units in before.items():
        stage = layer.split(".")[0].replace("layer", "stage") if "." in layer else "stage1"
        added = more[layer if layer in more else stage]
        assert after[layer] - units in (added, 4 * added)  # a bottleneck's last layer is four times as wide


@pytest.mark.parametrize("name", OWN)
def test_one_unit_a_layer_still_runs(name: str, small_architecture: Make):
    found = small_architecture(name)
    found = found.with_widths((1,) * len(found.widths))
    assert found.build().eval()(torch.zeros(2, *found.image_shape)).shape == (2, found.classes)
    found.check_runs()


@pytest.mark.parametrize("name", OWN)
def test_building_is_seeded_and_leaves_the_global_random_state_alone(name: str, small_architecture: Make):
    found, state = small_architecture(name), torch.random.get_rng_state()
    one, same, other = (found.build(seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[key], same[key]) for key in one)
    drawn = [key for key, tensor in one.items() if tensor.ndim > 1]
    assert not any(torch.equal(one[key], other[key]) for key in drawn)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", OWN)
def test_a_sample_is_answered_alike_in_any_company(name: str, small_architecture: Make, noise_split):
    found = small_architecture(name)
    model, images = found.build().double().eval(), noise_split(7, found.image_shape).images.double()
    parts = torch.cat([model(images[:3]), model(images[3:])])
    torch.testing.assert_close(model(images), parts, rtol=1e-12, atol=1e-12)


def test_any_other_network_of_torchvision_is_a_family_too():
    card = family("torchvision:mobilenet_v3_small")
    assert (card.widths, card.width_names) == ((), ())
    assert card.weights == ("IMAGENET1K_V1",)
    found = architecture("torchvision:mobilenet_v3_small", (3, 32, 32), 7)
    found.check_runs()
    assert found.build().eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


def test_pretrained_weights_without_a_last_layer_are_not_offered():
    assert family("torchvision:vgg16").weights == ("IMAGENET1K_V1",)
    assert family("torchvision:resnet50").weights == ("IMAGENET1K_V1", "IMAGENET1K_V2")

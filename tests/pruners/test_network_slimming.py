"""Network Slimming: a unit is worth the scale of its batch normalisation."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torchvision
from torch import Tensor, nn

from mipp_core.cutting.selection import Selection
from mipp_core.cutting.surgery import shrink
from mipp_core.data.dataset import Split
from mipp_core.errors import ModelError, SettingError
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import Task
from mipp_core.pruners.network_slimming import NetworkSlimming, scales
from mipp_core.training import Recipe, train

GAMMAS = {"one": [0.5, -2.0, 0.0], "two": [1.0, -0.25, 3.0, -0.75]}


def toy() -> nn.Module:
    """Two convolutions of 3 and 4 filters with scales set by hand."""
    torch.manual_seed(2)
    layers = OrderedDict(
        conv1=nn.Conv2d(1, 3, 3),
        one=nn.BatchNorm2d(3),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(3, 4, 3, bias=False),
        two=nn.BatchNorm2d(4),
        relu2=nn.ReLU(),
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        fc=nn.Linear(4, 3),
    )
    model = nn.Sequential(layers).eval()
    with torch.no_grad():
        for name, values in GAMMAS.items():
            model.get_submodule(name).weight.copy_(torch.tensor(values))
    return model


@pytest.fixture
def split(noise_split: Callable[..., Split]) -> Split:
    return noise_split(30, (1, 8, 8))


def test_the_scores_of_a_toy_are_those_made_by_hand(split: Split):
    found = NetworkSlimming().scores(toy(), split, 0)
    assert {name: values.tolist() for name, values in found.items()} == {
        "conv1": [0.5, 2.0, 0.0],
        "conv2": [1.0, 0.25, 3.0, 0.75],
    }


def test_one_threshold_cuts_the_whole_network(split: Split):
    (masks,) = NetworkSlimming().masks(Task(toy(), split), (3 / 7,), Selection())
    assert masks["conv1"].tolist() == [False, True, False]
    assert masks["conv2"].tolist() == [True, False, True, True]


def test_the_weights_and_shifts_do_not_count_and_the_scales_do(split: Split):
    model, before = toy(), NetworkSlimming().scores(toy(), split, 0)
    with torch.no_grad():
        for tensor in (model.conv1.weight, model.one.bias, model.one.running_mean, model.one.running_var):
            tensor.mul_(7).add_(1)
        model.two.weight.mul_(-3)
    after = NetworkSlimming().scores(model, split, 0)
    assert torch.equal(after["conv1"], before["conv1"])
    assert torch.equal(after["conv2"], 3 * before["conv2"])


def test_a_unit_of_scale_0_that_a_relu_silences_goes_first_and_the_answers_stay(split: Split, masks_for):
    model = toy()
    with torch.no_grad():
        model.one.bias.fill_(-0.1)
    (masks,) = NetworkSlimming().masks(Task(model, split), (1 / 7,), Selection())
    assert masks["conv1"].tolist() == [True, True, False]
    torch.testing.assert_close(shrink(model, masks)(split.images), model(split.images))


class Joined(nn.Module):
    """Two layers side by side, normalised together."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.depthwise = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 3, 1), nn.Conv2d(5, 5, 3, groups=5)
        self.norm, self.later, self.last = nn.BatchNorm2d(5), nn.BatchNorm2d(5), nn.Conv2d(5, 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        both = self.depthwise(torch.cat([self.left(images), self.right(images)], 1))
        return self.last(self.later(self.norm(both))).mean((2, 3))


def test_joined_layers_have_their_own_places_in_the_first_normalisation(split: Split):
    model = Joined()
    with torch.no_grad():
        model.norm.weight.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))
        model.later.weight.fill_(9.0)
    found = NetworkSlimming().scores(model, split, 0)
    assert {name: values.tolist() for name, values in found.items()} == {"left": [1.0, 2.0], "right": [3.0, 4.0, 5.0]}


def test_layers_without_a_scale_are_named(split: Split):
    model = toy()
    model.two = nn.BatchNorm2d(4, affine=False)
    with pytest.raises(ModelError) as refusal:
        NetworkSlimming().scores(model, split, 0)
    assert str(refusal.value) == (
        "Network Slimming ranks units by the scale of their batch normalisation, and 1 of this network's 2 layers have "
        "none (conv2); choose a network in which every layer is normalised, or another pruner."
    )


def test_many_layers_without_a_scale_are_counted(split: Split):
    with pytest.raises(ModelError, match=r"25 of this network's 25 layers have none .* and 17 more"):
        NetworkSlimming().scores(torchvision.models.squeezenet1_1(weights=None), split, 0)


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d", "mobilenet_v2", "densenet121", "googlenet"])
def test_every_layer_of_these_networks_has_a_scale(name: str):
    settings = {"init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None, **settings).eval()
    wiring = wiring_of(model)
    found = scales(model, wiring)
    assert all(len(found[layer.name]) == layer.units for layer in wiring.layers)


def trained(split: Split, penalty: float) -> nn.Module:
    model = toy()
    train(model, split, Recipe(20, 0.05, batch_size=10, momentum=0.0, weight_decay=0.0, scale_penalty=penalty))
    return model


def test_a_penalty_on_scales_makes_them_smaller_and_a_penalty_of_0_changes_nothing(split: Split):
    free, held = trained(split, 0.0), trained(split, 0.3)
    again = toy()
    train(again, split, Recipe(20, 0.05, batch_size=10, momentum=0.0, weight_decay=0.0))
    assert all(torch.equal(one, other) for one, other in zip(free.parameters(), again.parameters(), strict=True))
    assert scale_sum(held) < 0.5 * scale_sum(free)


def scale_sum(model: nn.Module) -> float:
    return sum(values.abs().sum().item() for values in scales(model, wiring_of(model)).values())


def test_one_step_with_the_penalty_is_one_step_down_the_penalised_loss(split: Split):
    how = Recipe(1, 0.1, batch_size=30, momentum=0.0, weight_decay=0.0, scale_penalty=0.2)
    model, by_hand = toy(), toy()
    train(model, split, how)
    by_hand.train()
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    loss = nn.functional.cross_entropy(by_hand(split.images[order]), split.labels[order])
    penalty = 0.2 * sum(norm.weight.abs().sum() for norm in (by_hand.one, by_hand.two))
    (loss + penalty).backward()
    for name, parameter in by_hand.named_parameters():
        torch.testing.assert_close(model.get_parameter(name), parameter.detach() - 0.1 * parameter.grad)


def test_frozen_scales_are_left_alone(split: Split):
    model = toy()
    model.one.weight.requires_grad_(False)
    before = model.one.weight.clone()
    train(model, split, replace(Recipe(1, batch_size=15), scale_penalty=0.1))
    assert torch.equal(model.one.weight, before)


@pytest.mark.parametrize("penalty", [-0.1, float("nan")])
def test_a_penalty_below_0_is_refused(penalty: float):
    with pytest.raises(SettingError, match=f"The penalty on scales is {penalty}; it must be at least 0, as 1e-4"):
        Recipe(1, scale_penalty=penalty)

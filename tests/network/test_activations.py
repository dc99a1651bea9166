from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.errors import ModelError, SettingError
from mipp_core.models import Architecture
from mipp_core.network.activations import collapse_maps, record
from mipp_core.network.layers import wiring_of

HOWS = ("l1", "l2", "mean", "std")


def slowly(values: list[float], how: str) -> float:
    if how == "l1":
        return sum(abs(v) for v in values)
    if how == "l2":
        return sum(v * v for v in values) ** 0.5
    if how == "mean":
        return sum(abs(v) for v in values) / len(values)
    mean = sum(values) / len(values)
    return (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5


def conv_net(small_architecture: Callable[[str], Architecture]) -> nn.Module:
    return small_architecture("lenet5").build(seed=2).double().eval()


def images(noise_split: Callable[..., Split], count: int = 7) -> Tensor:
    return noise_split(count, (1, 16, 16)).images.double()


@pytest.mark.parametrize("how", HOWS)
def test_collapse_agrees_with_a_slow_loop(how: str):
    maps = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = torch.tensor([[slowly(unit, how) for unit in sample] for sample in maps.tolist()], dtype=torch.float64)
    torch.testing.assert_close(collapse_maps(maps, how), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("how", HOWS)
def test_a_neuron_stays_as_it_is_sign_included(how: str):
    values = torch.tensor([[-2.0, 3.0]])
    assert torch.equal(collapse_maps(values.unsqueeze(2), how), values)


def test_l1_is_the_mean_times_the_maps_size():
    maps = torch.randn(5, 3, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(collapse_maps(maps, "l1"), 12 * collapse_maps(maps, "mean"))


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_collapse_is_refused():
    with pytest.raises(SettingError, match="Filters cannot be collapsed by 'max'; choose l1, l2, mean or std"):
        collapse_maps(torch.zeros(1, 1, 4), "max")


@pytest.mark.parametrize("how", HOWS)
def test_a_units_activation_is_what_the_next_layer_reads(
    small_architecture: Callable[[str], Architecture], noise_split: Callable[..., Split], how: str
):
    net, batch = conv_net(small_architecture), images(noise_split)
    seen = record(net, batch, how)
    after, found = batch, {}
    for name, module in net.named_children():
        after = module(after)
        found[name] = after
    expected = {name: collapse_maps(found[name].flatten(2), how) for name in ("pool1", "pool2")}
    torch.testing.assert_close(seen["conv1"], expected["pool1"])
    torch.testing.assert_close(seen["conv2"], expected["pool2"])
    torch.testing.assert_close(seen["fc1"], found["relu3"])
    torch.testing.assert_close(seen["fc2"], found["relu4"])
    torch.testing.assert_close(seen["output"], found["fc3"])
    assert torch.equal(seen["input"], batch.flatten(1))
    assert list(seen) == ["input", "conv1", "conv2", "fc1", "fc2", "output"]


@pytest.mark.parametrize("how", HOWS)
def test_seven_samples_are_three_and_four(
    small_architecture: Callable[[str], Architecture], noise_split: Callable[..., Split], how: str
):
    net, batch = conv_net(small_architecture), images(noise_split)
    whole, by_three = record(net, batch, how), record(net, batch, how, batch_size=3)
    first, second = record(net, batch[:3], how), record(net, batch[3:], how)
    for name, values in whole.items():
        assert len(values) == 7
        torch.testing.assert_close(values, by_three[name], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(values, torch.cat([first[name], second[name]]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_as_it_was(
    small_architecture: Callable[[str], Architecture],
    noise_split: Callable[..., Split],
    state_of: Callable[[nn.Module], dict],
    training: bool,
):
    net = conv_net(small_architecture).train(training)
    net.conv2.train(not training)
    before = state_of(net)
    values = record(net, images(noise_split))
    assert state_of(net) == before
    assert not any(value.requires_grad for value in values.values())


def test_hooks_and_flags_are_put_back_when_the_pass_fails(
    mlp: nn.Module, state_of: Callable[[nn.Module], dict], noise_split: Callable[..., Split]
):
    mlp.train()
    before = state_of(mlp)
    with pytest.raises(ModelError, match="give images of the size it was made for"):
        record(mlp, noise_split(3, (1, 5, 5)).images)
    assert state_of(mlp) == before


def test_permuting_a_layers_units_permutes_its_activations_and_no_others(
    small_architecture: Callable[[str], Architecture], noise_split: Callable[..., Split]
):
    net, batch = conv_net(small_architecture), images(noise_split)
    before = record(net, batch)
    for layer in wiring_of(net).layers:
        twin = conv_net(small_architecture)
        order = torch.randperm(layer.units, generator=torch.Generator().manual_seed(1))
        writer, reader = twin.get_submodule(layer.name), twin.get_submodule(layer.reader)
        with torch.no_grad():
            writer.weight.copy_(writer.weight[order])
            writer.bias.copy_(writer.bias[order])
            columns = torch.arange(layer.units * layer.span).view(layer.units, -1)[order].flatten()
            reader.weight.copy_(reader.weight[:, columns])
        for name, values in record(twin, batch).items():
            expected = before[name][:, order] if name == layer.name else before[name]
            torch.testing.assert_close(values, expected, rtol=1e-10, atol=1e-10)

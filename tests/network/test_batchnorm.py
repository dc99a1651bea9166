"""Batch normalisation goes with its layer: what is followed, silenced and cut of a network that has it."""

from collections import OrderedDict
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.data.dataset import Split
from mipp_core.evaluation import parameters
from mipp_core.models import Architecture, Family, architecture
from mipp_core.models.families import MODELS
from mipp_core.network.finding import Layer
from mipp_core.network.layers import wiring_of
from mipp_core.network.silencing import silence, silenced

WIDTHS = (4, 3, 5, 4, 6, 5, 4, 3, 5, 4, 6, 5, 4)
NAMES = tuple(f"conv{number}" for number in range(1, 14))
CASES = ["full", "one unit", "all collapsed", "first", "middle", "last", *(f"random {seed}" for seed in range(8))]


def remember_other_data(model: nn.Module) -> nn.Module:
    """Give every batch normalisation a scale, a shift and statistics of its own."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
                for tensor, least in ((norm.weight, 0.5), (norm.bias, -0.5), (norm.running_mean, -0.5)):
                    tensor.copy_(torch.rand(len(tensor), generator=generator) + least)
                norm.running_var.copy_(torch.rand(len(norm.weight), generator=generator) * 0.2 + 0.01)
                norm.num_batches_tracked.fill_(11)
    return model


@pytest.fixture
def vgg() -> tuple[nn.Module, Architecture]:
    """A narrow VGG16 that has seen data, in float64."""
    found = architecture("vgg16", (2, 32, 32), 3, WIDTHS)
    return remember_other_data(found.build(seed=3).double()).eval(), found


@pytest.fixture
def masks_of(masks_for, random_masks) -> Callable[[nn.Module, str], KeepMasks]:
    """Return the keep-masks of one named case."""

    def make(model: nn.Module, name: str) -> KeepMasks:
        gone = {"first": "conv1", "middle": "conv7", "last": "conv13"}
        if name.startswith("random"):
            seed = int(name.split()[1])
            return masks_for(model, lambda layer, units: random_masks(model, seed)[layer] | (torch.arange(units) == 1))
        if name == "one unit":
            return masks_for(model, lambda _, units: torch.arange(units) == units // 2)
        if name in gone:
            return masks_for(model, lambda layer, units: torch.full((units,), layer != gone[name]))
        return masks_for(model, lambda _, units: torch.full((units,), name == "full"))

    return make


@pytest.fixture
def images(noise_split: Callable[..., Split]) -> Tensor:
    return noise_split(4, (2, 32, 32)).images.double()


def narrowed(found: Architecture, masks: KeepMasks) -> Architecture:
    return found.with_widths(tuple(max(1, kept) for kept in masks.kept.values()))


def test_the_normalisations_between_two_layers_belong_to_the_first(vgg):
    chain = wiring_of(vgg[0])
    readers = (*NAMES[1:], "fc")
    assert chain.layers == tuple(
        Layer(name, width, (reader,), 1, (name.replace("conv", "norm"),))
        for name, width, reader in zip(NAMES, WIDTHS, readers, strict=True)
    )
    assert (chain.image_readers, chain.last) == (("conv1",), "fc")


def test_normalisations_before_the_first_layer_and_after_the_last_belong_to_none():
    layers = OrderedDict(
        before=nn.BatchNorm2d(1),
        conv=nn.Conv2d(1, 4, 3),
        one=nn.BatchNorm2d(4),
        relu=nn.ReLU(),
        two=nn.BatchNorm2d(4),
        flatten=nn.Flatten(),
        fc=nn.Linear(16, 5),
        three=nn.BatchNorm1d(5),
        last=nn.Linear(5, 3),
        after=nn.BatchNorm1d(3),
    )
    chain = wiring_of(nn.Sequential(layers))
    assert chain.layers == (Layer("conv", 4, ("fc",), 4, ("one", "two")), Layer("fc", 5, ("last",), 1, ("three",)))


@pytest.mark.parametrize("name", CASES)
def test_cut_equals_masked(vgg, masks_of, images: Tensor, state_of, name: str):
    model, found = vgg
    masks, before = masks_of(model, name), state_of(model)
    slim, slim_architecture = shrink(model, masks), narrowed(found, masks)
    torch.testing.assert_close(slim(images), masked(model, masks)(images), rtol=0, atol=1e-10)
    assert state_of(model) == before
    assert parameters(slim) == parameters(slim_architecture.build())


@pytest.mark.parametrize("name", CASES)
def test_silenced_equals_masked(vgg, masks_of, images: Tensor, state_of, name: str):
    model, _ = vgg
    masks, before = masks_of(model, name), state_of(model)
    torch.testing.assert_close(silenced(model, masks)(images), masked(model, masks)(images), rtol=0, atol=1e-10)
    assert state_of(model) == before


@pytest.mark.parametrize("seed", range(8))
def test_the_cases_at_random_are_cases_that_tell(vgg, masks_of, images: Tensor, seed: int):
    model, _ = vgg
    masks = masks_of(model, f"random {seed}")
    dense, pruned = model(images), masked(model, masks)(images)
    assert not masks.collapsed
    assert (dense - pruned).abs().max() > 1e-6
    assert dense.std(0).min() > 1e-6


def test_a_removed_unit_whose_normalisation_were_left_alone_would_be_heard(vgg, masks_of, images: Tensor):
    model, _ = vgg
    masks = masks_of(model, "random 0")
    silent = silenced(model, masks)
    with torch.no_grad():
        for layer in wiring_of(model).layers:
            for name in layer.followers:
                silent.get_submodule(name).load_state_dict(model.get_submodule(name).state_dict())
    assert (silent(images) - masked(model, masks)(images)).abs().max() > 1e-6


def test_a_full_mask_copies_statistics_and_counts_bit_for_bit(vgg, masks_of):
    model, _ = vgg
    slim = shrink(model, masks_of(model, "full"))
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in slim.state_dict().items())
    assert slim.norm1.num_batches_tracked == 11
    assert slim.norm1.running_mean.data_ptr() != model.norm1.running_mean.data_ptr()


def test_a_cut_keeps_each_units_own_statistics(vgg, masks_of):
    model, _ = vgg
    masks = masks_of(model, "random 2")
    slim = shrink(model, masks)
    for name, keep in masks.items():
        cut, dense = (net.get_submodule(name.replace("conv", "norm")).state_dict() for net in (slim, model))
        for kind in ("weight", "bias", "running_mean", "running_var"):
            assert torch.equal(cut[kind], dense[kind][keep])


@pytest.mark.parametrize("gone", ["first", "middle", "last"])
def test_a_collapsed_layer_makes_the_answer_the_same_for_every_image(vgg, masks_of, images: Tensor, gone: str):
    model, _ = vgg
    answers = shrink(model, masks_of(model, gone))(images)
    assert torch.equal(answers, answers[:1].expand_as(answers))
    if gone == "last":
        torch.testing.assert_close(answers[0], model.fc.bias)


def flattened(normalised: int) -> nn.Module:
    layers = OrderedDict(
        conv=nn.Conv2d(1, 4, 3),
        relu=nn.ReLU(),
        flatten=nn.Flatten(),
        norm=nn.BatchNorm1d(normalised),
        fc=nn.Linear(16, 5),
        last=nn.Linear(5, 3),
    )
    return nn.Sequential(layers)


def test_a_normalisation_of_flattened_maps_is_cut_with_them(noise_split):
    model = remember_other_data(flattened(16).double()).eval()
    masks = KeepMasks({"conv": torch.tensor([True, False, True, False]), "fc": torch.arange(5) > 1})
    batch = noise_split(5).images.double()
    slim = shrink(model, masks)
    torch.testing.assert_close(slim(batch), masked(model, masks)(batch), rtol=0, atol=1e-10)
    assert (slim.conv.out_channels, slim.norm.num_features, slim.fc.in_features) == (2, 8, 8)


def test_a_normalisation_of_neurons_is_cut_with_them(monkeypatch: pytest.MonkeyPatch, noise_split):
    def build(widths: tuple[int, ...], image_shape: tuple[int, int, int], classes: int) -> nn.Module:
        layers = OrderedDict(
            flatten=nn.Flatten(),
            fc1=nn.Linear(16, widths[0]),
            relu=nn.ReLU(),
            norm=nn.BatchNorm1d(widths[0]),
            fc2=nn.Linear(widths[0], classes),
        )
        return nn.Sequential(layers)

    monkeypatch.setitem(MODELS, "normal", Family("for this test", ("fc1",), (6,), build))
    found = architecture("normal", (1, 4, 4), 3)
    model = remember_other_data(found.build().double()).eval()
    masks, batch = KeepMasks({"fc1": torch.arange(6) % 2 == 0}), noise_split(5).images.double()
    slim = shrink(model, masks)
    torch.testing.assert_close(slim(batch), masked(model, masks)(batch), rtol=0, atol=1e-10)
    torch.testing.assert_close(silenced(model, masks)(batch), masked(model, masks)(batch), rtol=0, atol=1e-10)
    assert slim.norm.num_features == 3


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("tracked", [True, False])
def test_a_normalisation_without_weights_or_statistics_is_silenced_too(noise_split, affine: bool, tracked: bool):
    layers = OrderedDict(
        conv=nn.Conv2d(1, 4, 3, bias=False),
        norm=nn.BatchNorm2d(4, affine=affine, track_running_stats=tracked),
        relu=nn.ReLU(),
        flatten=nn.Flatten(),
        fc=nn.Linear(16, 3),
    )
    model = nn.Sequential(layers).double().eval()
    if tracked:
        with torch.no_grad():
            model.norm.running_mean.copy_(torch.tensor([1.0, -1.0, 0.5, -0.5]))
    masks, batch = KeepMasks({"conv": torch.tensor([True, False, True, False])}), noise_split(5).images.double()
    expected = masked(model, masks)(batch)
    silence(model, wiring_of(model), "conv", masks["conv"])
    torch.testing.assert_close(model(batch), expected, rtol=0, atol=1e-10)


def test_a_pruned_vgg16_is_stored_and_rebuilt(vgg, masks_of, images: Tensor):
    model, found = vgg
    masks = masks_of(model, "random 3")
    slim, slim_architecture = shrink(model, masks), narrowed(found, masks)
    again = Architecture.from_json(slim_architecture.to_json()).build(seed=9).double().eval()
    again.load_state_dict(slim.state_dict())
    assert torch.equal(again(images), slim(images))

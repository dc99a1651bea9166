import json
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.pixels import PixelMask, with_pixel_mask
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.data.dataset import Split
from mipp_core.errors import ModelError
from mipp_core.evaluation import macs, parameters
from mipp_core.models import Architecture, architecture
from mipp_core.network.layers import wiring_of

FAMILIES = ("mlp", "lenet5")
LAYERS = {"mlp": ("fc1", "fc2"), "lenet5": ("conv1", "conv2", "fc1", "fc2")}
CASES = ["full", "one unit", "all collapsed", *(f"random {n}" for n in range(20)), "first", "middle", "last"]

Masks = Callable[..., KeepMasks]
Make = Callable[[str], Architecture]


def every(value: bool) -> Callable[[str, int], Tensor]:
    return lambda _, units: torch.full((units,), value)


@pytest.fixture
def case(masks_for: Masks, random_masks: Masks) -> Callable[[nn.Module, str], KeepMasks]:
    """Return the keep-masks of one named case."""

    def make(model: nn.Module, name: str) -> KeepMasks:
        names = wiring_of(model).names
        gone = {"first": names[0], "middle": names[len(names) // 2], "last": names[-1]}
        if name in gone:
            return masks_for(model, lambda layer, units: torch.full((units,), layer != gone[name]))
        if name == "one unit":
            return masks_for(model, lambda _, units: torch.arange(units) == units // 2)
        if name.startswith("random"):
            return random_masks(model, int(name.split()[1]))
        return masks_for(model, every(name == "full"))

    return make


def network(make: Make, family: str) -> tuple[nn.Module, Architecture]:
    found = make(family)
    return found.build(seed=3).double().eval(), found


def narrowed(found: Architecture, masks: KeepMasks) -> Architecture:
    return found.with_widths(tuple(max(1, kept) for kept in masks.without_input().kept.values()))


def images(noise_split: Callable[..., Split], found: Architecture, count: int = 5) -> Tensor:
    return noise_split(count, found.image_shape).images.double()


def cost_by_hand(found: Architecture) -> tuple[int, int]:
    """Parameters and multiply-accumulates from the widths."""
    channels, height, width = found.image_shape
    if found.family == "mlp":
        sizes = [channels * height * width, *found.widths, found.classes]
        weights = [a * b for a, b in pairwise(sizes)]
        return sum(weights) + sum(sizes[1:]), sum(weights)
    conv1, conv2, fc1, fc2 = found.widths
    side1, side2 = height, height // 2 - 4
    flat = conv2 * (side2 // 2) ** 2
    kernels = [channels * conv1 * 25, conv1 * conv2 * 25]
    dense = flat * fc1 + fc1 * fc2 + fc2 * found.classes
    multiplied = kernels[0] * side1**2 + kernels[1] * side2**2 + dense
    return sum(kernels) + dense + sum(found.widths) + found.classes, multiplied


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("family", FAMILIES)
def test_cut_equals_masked(small_architecture: Make, noise_split, case, state_of, family: str, name: str):
    model, found = network(small_architecture, family)
    masks, batch, before = case(model, name), images(noise_split, found), state_of(model)
    slim, slim_architecture = shrink(model, masks), narrowed(found, masks)
    torch.testing.assert_close(slim(batch), masked(model, masks)(batch), rtol=0, atol=1e-10)
    assert state_of(model) == before
    assert slim_architecture.widths == tuple(max(1, kept) for kept in masks.kept.values())
    assert (parameters(slim), macs(slim.float(), found.image_shape)) == cost_by_hand(slim_architecture)


@pytest.mark.parametrize("name", ["full", "one unit", "all collapsed", "random 1", "random 2", "random 3"])
@pytest.mark.parametrize("family", FAMILIES)
def test_cut_equals_masked_with_removed_pixels(small_architecture: Make, noise_split, case, family: str, name: str):
    model, found = network(small_architecture, family)
    pixels = torch.rand(found.inputs, generator=torch.Generator().manual_seed(4)) < 0.5
    masks, batch = KeepMasks({"input": pixels, **case(model, name)}), images(noise_split, found)
    expected = masked(model, masks)(batch)
    slim = shrink(model, masks)
    torch.testing.assert_close(slim(masks.blank_pixels(batch)), expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(with_pixel_mask(slim, masks, found.image_shape)(batch), expected, rtol=0, atol=1e-10)
    if name == "full":
        assert not torch.allclose(slim(batch), expected)


def test_the_masked_network_is_the_dense_one_with_units_at_0(mlp: nn.Module, noise_split: Callable[..., Split]):
    batch = noise_split(4).images
    keep = {"fc1": torch.arange(8) < 3, "fc2": torch.arange(6) > 1}
    hidden = (torch.relu(mlp.fc1(batch.flatten(1))) * keep["fc1"]) @ mlp.fc2.weight.T + mlp.fc2.bias
    expected = mlp.fc3(torch.relu(hidden) * keep["fc2"])
    torch.testing.assert_close(masked(mlp, KeepMasks(keep))(batch), expected)


def test_a_full_mask_copies_the_network_bit_for_bit(small_architecture: Make, case):
    model, _ = network(small_architecture, "lenet5")
    slim = shrink(model, case(model, "full"))
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in slim.state_dict().items())
    assert all(one is not other for one, other in zip(slim.parameters(), model.parameters(), strict=True))


def test_the_cut_network_shares_no_memory_with_the_dense_one(small_architecture: Make, case, state_of):
    model, _ = network(small_architecture, "mlp")
    before = state_of(model)
    slim = shrink(model, case(model, "full"))
    with torch.no_grad():
        for parameter in slim.parameters():
            parameter.fill_(7.0)
    assert state_of(model) == before


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_cut_network_has_the_dense_ones_mode_and_type(
    small_architecture: Make, case, dtype: torch.dtype, training: bool
):
    model, _ = network(small_architecture, "mlp")
    slim = shrink(model.to(dtype).train(training), case(model, "one unit"))
    assert slim.training is training
    assert {parameter.dtype for parameter in slim.parameters()} == {dtype}


def test_a_collapsed_layer_gives_the_constant_the_biases_give(small_architecture: Make, noise_split, case):
    model, found = network(small_architecture, "mlp")
    slim = shrink(model, case(model, "last"))
    assert torch.equal(slim(images(noise_split, found)), model.fc3.bias.expand(5, -1))
    assert slim.fc2.weight.count_nonzero() == slim.fc2.bias.count_nonzero() == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cut_network_is_stored_and_rebuilt_without_pickle(
    small_architecture: Make, noise_split, case, tmp_path: Path, family: str
):
    model, found = network(small_architecture, family)
    masks = case(model, "random 5")
    slim, slim_architecture = shrink(model, masks), narrowed(found, masks)
    save_file(slim.state_dict(), tmp_path / "weights.safetensors")
    (tmp_path / "architecture.json").write_text(json.dumps(slim_architecture.to_json()))
    read = Architecture.from_json(json.loads((tmp_path / "architecture.json").read_text()))
    again = read.build().double().eval()
    again.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    batch = images(noise_split, found)
    assert read == slim_architecture
    assert torch.equal(again(batch), slim(batch))


def test_costs_shrink_with_lenet5_as_the_widths_say():
    found = architecture("lenet5", (1, 28, 28), 10)
    model = found.build()
    masks = KeepMasks({n: torch.arange(u) < u // 2 for n, u in zip(LAYERS["lenet5"], found.widths, strict=True)})
    slim, slim_architecture = shrink(model, masks), narrowed(found, masks)
    assert slim_architecture.widths == (3, 8, 60, 42)
    assert parameters(slim) == 78 + 608 + 12060 + 2562 + 430
    assert macs(slim, (1, 28, 28)) == 3 * 25 * 784 + 8 * 75 * 100 + 200 * 60 + 60 * 42 + 42 * 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"fc1": torch.ones(8) > 0},
        {"fc1": torch.ones(8) > 0, "fc2": torch.ones(5) > 0},
        {"fc1": torch.ones(8) > 0, "fc2": torch.ones(6) > 0, "fc3": torch.ones(3) > 0},
    ],
    ids=["missing", "too narrow", "one too many"],
)
def test_masks_that_do_not_fit_are_refused(mlp: nn.Module, wrong: dict[str, Tensor]):
    with pytest.raises(ModelError, match=r"do not fit the network; its layers are \{'fc1': 8, 'fc2': 6\}"):
        shrink(mlp, KeepMasks(wrong))


def test_masks_may_come_in_any_order(mlp: nn.Module):
    masks = KeepMasks({"fc2": torch.arange(6) < 2, "fc1": torch.arange(8) < 5})
    slim = shrink(mlp, masks)
    assert (slim.fc1.out_features, slim.fc2.in_features, slim.fc2.out_features) == (5, 5, 2)


def test_no_pixel_mask_leaves_the_network_itself(mlp: nn.Module, masks_for: Masks):
    assert with_pixel_mask(mlp, masks_for(mlp), (1, 4, 4)) is mlp


def test_a_pixel_mask_blanks_the_same_pixels_as_the_masks_do(masks_for: Masks, mlp: nn.Module, noise_split):
    keep, batch = torch.arange(16) % 3 > 0, noise_split(4).images
    masks = KeepMasks({"input": keep, **masks_for(mlp)})
    layer = PixelMask(keep, (1, 4, 4))
    assert torch.equal(layer(batch), masks.blank_pixels(batch))
    assert dict(layer.state_dict())["keep"].shape == (1, 4, 4)
    assert not list(layer.parameters())
    assert deepcopy(layer)(batch)[:, 0, 0, 0].count_nonzero() == 0


def test_a_cut_network_shares_no_memory_with_the_dense_one_and_holds_no_more_than_it_shows():
    dense = architecture("resnet20", (3, 32, 32), 10).build().eval()
    before = {name: tensor.clone() for name, tensor in dense.state_dict().items()}
    own = {tensor.untyped_storage().data_ptr() for tensor in dense.state_dict().values()}
    for every in (2, 1000):  # half of each layer, and only the first unit of each
        masks = KeepMasks({layer.name: torch.arange(layer.units) % every == 0 for layer in wiring_of(dense).layers})
        slim = shrink(dense, masks)
        for name, tensor in slim.state_dict().items():
            assert tensor.untyped_storage().data_ptr() not in own, name
            assert tensor.untyped_storage().nbytes() == tensor.nbytes, name
            tensor.fill_(7)
        assert all(torch.equal(tensor, before[name]) for name, tensor in dense.state_dict().items())

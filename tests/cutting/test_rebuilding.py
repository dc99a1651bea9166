from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mipp_core.cutting import least_squares
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.models import Architecture, architecture
from mipp_core.network.layers import wiring_of

Make = Callable[[str], Architecture]


def first(units: int) -> Callable[[str, int], Tensor]:
    return lambda _, width: torch.arange(width) < units


def doubled(family: str, image_shape: tuple[int, int, int], widths: tuple[int, ...]) -> tuple[nn.Module, Architecture]:
    """A network whose layers' second halves repeat their first halves, read with other weights."""
    found = architecture(family, image_shape, 3, widths)
    model = found.build(seed=5).double().eval()
    with torch.no_grad():
        for layer in wiring_of(model).layers:
            half = layer.units // 2
            writer = model.get_submodule(layer.name)
            writer.weight[half:] = writer.weight[:half]
            writer.bias[half:] = writer.bias[:half]
    return model, found


def gap(one: nn.Module, other: nn.Module, images: Tensor, layer: str) -> float:
    """Mean squared difference between two networks' results of one layer (``other`` may lack its last units)."""
    heard: list[Tensor] = []
    for model in (one, other):
        hook = model.get_submodule(layer).register_forward_hook(lambda _, inputs, output: heard.append(output))
        model(images)
        hook.remove()
    return (heard[0][:, : heard[1].shape[1]] - heard[1]).square().mean().item()


@pytest.mark.parametrize(
    ("family", "shape", "widths"), [("mlp", (1, 4, 4), (8, 6)), ("lenet5", (1, 12, 12), (4, 6, 8, 6))]
)
def test_halves_that_repeat_are_rebuilt_exactly(noise_split, masks_for, family: str, shape, widths):
    dense, _ = doubled(family, shape, widths)
    masks = masks_for(dense, lambda _, units: torch.arange(units) < units // 2)
    images = noise_split(600, shape).images.double()
    slim = shrink(dense, masks)
    assert (slim(images) - dense(images)).abs().max() > 1e-2
    rebuild(dense, slim, masks, images)
    torch.testing.assert_close(slim(images), dense(images), rtol=0, atol=1e-4)
    unseen = noise_split(50, shape, seed=9).images.double()
    torch.testing.assert_close(slim(unseen), dense(unseen), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "bias",
    [5.0, 20.0],
)
def test_a_linear_combination_of_kept_units_is_rebuilt_exactly(
    small_architecture: Make, noise_split, masks_for, bias: float
):
    found = small_architecture("mlp")
    dense = found.build(seed=5).double().eval()
    with torch.no_grad():  # far from the bend of the ReLU, so that a linear combination stays one after it
        dense.fc1.bias.fill_(bias)
        dense.fc1.weight[6] = 0.5 * dense.fc1.weight[0] + 0.25 * dense.fc1.weight[1]
        dense.fc1.weight[7] = dense.fc1.weight[2] - dense.fc1.weight[3]
    masks = masks_for(dense, lambda name, units: torch.arange(units) < (6 if name == "fc1" else units))
    images = noise_split(600).images.double()
    slim = shrink(dense, masks)
    rebuild(dense, slim, masks, images)
    torch.testing.assert_close(slim(images), dense(images), rtol=0, atol=1e-4)


@pytest.mark.parametrize("family", ["mlp", "lenet5"])
def test_full_masks_change_nothing(small_architecture: Make, noise_split, masks_for, family: str):
    found = small_architecture(family)
    dense = found.build(seed=1).eval()
    slim = shrink(dense, masks_for(dense))
    rebuild(dense, slim, masks_for(dense), noise_split(20, found.image_shape).images)
    assert all(torch.equal(tensor, dense.state_dict()[name]) for name, tensor in slim.state_dict().items())


def test_layers_before_the_first_loss_stay_bit_identical(small_architecture: Make, noise_split, masks_for):
    found = small_architecture("lenet5")
    dense = found.build(seed=1).eval()
    masks = masks_for(dense, lambda name, units: torch.arange(units) < (3 if name == "conv2" else units))
    slim = shrink(dense, masks)
    before = {name: tensor.clone() for name, tensor in slim.state_dict().items()}
    rebuild(dense, slim, masks, noise_split(100, found.image_shape).images)
    changed = {
        name.split(".")[0] for name, tensor in slim.state_dict().items() if not torch.equal(tensor, before[name])
    }
    assert changed == {"fc1", "fc2", "fc3"}


def test_the_dense_network_and_the_hooks_stay_as_they_are(
    small_architecture: Make, noise_split, random_masks, state_of
):
    found = small_architecture("lenet5")
    dense = found.build(seed=1).eval()
    masks = random_masks(dense, 1)
    slim = shrink(dense, masks)
    before, hooks = state_of(dense), state_of(slim)["hooks"]
    rebuild(dense, slim, masks, noise_split(60, found.image_shape).images)
    assert state_of(dense) == before
    assert state_of(slim)["hooks"] == hooks


@pytest.mark.parametrize("family", ["mlp", "lenet5"])
@pytest.mark.parametrize("seed", range(6))
def test_the_first_refitted_layer_never_gets_worse(
    small_architecture: Make, noise_split, masks_for, family: str, seed: int
):
    found = small_architecture(family)
    dense = found.build(seed=seed).double().eval()
    generator, names = torch.Generator().manual_seed(seed), wiring_of(dense).names

    def choose(name: str, units: int) -> Tensor:
        keep = torch.rand(units, generator=generator) < 0.6
        return keep | (torch.arange(units) == 0) if name == names[0] else torch.arange(units) < units

    masks = masks_for(dense, choose)
    images = noise_split(200, found.image_shape).images.double()
    slim = shrink(dense, masks)
    before = gap(dense, slim, images, names[1])
    rebuild(dense, slim, masks, images)
    assert gap(dense, slim, images, names[1]) <= before * (1 + 1e-5)


def slowly(dense: nn.Module, slim: nn.Module, masks: KeepMasks, images: Tensor) -> None:
    """The twin: every layer refitted by an ordinary least-squares solver on patches gathered one by one."""
    for name in (*wiring_of(dense).names, wiring_of(dense).last):
        layer, wanted = slim.get_submodule(name), captured(dense, name, images)[1]
        rows = masks[name] if name in masks else torch.ones(wanted.shape[1], dtype=torch.bool)
        read = captured(slim, name, images)[0]
        regressors, targets = [], []
        for sample in range(len(images)):
            if isinstance(layer, nn.Linear):
                regressors.append(read[sample])
                targets.append(wanted[sample, rows])
                continue
            padded = nn.functional.pad(read[sample], (layer.padding[0],) * 4)
            for row in range(wanted.shape[2]):
                for column in range(wanted.shape[3]):
                    regressors.append(padded[:, row : row + 5, column : column + 5].flatten())
                    targets.append(wanted[sample, rows, row, column])
        table = torch.stack([torch.cat([r, torch.ones(1, dtype=r.dtype)]) for r in regressors])
        solution = torch.linalg.lstsq(table, torch.stack(targets), driver="gelsd").solution
        with torch.no_grad():
            layer.weight.copy_(solution[:-1].T.reshape(layer.weight.shape))
            layer.bias.copy_(solution[-1])


def captured(model: nn.Module, name: str, images: Tensor) -> tuple[Tensor, Tensor]:
    heard: list[tuple[Tensor, Tensor]] = []
    hook = model.get_submodule(name).register_forward_hook(lambda _, i, o: heard.append((i[0].detach(), o.detach())))
    model(images)
    hook.remove()
    return heard[0]


@pytest.mark.parametrize(("family", "count"), [("mlp", 200), ("lenet5", 60)])
def test_it_agrees_with_an_ordinary_least_squares_solver(
    small_architecture: Make, noise_split, masks_for, family: str, count: int
):
    found = small_architecture(family)
    dense = found.build(seed=2).double().eval()
    masks = KeepMasks(
        {"input": torch.ones(found.inputs, dtype=torch.bool), **masks_for(dense, lambda _, u: torch.arange(u) < u - 2)}
    )
    images = noise_split(count, found.image_shape).images.double()
    quick, slow = shrink(dense, masks), shrink(dense, masks)
    rebuild(dense, quick, masks, images)
    slowly(dense, slow, masks, images)
    torch.testing.assert_close(quick(images), slow(images), rtol=0, atol=2e-4)


def test_the_batch_size_does_not_change_the_result(small_architecture: Make, noise_split, random_masks, monkeypatch):
    found = small_architecture("lenet5")
    dense = found.build(seed=1).double().eval()
    masks, images = random_masks(dense, 3), noise_split(50, found.image_shape).images.double()
    whole, parts = shrink(dense, masks), shrink(dense, masks)
    rebuild(dense, whole, masks, images)
    monkeypatch.setattr(least_squares, "_NUMBERS", 5000)
    rebuild(dense, parts, masks, images, batch_size=7)
    torch.testing.assert_close(whole(images), parts(images), rtol=0, atol=1e-8)


def test_behind_a_collapsed_layer_the_mean_is_all_that_can_be_rebuilt(mlp: nn.Module, small_architecture, noise_split):
    masks = KeepMasks({"fc1": torch.ones(8) > 0, "fc2": torch.zeros(6) > 0})
    images = noise_split(100).images
    slim = shrink(mlp, masks)
    rebuild(mlp, slim, masks, images)
    expected = mlp(images).mean(0)
    torch.testing.assert_close(slim(images), expected.expand(100, -1), rtol=0, atol=1e-5)
    assert slim.fc2.weight.count_nonzero() == slim.fc2.bias.count_nonzero() == 0
    assert torch.equal(slim.fc1.weight, mlp.fc1.weight)


@pytest.mark.parametrize("family", ["mlp", "lenet5"])
def test_removed_pixels_that_never_varied_are_made_up_for_by_the_bias(
    small_architecture: Make, noise_split, masks_for, family: str
):
    found = small_architecture(family)
    dense = found.build(seed=1).double().eval()
    images = noise_split(400, found.image_shape).images.double()
    if family == "mlp":
        images[:, 0, 0] = 0.8
    else:
        images[:, 0, 4:12, 4:12] = 0.0
    blank = (images == images[:1]).all(0).flatten()
    masks = KeepMasks({"input": ~blank, **masks_for(dense)})
    slim = shrink(dense, masks)
    rebuild(dense, slim, masks, images)
    torch.testing.assert_close(slim(masks.blank_pixels(images)), dense(images), rtol=0, atol=1e-3)


def test_rebuilding_recovers_more_than_cutting_in_float32_too(small_architecture: Make, noise_split, masks_for):
    found = small_architecture("lenet5")
    dense = found.build(seed=1).eval()
    masks = masks_for(dense, lambda _, units: torch.arange(units) < units - 1)
    images = noise_split(300, found.image_shape).images
    slim = shrink(dense, masks)
    cut = (masked(dense, masks)(images) - dense(images)).square().mean()
    rebuild(dense, slim, masks, images)
    assert (slim(images) - dense(images)).square().mean() < 0.9 * cut


def test_a_convolution_is_fitted_on_no_more_images_than_it_needs(
    small_architecture: Make, noise_split, masks_for, monkeypatch
):
    found = small_architecture("lenet5")
    dense = found.build(seed=1).double().eval()
    masks = masks_for(dense, lambda name, units: torch.arange(units) < (2 if name == "conv1" else units))
    images = noise_split(90, found.image_shape).images.double()
    capped, few = shrink(dense, masks), shrink(dense, masks)
    rebuild(dense, few, masks, images[:30])
    monkeypatch.setattr(least_squares, "_FEWEST_IMAGES", 30)
    monkeypatch.setattr(least_squares, "_ROWS", 0)
    rebuild(dense, capped, masks, images)
    assert torch.equal(capped.conv2.weight, few.conv2.weight)

"""SynFlow: as much flows through every layer, so no layer is emptied before it must be."""

from collections import OrderedDict
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from mipp_core.cutting.selection import Selection
from mipp_core.data.dataset import Split
from mipp_core.models import MODELS, architecture
from mipp_core.pruners import Task
from mipp_core.pruners.synflow import SynFlow
from mipp_core.pruners.weight_scores import weights_of

COMPRESSION = 1e5


def blank(image_shape: tuple[int, int, int]) -> Split:
    return Split(torch.zeros(1, *image_shape), torch.zeros(1, dtype=torch.int64))


def chain() -> nn.Module:
    """Convolutions, poolings and a linear layer without biases."""
    torch.manual_seed(0)
    layers = OrderedDict(
        conv1=nn.Conv2d(2, 4, 3, padding=1, bias=False),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(4, 5, 3, bias=False),
        relu2=nn.ReLU(),
        pool2=nn.AvgPool2d(2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(20, 7, bias=False),
        relu3=nn.ReLU(),
        fc2=nn.Linear(7, 3, bias=False),
    )
    return nn.Sequential(layers).double()


def normalised() -> nn.Module:
    """A convolution with batch normalisation, and linear layers."""
    torch.manual_seed(1)
    layers = OrderedDict(
        conv=nn.Conv2d(1, 4, 3),
        norm=nn.BatchNorm2d(4),
        relu1=nn.ReLU(),
        flatten=nn.Flatten(),
        fc1=nn.Linear(16, 5),
        relu2=nn.ReLU(),
        fc2=nn.Linear(5, 3),
    )
    return nn.Sequential(layers)


def vgg16() -> nn.Module:
    torch.manual_seed(0)
    return MODELS["vgg16"].build(MODELS["vgg16"].widths, (3, 32, 32), 10).eval()


def norms_of(model: nn.Module) -> Iterator[nn.BatchNorm2d]:
    return (module for module in model.modules() if isinstance(module, nn.BatchNorm2d))


def flow_of(model: nn.Module, image_shape: tuple[int, int, int]) -> Tensor:
    """What comes out of a network of positive weights, without shifts, for an image of ones."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
        return model(torch.ones(1, *image_shape, dtype=torch.float64)).sum()


def test_what_flows_out_flows_through_every_layer():
    found = SynFlow().weight_scores(chain(), blank((2, 12, 12)), 0)
    units = SynFlow().scores(chain(), blank((2, 12, 12)), 0)
    flow = flow_of(chain(), (2, 12, 12))
    assert list(found) == ["conv1", "conv2", "fc1", "fc2"]
    for values in (*found.values(), *units.values()):
        torch.testing.assert_close(values.sum(), flow, rtol=1e-12, atol=0)


def test_as_much_flows_through_each_of_vgg16s_layers_whatever_its_normalisation():
    model, generator = vgg16(), torch.Generator().manual_seed(2)
    with torch.no_grad():
        for norm in norms_of(model):
            norm.weight.copy_(torch.randn(len(norm.weight), generator=generator))
            norm.running_var.copy_(torch.rand(len(norm.weight), generator=generator) + 0.1)
    found = SynFlow().weight_scores(model, blank((3, 32, 32)), 0)
    sums = torch.stack([values.sum() for values in found.values()])
    assert len(sums) == 14
    torch.testing.assert_close(sums, sums[:1].expand(14), rtol=1e-12, atol=0)
    assert sums[0] > 0


def test_the_scores_of_a_toy_are_those_made_by_hand():
    toy = nn.Sequential(OrderedDict(flat=nn.Flatten(), a=nn.Linear(2, 2), relu=nn.ReLU(), b=nn.Linear(2, 1)))
    with torch.no_grad():
        toy.a.weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 0.5]]))
        toy.b.weight.copy_(torch.tensor([[-4.0, 1.0]]))
    found = SynFlow().weight_scores(toy, blank((1, 1, 2)), 0)
    assert found["a"].tolist() == [[4.0, 8.0], [3.0, 0.5]]
    assert found["b"].tolist() == [[12.0, 3.5]]
    assert SynFlow().scores(toy, blank((1, 1, 2)), 0)["a"].tolist() == [12.0, 3.5]


def shift_biases(model: nn.Module) -> None:
    for name in ("conv", "fc1", "fc2"):
        model.get_submodule(name).bias.add_(3.0)


def shift_norms(model: nn.Module) -> None:
    model.norm.bias.add_(3.0)
    model.norm.running_mean.sub_(3.0)


def turn_signs(model: nn.Module) -> None:
    for parameter in model.parameters():
        parameter.neg_()


def scale_norms(model: nn.Module) -> None:
    model.norm.weight[0] = 2.0


def widen_norms(model: nn.Module) -> None:
    model.norm.running_var[0] = 9.0


def scores_after(change: Callable[[nn.Module], None], data: Split) -> list[Tensor]:
    model = normalised()
    with torch.no_grad():
        change(model)
    return list(SynFlow().weight_scores(model, data, 0).values())


@pytest.mark.parametrize("change", [shift_biases, shift_norms, turn_signs])
def test_shifts_and_signs_change_nothing(change: Callable[[nn.Module], None]):
    before = scores_after(lambda _: None, blank((1, 4, 4)))
    assert all(map(torch.equal, scores_after(change, blank((1, 4, 4))), before))


@pytest.mark.parametrize("change", [scale_norms, widen_norms])
def test_a_normalisations_scale_counts(change: Callable[[nn.Module], None]):
    before, after = (scores_after(how, blank((1, 4, 4))) for how in (lambda _: None, change))
    assert not any(map(torch.equal, after, before))


def test_the_images_themselves_are_not_looked_at(noise_split: Callable[..., Split]):
    before, after = (scores_after(lambda _: None, data) for data in (blank((1, 4, 4)), noise_split(9)))
    assert all(map(torch.equal, after, before))


def test_scores_are_finite_where_float32_overflows(mlp: nn.Module):
    with torch.no_grad():
        for parameter in mlp.parameters():
            parameter.mul_(1e15)
        assert mlp.fc3(torch.relu(mlp.fc2(torch.relu(mlp.fc1(torch.ones(1, 16)))))).isinf().any()
    found = SynFlow().weight_scores(mlp, blank((1, 4, 4)), 0)
    sums = torch.stack([values.sum() for values in found.values()])
    assert all(values.isfinite().all() for values in found.values())
    torch.testing.assert_close(sums, sums[:1].expand(3), rtol=1e-12, atol=0)
    assert sums[0] > 1e40


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_rounds_keep_every_layer_of_lenet5_where_a_single_one_empties_some(seed: int):
    model = architecture("lenet5", (1, 28, 28), 10).build(seed)
    many, once = (
        SynFlow(rounds=rounds).masks(Task(model, blank((1, 28, 28))), (0.9,), Selection())[0] for rounds in (100, 1)
    )
    assert sum(many.kept.values()) == sum(once.kept.values()) == 226 - 203
    assert not many.collapsed
    assert once.collapsed


def best(scores: Tensor, count: int) -> Tensor:
    """Choose exactly so many of the highest scores; of equal ones the first."""
    least = scores.kthvalue(len(scores) - count + 1).values
    chosen = scores > least
    chosen[(scores == least).nonzero().flatten()[: count - int(chosen.sum())]] = True
    return chosen


def scores_of(model: nn.Module, left: dict[str, Tensor]) -> Tensor:
    """Score the weights left, all layers in a row."""
    found = SynFlow().weight_scores(model, blank((3, 32, 32)), 0)
    return torch.cat([found[name].flatten()[places] for name, places in left.items()])


def narrowed(left: dict[str, Tensor], chosen: Tensor) -> dict[str, Tensor]:
    """Leave the chosen ones only."""
    parts = chosen.split([len(places) for places in left.values()])
    return {name: places[part] for (name, places), part in zip(left.items(), parts, strict=True)}


@torch.no_grad()
def keep_only(model: nn.Module, left: dict[str, Tensor]) -> None:
    """Set all other weights to 0."""
    for name, weight in weights_of(model).items():
        values = weight.flatten()[left[name]]
        weight.zero_().view(-1)[left[name]] = values


def test_of_equal_scores_the_first_are_chosen():
    assert best(torch.tensor([1.0, 0.0, 2.0, 1.0, 1.0]), 3).tolist() == [True, False, True, True, False]
    assert best(torch.zeros(4), 2).tolist() == [True, True, False, False]


def test_a_hundred_rounds_leave_weights_in_all_of_vgg16s_layers_at_a_compression_of_100_000():
    model, rounds = vgg16(), 100
    left = {name: torch.arange(weight.numel()) for name, weight in weights_of(model).items()}
    scores = scores_of(model, left)
    weights, target = len(scores), round(len(scores) / COMPRESSION)
    at_once = [len(places) for places in narrowed(left, best(scores, target)).values()]
    for number in range(1, rounds + 1):
        left = narrowed(left, best(scores, round(weights * COMPRESSION ** -(number / rounds))))
        keep_only(model, left)
        scores = scores_of(model, left)
    kept = [len(places) for places in left.values()]
    assert sum(kept) == sum(at_once) == target == 147
    assert len(kept) == 14
    assert min(at_once) == 0
    assert min(kept) >= 1
    assert scores.sum() > 0

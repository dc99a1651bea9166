"""GraSP: weights times the Hessian's product with the gradient, against the dense Hessian."""

from collections import OrderedDict
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.cutting.selection import Selection
from mipp_core.data.dataset import Split
from mipp_core.pruners import Task
from mipp_core.pruners.grasp import Grasp, IterativeGrasp, gradient_of_half_squared_gradient

WEIGHTS = ("conv.weight", "fc1.weight", "fc2.weight")


def halves(split: Split, per_class: int, seed: int) -> Iterator[Split]:
    """The samples that GraSP looks at, in its own parts."""
    drawn = split.stratified(3 * per_class, torch.Generator().manual_seed(seed))
    middle = (len(drawn) + 1) // 2
    yield drawn.take(torch.arange(middle))
    yield drawn.take(torch.arange(middle, len(drawn)))


def summed(parts: list[Split], temperature: float) -> Callable[[Callable[[Tensor], Tensor]], Tensor]:
    """The sum of the parts' mean losses."""
    return lambda network: sum(
        functional.cross_entropy(network(part.images) / temperature, part.labels) for part in parts
    )


@pytest.mark.parametrize("per_class", [3, 4], ids=["unequal halves", "equal halves"])
@pytest.mark.parametrize("temperature", [1.0, 200.0])
def test_a_weights_score_is_the_weight_times_its_entry_of_hg(
    tiny: nn.Module, doubles, expand, same, temperature: float, per_class: int
):
    split = doubles()
    dense = expand(tiny, WEIGHTS, summed(list(halves(split, per_class, 5)), temperature))
    expected = dense.apart(dense.point * (dense.hessian @ dense.gradient))
    found = Grasp(per_class=per_class, temperature=temperature).weight_scores(tiny, split, 5)
    same({f"{name}.weight": scores for name, scores in found.items()}, expected)


def test_the_temperature_does_more_than_scale(tiny: nn.Module, doubles):
    cold, hot = (Grasp(temperature=t).weight_scores(tiny, doubles(), 0)["fc1"] for t in (1.0, 200.0))
    assert not torch.allclose(cold / cold.abs().max(), hot / hot.abs().max(), rtol=0, atol=1e-2)


def normalised() -> nn.Module:
    """A convolution with batch normalisation that has seen other data, and a linear layer."""
    torch.manual_seed(6)
    layers = OrderedDict(
        conv=nn.Conv2d(1, 3, 3),
        norm=nn.BatchNorm2d(3),
        relu=nn.ReLU(),
        pool=nn.AvgPool2d(2),
        flatten=nn.Flatten(),
        fc=nn.Linear(12, 3),
    )
    model = nn.Sequential(layers).double()
    with torch.no_grad():
        model.norm.weight.uniform_(0.5, 2.0)
        model.norm.bias.uniform_(-1.0, 1.0)
        model.norm.running_mean.fill_(0.7)
        model.norm.running_var.fill_(3.0)
    return model.eval()


def by_hand(model: nn.Module, vector: Tensor, images: Tensor, training: bool) -> Tensor:
    """The network's logits for weights in a row; in training, batch normalisation uses the batch's statistics."""
    conv, fc = vector[:27].view(3, 1, 3, 3), vector[27:].view(3, 12)
    maps = functional.conv2d(images, conv, model.conv.bias.detach())
    centre, spread = model.norm.running_mean.view(1, -1, 1, 1), model.norm.running_var.view(1, -1, 1, 1)
    if training:
        centre = maps.mean((0, 2, 3), keepdim=True)
        spread = (maps - centre).square().mean((0, 2, 3), keepdim=True)
    maps = (maps - centre) / (spread + model.norm.eps).sqrt()
    maps = maps * model.norm.weight.detach().view(1, -1, 1, 1) + model.norm.bias.detach().view(1, -1, 1, 1)
    return functional.linear(functional.avg_pool2d(maps.relu(), 2).flatten(1), fc, model.fc.bias.detach())


def test_batch_normalisation_uses_each_halfs_statistics_and_the_networks_own_stay(doubles, same, state_of):
    model, split = normalised(), doubles()
    parts, before = list(halves(split, 4, 1)), state_of(model)
    found = Grasp(per_class=4, temperature=2.0).weight_scores(model, split, 1)
    assert state_of(model) == before
    vector = torch.cat([model.conv.weight.detach().flatten(), model.fc.weight.detach().flatten()])

    def products(parts: list[Split], training: bool) -> Tensor:
        def loss(at: Tensor) -> Tensor:
            return summed(parts, 2.0)(lambda images: by_hand(model, at, images, training))

        slope = torch.func.grad(loss)
        return vector * (torch.func.jacrev(slope)(vector) @ slope(vector))

    def row() -> Tensor:
        return torch.cat([scores.flatten() for scores in found.values()])

    same({"all": row()}, {"all": products(parts, training=True)})
    whole = [Split(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))]
    for other in (products(parts, training=False), 4 * products(whole, training=True)):
        assert (row() - other).abs().max() > 1e-3 * row().abs().max()


def test_a_units_score_is_the_sum_of_sizes_or_the_sum_with_signs(tiny: nn.Module, doubles, same):
    split = doubles()
    weights = Grasp(temperature=1.0).weight_scores(tiny, split, 0)
    signed, sizes = (Grasp(reduce=how, temperature=1.0).scores(tiny, split, 0) for how in ("sum", "l1"))
    same(signed, {name: weights[name].flatten(1).sum(1) for name in ("conv", "fc1")})
    same(sizes, {name: weights[name].abs().flatten(1).sum(1) for name in ("conv", "fc1")})
    assert min(values.min() for values in signed.values()) < 0
    assert Grasp() == Grasp(reduce="l1")


def half_squared_gradient(model: nn.Module, parts: list[Split], temperature: float) -> float:
    weights = [model.get_submodule(name).weight for name in ("conv", "fc1", "fc2")]
    slopes = torch.autograd.grad(summed(parts, temperature)(model), weights)
    return sum(slope.square().sum().item() for slope in slopes) / 2


def turned_down(model: nn.Module, chosen: dict[str, Tensor], share: float) -> nn.Module:
    """The network with a share of the chosen weights taken away, in place."""
    with torch.no_grad():
        for name, mask in chosen.items():
            model.get_submodule(name).weight.mul_(1 - share * mask)
    return model


def test_taking_a_weight_away_lowers_the_gradient_by_its_score(tiny: nn.Module, doubles):
    split, step = doubles(), 1e-6
    parts, scores = list(halves(split, 5, 0)), Grasp(per_class=5, temperature=1.0).weight_scores(tiny, split, 0)
    for name, values in scores.items():
        place = values.flatten().abs().argmax()
        only = {name: torch.zeros_like(values)}
        only[name].view(-1)[place] = 1.0
        less = half_squared_gradient(turned_down(tiny, only, step), parts, 1.0)
        turned_down(tiny, only, 1 - 1 / (1 - step))
        more = half_squared_gradient(turned_down(tiny, only, -step), parts, 1.0)
        turned_down(tiny, only, 1 - 1 / (1 + step))
        expected = values.flatten()[place].item()
        assert (more - less) / (2 * step) == pytest.approx(expected, rel=1e-4)


def test_the_highest_scored_weights_are_those_the_gradient_needs_most(tiny: nn.Module, doubles):
    split, share = doubles(), 1e-4
    parts, scores = list(halves(split, 5, 0)), Grasp(per_class=5, temperature=1.0).weight_scores(tiny, split, 0)
    order = torch.cat([values.flatten() for values in scores.values()]).argsort(descending=True)
    tenth, sizes = len(order) // 10, [values.numel() for values in scores.values()]
    before, changes = half_squared_gradient(tiny, parts, 1.0), []
    for chosen in (order[:tenth], order[-tenth:]):
        mask = torch.zeros(len(order), dtype=torch.float64)
        mask[chosen] = 1.0
        pieces = {n: piece.view_as(scores[n]) for n, piece in zip(scores, mask.split(sizes), strict=True)}
        changes.append(half_squared_gradient(turned_down(tiny, pieces, share), parts, 1.0) - before)
        turned_down(tiny, pieces, 1 - 1 / (1 - share))
    assert changes[0] < 0 < changes[1]


def test_hg_of_a_quadratic_is_its_matrix_times_its_slope():
    matrix = torch.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    at = torch.tensor([1.0, -1.0], dtype=torch.float64, requires_grad=True)
    (found,) = gradient_of_half_squared_gradient([at @ matrix @ at / 2], [at])
    assert found.tolist() == (matrix @ (matrix @ at.detach())).tolist() == [0.0, -5.0]


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_iterative_grasp_of_a_single_round_is_grasp(tiny: nn.Module, doubles, scope: str):
    task, wanted = Task(tiny, doubles(), 2), (0.0, 0.25, 0.5, 1.0)
    once, rounds = (kind.masks(task, wanted, Selection(scope)) for kind in (Grasp(), IterativeGrasp(rounds=1)))
    assert rounds == once


def test_rounds_score_a_network_with_batch_normalisation_to_the_end(noise_split):
    model, split = normalised().float(), noise_split(60, (1, 6, 6))
    masks = IterativeGrasp(rounds=3, per_class=5).masks(Task(model, split), (0.34, 0.67, 1.0), Selection())
    assert [each.kept for each in masks] == [{"conv": 2}, {"conv": 1}, {"conv": 0}]

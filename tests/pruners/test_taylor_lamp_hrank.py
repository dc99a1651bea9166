"""Taylor, LAMP and HRank, each against a slow, obvious twin."""

from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from mipp_core.cutting.selection import keep_global
from mipp_core.data.dataset import Split
from mipp_core.models import architecture
from mipp_core.network.layers import wiring_of
from mipp_core.pruners.hrank import HRank
from mipp_core.pruners.lamp import Lamp, lamp
from mipp_core.pruners.taylor import Taylor


@pytest.mark.parametrize(("samples", "batch_size"), [(24, 6), (30, 30), (30, 1), (20, 7)])
def test_taylor_averages_the_batches_squared_slopes_by_a_gate(
    tiny: nn.Module, doubles, gated, open_gates, same, samples: int, batch_size: int
):
    split = doubles()
    drawn = split.stratified(samples, torch.Generator().manual_seed(3))
    batches = [
        Split(images, labels)
        for images, labels in zip(drawn.images.split(batch_size), drawn.labels.split(batch_size), strict=True)
    ]
    slopes = [torch.func.grad(lambda gates, batch=batch: gated(tiny, gates, batch))(open_gates) for batch in batches]
    expected = {name: torch.stack([slope[name] ** 2 for slope in slopes]).mean(0) for name in open_gates}
    same(Taylor(samples=samples, batch_size=batch_size).scores(tiny, split, 3), expected)


def test_taylor_is_not_the_square_of_the_mean_slope(tiny: nn.Module, doubles):
    whole, single = (Taylor(batch_size=size).scores(tiny, doubles(), 0) for size in (30, 1))
    assert all((single[name] >= whole[name] - 1e-12).all() for name in whole)
    assert any((single[name] > 2 * whole[name]).any() for name in whole)


def lamp_by_hand(weights: Tensor) -> list[float]:
    """Each unit's squared norm over that of itself and the larger ones."""
    squares = [(row**2).sum().item() for row in weights.double()]
    return [
        own / sum(other for j, other in enumerate(squares) if other > own or (other == own and j <= i))
        for i, own in enumerate(squares)
    ]


@pytest.mark.parametrize("family", ["mlp", "lenet5"])
def test_lamp_compares_each_unit_with_the_larger_ones_of_its_layer(small_architecture, noise_split, family: str):
    found = small_architecture(family)
    model, split = found.build(seed=2).double(), noise_split(3, found.image_shape)
    scores = Lamp().scores(model, split, 0)
    for layer in wiring_of(model).layers:
        expected = lamp_by_hand(model.get_submodule(layer.name).weight.detach())
        assert scores[layer.name].tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_a_layers_largest_unit_scores_exactly_1_in_lamp_and_only_it(noise_split, seed: int):
    model = architecture("lenet5", (1, 28, 28), 10).build(seed)
    for name, scores in Lamp().scores(model, noise_split(3), 0).items():
        assert (scores == 1.0).nonzero().flatten().tolist() == [
            int(model.get_submodule(name).weight.flatten(1).norm(dim=1).argmax())
        ]


def test_no_layer_goes_before_the_others_smaller_units_in_lamp(noise_split):
    model = architecture("lenet5", (1, 28, 28), 10).build(3)
    with torch.no_grad():
        model.conv2.weight.mul_(1e-3)
    masks = keep_global(Lamp().scores(model, noise_split(3), 0), 1 - 4 / 226)
    assert list(masks.kept.values()) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("squares", "expected"),
    [
        ([1.0, 4.0, 3.0], [1 / 8, 1.0, 3 / 7]),
        ([2.0, 2.0, 2.0, 2.0], [1.0, 1 / 2, 1 / 3, 1 / 4]),
        ([0.0, 5.0, 0.0], [0.0, 1.0, 0.0]),
        ([0.0, 0.0], [0.0, 0.0]),
        ([7.0], [1.0]),
    ],
    ids=["drawn", "equal", "dead units", "a dead layer", "one unit"],
)
def test_lamp_by_hand(squares: list[float], expected: list[float]):
    assert lamp(torch.tensor(squares)).tolist() == pytest.approx(expected)


def maps_of_rank(rank: int, height: int = 4, width: int = 4) -> Tensor:
    """An image of positive numbers and of this rank."""
    generator = torch.Generator().manual_seed(rank)
    factors = torch.rand(height, rank, generator=generator) + 0.1, torch.rand(rank, width, generator=generator) + 0.1
    return (factors[0] @ factors[1]).view(1, 1, height, width)


def five_filters(height: int = 4, width: int = 4, flat: bool = False) -> nn.Module:
    """Filters that copy the image, copy its first row or its first column, are always 1, or always 0."""
    layers = OrderedDict(conv=nn.Conv2d(1, 5, 1), relu=nn.ReLU(), last=nn.Conv2d(5, 3, 1))
    if flat:
        layers |= OrderedDict(flatten=nn.Flatten(), last=nn.Linear(5 * height * width, 3))
        layers.move_to_end("last")
    model = nn.Sequential(layers)
    with torch.no_grad():
        model.conv.weight.copy_(torch.tensor([1.0, 3.0, -1.0, 0.0, 0.0]).view(5, 1, 1, 1))
        model.conv.bias.copy_(torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0]))
    return model


@pytest.mark.parametrize("flat", [False, True], ids=["read as maps", "read in a row"])
@pytest.mark.parametrize("size", [(4, 4), (4, 6), (6, 3), (2, 8)])
def test_hrank_averages_the_ranks_of_a_filters_maps(size: tuple[int, int], flat: bool):
    ranks = [rank for rank in (1, 2, 3, 2) if rank <= min(size)]
    split = Split(torch.cat([maps_of_rank(rank, *size) for rank in ranks]), torch.arange(len(ranks)) % 3)
    scores = HRank().scores(five_filters(*size, flat), split, 0)
    mean = sum(ranks) / len(ranks)
    assert scores["conv"].tolist() == pytest.approx([mean, mean, 0.0, 1.0, 0.0])


def test_hrank_is_the_numpy_rank_of_what_the_next_layer_reads(noise_split):
    model, split = architecture("lenet5", (1, 20, 20), 3, (3, 4, 5, 6)).build(1).eval(), noise_split(12, (1, 20, 20))
    first = model.pool1(model.conv1(split.images).relu())
    second = model.pool2(model.conv2(first).relu())
    scores = HRank().scores(model, split, 0)
    for name, maps in (("conv1", first), ("conv2", second)):
        ranks = [[torch.linalg.matrix_rank(one).item() for one in image] for image in maps]
        assert scores[name].tolist() == pytest.approx(torch.tensor(ranks).float().mean(0).tolist())
    assert 1 < scores["conv1"].max() <= 10


def test_hrank_of_a_neuron_is_the_share_of_images_on_which_it_is_active(mlp: nn.Module, noise_split):
    split = noise_split(30)
    hidden = mlp.fc1(split.images.flatten(1)).relu()
    scores = HRank().scores(mlp, split, 0)
    assert scores["fc1"].tolist() == pytest.approx((hidden > 0).float().mean(0).tolist())
    assert 0 < scores["fc1"].min() < scores["fc1"].max() <= 1


def test_hrank_looks_at_as_many_samples_as_it_is_told_drawn_evenly(noise_split):
    model, split = five_filters(), Split(torch.cat([maps_of_rank(1 + n % 3) for n in range(30)]), torch.arange(30) % 3)
    assert HRank(samples=6).scores(model, split, 0)["conv"][0] == pytest.approx(2.0)
    drawn = split.stratified(7, torch.Generator().manual_seed(5))
    few, same = HRank(samples=7).scores(model, split, 5), HRank().scores(model, drawn, 0)
    assert few["conv"].tolist() == pytest.approx(same["conv"].tolist())

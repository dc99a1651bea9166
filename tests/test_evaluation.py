import pytest
import torch
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import masked
from mipp_core.data.dataset import Split
from mipp_core.evaluation import accuracy, at_once, chance, is_untrainable, macs, parameters, quick_pools
from mipp_core.models import architecture
from mipp_core.network.layers import wiring_of


class Echo(nn.Module):
    """Names the class that is written in the image's first pixel."""

    def forward(self, images: Tensor) -> Tensor:
        return nn.functional.one_hot(images[:, 0, 0, 0].long(), 3).float()


def split(said: list[int], labels: list[int]) -> Split:
    return Split(torch.tensor(said).float().view(-1, 1, 1, 1), torch.tensor(labels))


@pytest.mark.parametrize("batch_size", [1, 3, 4, 7, 100])
def test_accuracy_counts_every_sample_once_in_uneven_batches(batch_size: int):
    data = split([0, 1, 2, 0, 1, 2, 0], [0, 1, 2, 1, 1, 0, 2])
    assert accuracy(Echo(), data, batch_size) == pytest.approx(4 / 7)


@pytest.mark.parametrize(("labels", "expected"), [([1, 1], 1.0), ([0, 2], 0.0)])
def test_accuracy_reaches_both_ends(labels: list[int], expected: float):
    assert accuracy(Echo(), split([1, 1], labels)) == expected


def test_accuracy_is_taken_in_evaluation_mode():
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.Dropout(0.999999)).train()
    data = Split(torch.ones(50, 1, 2, 2), torch.zeros(50, dtype=torch.int64))
    with torch.no_grad():
        net[1].bias.copy_(torch.tensor([-100.0, 100.0]))
    assert accuracy(net, data) == 0.0


def test_lenet5_costs_what_a_calculation_by_hand_says():
    """Filters, positions and kernel sizes: 6*28*28*25 + 16*10*10*6*25 + 400*120 + 120*84 + 84*10."""
    lenet5 = architecture("lenet5", (1, 28, 28), 10).build()
    assert parameters(lenet5) == 156 + 2_416 + 48_120 + 10_164 + 850 == 61_706
    assert macs(lenet5, (1, 28, 28)) == 117_600 + 240_000 + 48_000 + 10_080 + 840 == 416_520


def test_a_perceptron_multiplies_once_a_weight():
    mlp = architecture("mlp", (1, 28, 28), 10).build()
    assert macs(mlp, (1, 28, 28)) == 784 * 300 + 300 * 100 + 100 * 10
    assert parameters(mlp) == macs(mlp, (1, 28, 28)) + 410


def test_strides_and_groups_are_counted():
    net = nn.Conv2d(4, 8, 3, stride=2, groups=2)
    assert macs(net, (4, 9, 9)) == 8 * 4 * 4 * (2 * 9)


def test_a_convolution_in_double_precision_is_counted_too():
    assert macs(nn.Conv2d(1, 1, 3, dtype=torch.float64), (1, 3, 3)) == 9


def test_counting_leaves_the_network_as_it_was(mlp: nn.Module, state_of):
    mlp.train()
    before = state_of(mlp)
    macs(mlp, (1, 4, 4))
    assert state_of(mlp) == before


def test_chance_is_the_commonest_class():
    assert chance(split([0] * 5, [0, 1, 1, 2, 1])) == pytest.approx(3 / 5)


def test_untrainable_is_chance_within_three_standard_errors():
    data = split([0] * 400, [0, 1] * 200)
    limit = 0.5 + 3 * 0.5 / 20
    assert is_untrainable(0.1, data)
    assert is_untrainable(limit - 1e-6, data)
    assert not is_untrainable(limit + 1e-6, data)


def test_accuracy_leaves_every_training_flag_as_it_was():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 2)).train()
    model[1].eval()
    accuracy(model, Split(torch.zeros(3, 1, 2, 2), torch.zeros(3, dtype=torch.int64)))
    assert [module.training for module in model] == [True, False, True]


def test_a_masked_network_costs_as_much_as_the_dense_one(small_architecture):
    made = small_architecture("lenet5")
    model = made.build()
    keep = KeepMasks({layer.name: torch.arange(layer.units) > 0 for layer in wiring_of(model).layers})
    assert macs(masked(model, keep), made.image_shape) == macs(model, made.image_shape)


@pytest.mark.parametrize(
    ("shape", "device", "count"),
    [
        ((3, 32, 32), "cpu", 48),
        ((1, 28, 28), "cpu", 191),
        ((3, 224, 224), "cpu", 8),
        ((1, 1, 1), "cpu", 2000),
        ((), "cpu", 2000),
        ((3, 32, 32), "cuda", 2000),
        ((3, 224, 224), "cuda", 265),
        ((3, 9000, 9000), "cuda", 1),
    ],
)
def test_a_cpu_is_shown_few_images_at_once(shape: tuple[int, ...], device: str, count: int):
    assert at_once(shape, torch.device(device), 2000) == count
    assert at_once(shape, torch.device(device), 3) == min(3, count)


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize(
    "pool", [nn.MaxPool2d(2), nn.MaxPool2d(3), nn.MaxPool2d(2, 1), nn.MaxPool2d(2, ceil_mode=True)]
)
def test_quick_pools_give_the_same_numbers(pool: nn.MaxPool2d, size: int):
    images = torch.randn(3, 2, size, size, generator=torch.Generator().manual_seed(0))
    images[0, 0, 0, 0] = torch.nan
    with torch.no_grad():
        wanted = pool(images)
        with quick_pools(pool):
            assert torch.equal(pool(images).nan_to_num(9.0), wanted.nan_to_num(9.0))
    assert "forward" not in vars(pool)


def test_quick_pools_leave_gradients_to_pytorch():
    images, pool = torch.randn(1, 1, 4, 4, requires_grad=True), nn.MaxPool2d(2)
    with quick_pools(pool):
        pool(images).sum().backward()
    assert images.grad is not None
    assert images.grad.sum() == 4

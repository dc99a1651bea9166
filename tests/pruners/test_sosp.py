"""SOSP-H: both orders of a unit's removal, against the dense gradient and Hessian."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.data.dataset import Split
from mipp_core.network.layers import wiring_of
from mipp_core.pruners.sosp import Sosp


def mean_loss(split: Split):
    return lambda network: functional.cross_entropy(network(split.images), split.labels)


def parameters_of(model: nn.Module) -> list[str]:
    """The weights and biases of all units; the last layer has none."""
    units = wiring_of(model).names
    return [name for name, _ in model.named_parameters() if name.rsplit(".", 1)[0] in units]


def per_unit(products: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Add up what belongs to each unit, one after another."""

    def total(name: str, unit: int) -> Tensor:
        return products[f"{name}.weight"][unit].sum() + products[f"{name}.bias"][unit]

    layers = wiring_of(model).layers
    return {layer.name: torch.stack([total(layer.name, unit) for unit in range(layer.units)]) for layer in layers}


def owners(shapes: dict[str, torch.Size]) -> Tensor:
    """A number for each weight and bias: the same for those of one unit."""
    layers = list(dict.fromkeys(name.rsplit(".", 1)[0] for name in shapes))
    parts = [
        torch.arange(shape[0]).repeat_interleave(shape.numel() // shape[0]) + 100 * layers.index(name.rsplit(".", 1)[0])
        for name, shape in shapes.items()
    ]
    return torch.cat(parts)


@pytest.mark.parametrize("batch_size", [1, 7, 30])
@pytest.mark.parametrize("family", ["tiny", "mlp"])
def test_a_units_score_is_its_first_order_and_half_its_second_with_all_units_together(
    tiny: nn.Module, mlp: nn.Module, doubles, expand, same, family: str, batch_size: int
):
    model, split = (tiny, doubles()) if family == "tiny" else (mlp.double(), doubles(30, (1, 4, 4)))
    dense = expand(model, parameters_of(model), mean_loss(split))
    first = per_unit(dense.apart(dense.point * dense.gradient), model)
    second = per_unit(dense.apart(dense.point * (dense.hessian @ dense.point)), model)
    expected = {name: first[name].abs() + second[name].abs() / 2 for name in first}
    same(Sosp(samples=500, batch_size=batch_size).scores(model, split, 0), expected)
    assert all((second[name].abs() > 1e-4 * first[name].abs().max()).any() for name in first)


def test_the_second_order_is_not_that_of_each_unit_alone(tiny: nn.Module, doubles, expand):
    split = doubles()
    dense = expand(tiny, parameters_of(tiny), mean_loss(split))
    owner = owners(dense.shapes)
    alone = dense.hessian * (owner[:, None] == owner)
    first, second = (
        per_unit(dense.apart(dense.point * values), tiny) for values in (dense.gradient, alone @ dense.point)
    )
    found = Sosp(samples=500).scores(tiny, split, 0)
    for name, scores in found.items():
        assert not torch.allclose(scores, first[name].abs() + second[name].abs() / 2, rtol=1e-2)


def test_the_samples_are_drawn_evenly_from_the_classes(tiny: nn.Module, doubles, same):
    split = doubles()
    drawn = split.stratified(6, torch.Generator().manual_seed(3))
    same(Sosp(samples=6).scores(tiny, split, 3), Sosp(samples=500).scores(tiny, drawn, 0))

"""Of every part of a network: what pruning can do to it, why, and how much of the whole is within reach."""

import pytest
import torch
from fates import WANTED
from followers import COUNTED, SHAPE, built
from torch import nn

from mipp_core.cutting.inspection import Inspection, inspect
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import shrink
from mipp_core.errors import ModelError
from mipp_core.evaluation import macs, parameters
from mipp_core.models import MODELS
from mipp_core.network.layers import wiring_of
from mipp_core.network.recording import recorded


def inspected(kind: str) -> tuple[nn.Module, tuple[int, ...], Inspection]:
    make, shape, _ = WANTED[kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make().eval()
        return model, shape, inspect(model, torch.randn(2, *shape))


@pytest.mark.parametrize("kind", WANTED)
def test_every_part_has_its_fate_and_the_reason(kind: str):
    _, _, found = inspected(kind)
    assert {row.name: (row.fate, row.why) for row in found.rows} == WANTED[kind][2]
    assert [row.name for row in found.rows] == [*WANTED[kind][2]]


@pytest.mark.parametrize("kind", WANTED)
def test_rows_name_what_prunes_and_its_units(kind: str):
    model, shape, found = inspected(kind)
    wiring = wiring_of(recorded(model, torch.zeros(2, *shape)))
    assert {row.name: row.units for row in found.rows if row.fate == "pruned"} == {
        layer.name: layer.units for layer in wiring.layers
    }


@pytest.mark.parametrize("kind", WANTED)
def test_the_least_is_what_a_network_of_one_unit_per_layer_really_has(kind: str):
    model, shape, found = inspected(kind)
    network = recorded(model, torch.zeros(2, *shape))
    masks = KeepMasks({layer.name: torch.arange(layer.units) == 0 for layer in wiring_of(network).layers})
    slim = shrink(network, masks)
    assert (found.least.units, found.least.parameters, found.least.macs) == (
        len(masks),
        parameters(slim),
        macs(slim, shape),
    )
    assert (found.dense.parameters, found.dense.macs) == (parameters(model), macs(network, shape))
    assert found.reach == {
        "parameters": 1 - parameters(slim) / parameters(model),
        "macs": 1 - macs(slim, shape) / macs(network, shape),
    }


@pytest.mark.parametrize("name", COUNTED)
def test_rows_have_all_parameters_once_and_the_network_is_left_as_it_was(name: str, state_of):
    model = built(name)
    before = state_of(model)
    found = inspect(model, torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0)))
    assert state_of(model) == before
    assert sum(row.parameters for row in found.rows) == parameters(model)


@pytest.mark.parametrize("name", [name for name, card in MODELS.items() if card.widths])
def test_shapes_alone_tell_as_much_as_numbers(name: str, small_architecture):
    wanted = small_architecture(name)
    images = torch.randn(2, *wanted.image_shape, generator=torch.Generator().manual_seed(0))
    assert inspect(wanted.sketch().eval(), images) == inspect(wanted.build(0).eval(), images)


def test_images_become_what_the_weights_are():
    half = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).double()
    assert inspect(half, torch.zeros(2, 6)).least.parameters == 7 + 6


def test_a_network_without_a_layer_that_can_be_pruned_is_refused():
    with pytest.raises(ModelError, match="has 1 convolution or linear layers and none that can be pruned"):
        inspect(nn.Sequential(nn.Linear(6, 3)), torch.zeros(2, 6))


def test_a_recorded_network_can_be_looked_at_again():
    network = recorded(built("gated"), torch.zeros(2, *SHAPE))
    assert inspect(network, torch.zeros(2, *SHAPE)) == inspect(built("gated"), torch.zeros(2, *SHAPE))


def test_the_sentences_count_and_round_down():
    _, _, found = inspected("direct")
    first, second = found.words()
    assert first.startswith("2 layers can be pruned, 1 part goes with their units, 3 stay whole, 1 part that ")
    left = found.least.parameters / found.dense.parameters
    (shown,) = [float(word.rstrip("%")) for word in second.split() if word.endswith("%")][:1]
    assert 0 <= 100 * (1 - left) - shown < 0.1

"""What every entry of the registry of models promises."""

from collections.abc import Callable

import pytest
import torch

from mipp_core.layers import wiring_of
from mipp_core.models import MODELS, Architecture, architecture

Make = Callable[[str], Architecture]


@pytest.mark.parametrize("name", MODELS)
def test_its_card_names_the_prunable_layers_that_are_there(name: str):
    card = MODELS[name]
    chain = wiring_of(architecture(name, (1, 28, 28), 10).build())
    assert chain.names == card.layers
    assert tuple(layer.units for layer in chain.layers) == card.widths
    assert len(card.description) > 10


@pytest.mark.parametrize("name", MODELS)
def test_its_widths_are_its_layers_units_in_order(name: str, small_architecture: Make):
    found = small_architecture(name)
    narrow = found.with_widths(tuple(range(2, 2 + len(found.widths))))
    assert tuple(layer.units for layer in wiring_of(narrow.build()).layers) == narrow.widths


@pytest.mark.parametrize("name", MODELS)
def test_one_unit_a_layer_still_runs(name: str, small_architecture: Make):
    found = small_architecture(name).with_widths((1,) * len(MODELS[name].layers))
    assert found.build()(torch.zeros(2, *found.image_shape)).shape == (2, found.classes)


@pytest.mark.parametrize("name", MODELS)
def test_building_is_seeded_and_leaves_the_global_random_state_alone(name: str, small_architecture: Make):
    found, state = small_architecture(name), torch.random.get_rng_state()
    one, same, other = (found.build(seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not any(torch.equal(one[key], other[key]) for key in one)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", MODELS)
def test_a_sample_is_answered_alike_in_any_company(name: str, small_architecture: Make, noise_split):
    found = small_architecture(name)
    model, images = found.build().double().eval(), noise_split(7, found.image_shape).images.double()
    parts = torch.cat([model(images[:3]), model(images[3:])])
    torch.testing.assert_close(model(images), parts, rtol=1e-12, atol=1e-12)

import json

import pytest
import torch

from mipp_core.errors import ModelError, UnknownNameError
from mipp_core.models import MODELS, Architecture, architecture, family


def test_an_unknown_family_lists_the_known_ones():
    for ask in (family, lambda name: architecture(name, (1, 28, 28), 10, (3, 3))):
        with pytest.raises(UnknownNameError, match="no model called 'vgg'; choose one of: lenet5, mlp"):
            ask("vgg")


@pytest.mark.parametrize("widths", [(3,), (3, 3, 3), (3, 0), (-1, 3)])
def test_widths_that_do_not_fit_are_refused(widths: tuple[int, ...]):
    with pytest.raises(ModelError, match="do not fit mlp: give 2 whole numbers of at least 1, for fc1, fc2"):
        architecture("mlp", (1, 4, 4), 3, widths)


@pytest.mark.parametrize("shape", [(1, 11, 28), (3, 28, 11)])
def test_an_image_too_small_for_its_family_is_refused(shape: tuple[int, int, int]):
    with pytest.raises(ModelError, match=f"lenet5 cannot read images of {shape[1]}x{shape[2]}: use .* least 12x12"):
        architecture("lenet5", shape, 3)


@pytest.mark.parametrize("shape", [(1, 12, 12), (3, 13, 17), (1, 28, 28)])
@pytest.mark.parametrize("name", MODELS)
def test_every_family_reads_the_images_it_accepts(name: str, shape: tuple[int, int, int]):
    assert architecture(name, shape, 4).build()(torch.zeros(2, *shape)).shape == (2, 4)


def test_a_seed_gives_the_same_network_and_leaves_the_global_state_alone():
    found, state = architecture("mlp", (1, 4, 4), 3, (8, 6)), torch.random.get_rng_state()
    one, same, other = (found.build(seed).fc1.weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", MODELS)
def test_an_architecture_is_plain_json(name: str):
    found = architecture(name, (1, 28, 28), 10)
    assert Architecture.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert found.widths == MODELS[name].widths


def test_other_widths_and_the_size_of_an_image():
    found = architecture("mlp", (3, 4, 5), 3, (8, 6))
    assert found.with_widths((2, 1)) == architecture("mlp", (3, 4, 5), 3, (2, 1))
    assert found.inputs == 60


@pytest.mark.parametrize(("widths", "classes"), [((), 10), (None, 0)])
def test_a_network_of_nothing_is_refused(widths: tuple[int, ...] | None, classes: int):
    with pytest.raises(ModelError):
        architecture("mlp", (1, 28, 28), classes, widths)

import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.errors import SettingError


def mask(*kept: int) -> Tensor:
    return torch.tensor(kept, dtype=torch.bool)


def example() -> KeepMasks:
    return KeepMasks({"input": mask(0, 0, 1, 1), "fc1": mask(1, 0, 1), "fc2": mask(0, 0)})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (torch.ones(3), r"torch\.float32 tensor of 1 dimensions"),
        (torch.ones(3, dtype=torch.int64), r"torch\.int64 tensor of 1 dimensions"),
        (torch.ones(3, 1, dtype=torch.bool), r"torch\.bool tensor of 2 dimensions"),
        (torch.ones((), dtype=torch.bool), r"torch\.bool tensor of 0 dimensions"),
    ],
)
def test_a_mask_is_one_boolean_per_unit(wrong: Tensor, words: str):
    with pytest.raises(SettingError, match=rf"The keep-mask of fc2 is a {words}; give one boolean per unit"):
        KeepMasks({"fc1": mask(1), "fc2": wrong})


def test_no_mask_at_all_is_refused():
    with pytest.raises(SettingError, match="give one for at least one layer"):
        KeepMasks({})


def test_it_reads_as_a_mapping_in_the_order_given():
    masks = example()
    assert list(masks) == ["input", "fc1", "fc2"]
    assert len(masks) == 3
    assert "fc1" in masks
    assert "fc9" not in masks
    assert masks["fc1"].tolist() == [True, False, True]


def test_what_was_given_can_change_without_changing_it():
    given = {"fc1": mask(1, 1)}
    masks = KeepMasks(given)
    given["fc1"][0] = False
    given["fc2"] = mask(0)
    assert masks.kept == {"fc1": 2}


def test_what_one_gets_can_change_without_changing_it():
    masks = example()
    masks["fc1"][:] = False
    masks.kept["fc1"] = 9
    masks.without_input()["fc1"][:] = False
    for found in masks.values():
        found[:] = True
    assert masks == example()


def test_it_cannot_be_written_to():
    with pytest.raises(TypeError):
        example()["fc1"] = mask(1)  # type: ignore[index]


def test_counts():
    assert example().units == {"input": 4, "fc1": 3, "fc2": 2}
    assert example().kept == {"input": 2, "fc1": 2, "fc2": 0}
    assert example().collapsed == ("fc2",)


def test_sparsity_counts_the_units_of_the_network_and_not_the_pixels():
    assert example().sparsity == pytest.approx(3 / 5)
    assert example().without_input().sparsity == example().sparsity
    assert list(example().without_input()) == ["fc1", "fc2"]


def test_removed_pixels_are_blank_in_every_channel_they_belong_to():
    images = torch.arange(1.0, 9.0).view(2, 1, 2, 2)
    assert example().blank_pixels(images).flatten().tolist() == [0, 0, 3, 4, 0, 0, 7, 8]
    two_channels = KeepMasks({"input": mask(1, 0, 0, 1)}).blank_pixels(torch.ones(1, 2, 1, 2))
    assert two_channels.flatten().tolist() == [1, 0, 0, 1]


def test_images_stay_as_they_are_where_no_pixel_was_tested():
    images = torch.ones(2, 1, 2, 2)
    assert example().without_input().blank_pixels(images) is images


def test_json_there_and_back():
    text = json.dumps(example().to_json())
    assert KeepMasks.from_json(json.loads(text)) == example()
    assert json.loads(text)["fc1"] == {"units": 3, "kept_units": [0, 2]}


@pytest.mark.parametrize("kept", [[3], [-1], [0, 1, 5]])
def test_json_with_a_unit_outside_its_layer_is_refused(kept: list[int]):
    with pytest.raises(SettingError, match=r"Layer fc1 has 3 units; a kept unit must be in 0\.\.2"):
        KeepMasks.from_json({"fc1": {"units": 3, "kept_units": kept}})


def test_equal_masks_are_equal_and_hash_alike():
    assert example() == example()
    assert hash(example()) == hash(example())
    assert example() != KeepMasks({**example(), "fc2": mask(1, 0)})
    assert example() != "fc1"


def test_masks_in_another_order_hash_alike_if_they_are_equal():
    one, other = KeepMasks({"a": mask(1), "b": mask(0)}), KeepMasks({"b": mask(0), "a": mask(1)})
    assert one != other or hash(one) == hash(other)


def test_masks_land_on_the_cpu_and_carry_no_gradient(mlp: nn.Module, masks_for: Callable[..., KeepMasks]):
    for found in masks_for(mlp).values():
        assert found.device.type == "cpu"
        assert found.dtype == torch.bool
        assert not found.requires_grad

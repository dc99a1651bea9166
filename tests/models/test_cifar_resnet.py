"""ResNet20, 32 and 56: the published network, with the names of its public checkpoints, cut exactly."""

import re

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mipp_core import prune
from mipp_core.errors import ModelError
from mipp_core.models import architecture
from mipp_core.models.cifar_resnet import Block
from mipp_core.network.layers import wiring_of

PUBLIC = re.compile(r"(conv1|bn1|layer[123]\.\d\.(conv[12]|bn[12])|linear)\.\w+")
"""The names in Idelbayev's files."""


def small(width: int = 3) -> nn.Module:
    """A network with statistics as after training."""
    model = architecture("resnet20", (3, 12, 12), 4, (width, 2 * width, 4 * width + 1)).build(seed=3)
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            nn.init.normal_(module.bias, 0, 0.2, generator=generator)
    return model.eval()


@pytest.mark.parametrize(("depth", "blocks"), [(20, 3), (32, 5), (56, 9)])
def test_layers_are_named_as_in_the_public_checkpoints(depth: int, blocks: int):
    with torch.device("meta"):
        model = architecture(f"resnet{depth}", (3, 32, 32), 10).build()
    state = model.state_dict()
    assert [name for name in state if not PUBLIC.fullmatch(name)] == []
    assert {name.split(".")[1] for name in state if name.startswith("layer3")} == set(map(str, range(blocks)))
    assert sum(name.endswith(".weight") and state[name].ndim > 1 for name in state) == depth


def slow(model: nn.Module, images: Tensor) -> Tensor:
    """The paper's network, step by step; shortcuts are written into larger tensors of zeros."""
    stream = torch.relu(model.bn1(model.conv1(images)))
    for name in ("layer1", "layer2", "layer3"):
        for block in model.get_submodule(name):
            added = block.bn2(block.conv2(torch.relu(block.bn1(block.conv1(stream)))))
            kept, front = torch.zeros_like(added), (added.shape[1] - stream.shape[1]) // 2
            step = stream.shape[-1] // added.shape[-1]
            for channel in range(stream.shape[1]):
                kept[:, front + channel] = stream[:, channel, ::step, ::step]
            stream = torch.relu(added + kept)
    return functional.linear(stream.mean((2, 3)), model.linear.weight, model.linear.bias)


@torch.no_grad()
def test_it_computes_what_the_paper_says():
    model, images = small().double(), torch.randn(5, 3, 12, 12, generator=torch.Generator().manual_seed(1)).double()
    torch.testing.assert_close(model(images), slow(model, images), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sparsity", [0.3, 0.7])
def test_inner_convolutions_are_cut_exactly(sparsity: float):
    images = torch.randn(64, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    model = small(4)
    inner = [name for name in wiring_of(model).names if name.startswith("layer") and name.endswith("conv1")]
    assert len(inner) == 9
    pruned = prune(model, images, pruner="magnitude", sparsity=sparsity, scope="layer")
    assert pruned.difference < 1e-6
    for name in inner:
        conv, whole = pruned.network.get_submodule(name), model.get_submodule(name)
        assert conv.out_channels == pruned.masks.kept[name] < whole.out_channels


def test_widths_that_become_smaller_are_a_sentence():
    found = architecture("resnet20", (3, 12, 12), 4, (8, 4, 16))
    with pytest.raises(ModelError, match=r"The widths \[8, 4, 16\] become smaller.*, as 16,32,64."):
        found.check_runs()


def test_only_the_first_block_of_a_stage_changes_the_streams_shape():
    blocks = [module for module in small().modules() if isinstance(module, Block)]
    assert [isinstance(block.shortcut, nn.Identity) for block in blocks] == [True] * 3 + [False, True, True] * 2

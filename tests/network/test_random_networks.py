"""Networks composed at random, cut by random masks, against twins that know nothing of graphs.

Thousands more: ``python -m benchmarks.random_networks 3000``.
"""

import pytest
import torch

from benchmarks.random_network import IMAGE, RandomNetwork
from benchmarks.random_networks import EXACT, difference, twin
from mipp_core.cutting.masks import KeepMasks
from mipp_core.network.layers import wiring_of
from mipp_core.network.outputs import largest_difference
from mipp_core.network.recording import recorded

EACH = 25


@pytest.mark.parametrize("first", range(0, 300, EACH))
def test_every_cut_network_equals_its_twin(first: int):
    found = {seed: difference(seed) for seed in range(first, first + EACH)}
    assert {seed: gap for seed, gap in found.items() if gap is None or not gap <= EXACT} == {}


@torch.no_grad()
def test_the_twin_tells_a_wrong_network_from_a_right_one():
    images, differing = torch.randn(4, *IMAGE, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), 0
    for seed in range(10):
        model = RandomNetwork(seed)
        layers = wiring_of(recorded(model, images)).layers
        nothing = KeepMasks({layer.name: torch.zeros(layer.units, dtype=torch.bool) for layer in layers})
        differing += largest_difference(twin(model, nothing)(images), model(images)) > 1e-3
    assert differing >= 9

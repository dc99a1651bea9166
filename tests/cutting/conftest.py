"""Networks that are more than a chain, and images for them."""

from collections.abc import Callable

import pytest
import torch
from graphs import NETWORKS
from residual import lived_in
from torch import Tensor, nn


@pytest.fixture
def network() -> Callable[[str], nn.Module]:
    def make(name: str) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            return lived_in(NETWORKS[name]().double())

    return make


@pytest.fixture
def images(noise_split) -> Tensor:
    return noise_split(120, (3, 8, 8)).images.double()

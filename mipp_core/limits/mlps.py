"""Many ReLU perceptrons of the same shape at once, one per seed: their weights are stacked, so a step is one product.

Weights and biases start as PyTorch's linear layers do, uniform within one over the root of the number of inputs, each
seed from its own generator: the network of seed k alone is row k of a batch, and is trained to the same weights.
Weights can be masked; biases are never pruned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Masks = tuple[Bool[Tensor, "seeds _ _"], ...]
"""Which weights stay, True = keep, layer by layer."""

PURPOSES = ("weights", "data", "order", "mask", "teacher", "places")
"""What is drawn, each from a stream of its own."""


def stream(seed: int, purpose: str) -> torch.Generator:
    """Return a generator on the CPU; that of the weights is PyTorch's own of that seed."""
    return torch.Generator().manual_seed(seed + 1_000_003 * PURPOSES.index(purpose))


@dataclass(frozen=True)
class Mlps:
    """Networks, one per seed.

    Attributes:
        weights: of each layer, [seeds, out, in].
        biases: of each layer, [seeds, out].
    """

    weights: tuple[Float[Tensor, "seeds _ _"], ...]
    biases: tuple[Float[Tensor, "seeds _"], ...]

    def __len__(self) -> int:
        return len(self.weights[0])

    @property
    def prunable(self) -> int:
        """Weights of one network; biases are not counted."""
        return sum(each[0].numel() for each in self.weights)

    def take(self, seeds: slice) -> "Mlps":
        """Return some of the networks, as views."""
        return Mlps(tuple(each[seeds] for each in self.weights), tuple(each[seeds] for each in self.biases))

    def masked(self, keep: Masks | None) -> "Mlps":
        """Return copies of the networks whose removed weights are 0."""
        kept = [each.clone() for each in self.weights] if keep is None else map(torch.mul, self.weights, keep)
        return Mlps(tuple(kept), tuple(each.clone() for each in self.biases))


def drawn(
    sizes: Sequence[int], seeds: Sequence[int], device: torch.device | str = "cpu", purpose: str = "weights"
) -> Mlps:
    """Draw networks.

    Args:
        sizes: of the input, the hidden layers and the output.
        seeds: one per network.
        device: that the networks are put on; they are drawn on the CPU, the same for every device.
        purpose: of ``PURPOSES``, what they are for.
    """
    rows = [_one(sizes, stream(seed, purpose)) for seed in seeds]
    weights = tuple(torch.stack([row[place][0] for row in rows]).to(device) for place in range(len(sizes) - 1))
    return Mlps(
        weights, tuple(torch.stack([row[place][1] for row in rows]).to(device) for place in range(len(weights)))
    )


def _one(sizes: Sequence[int], generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    def uniform(*shape: int, inputs: int) -> Tensor:
        return torch.empty(shape).uniform_(-1 / sqrt(inputs), 1 / sqrt(inputs), generator=generator)

    pairs = zip(sizes[1:], sizes[:-1], strict=True)
    return [(uniform(out, inputs, inputs=inputs), uniform(out, inputs=inputs)) for out, inputs in pairs]


def answers(networks: Mlps, inputs: Float[Tensor, "seeds n features"]) -> Float[Tensor, "seeds n outputs"]:
    """Return each network's outputs for its own inputs."""
    hidden, last = inputs, len(networks.weights) - 1
    for place, (weights, biases) in enumerate(zip(networks.weights, networks.biases, strict=True)):
        hidden = torch.baddbmm(biases.unsqueeze(1), hidden, weights.mT)
        hidden = hidden if place == last else hidden.relu()
    return hidden

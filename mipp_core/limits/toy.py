"""The exact toy: every labelling of every choice of points of a cube, and one small network per data set, all at once.

A perceptron of 3 inputs, 4 ReLU units and 1 output has 21 parameters.  Six of the eight corners of the cube {-1, 1}^3
with labels -1 or 1 make 28 x 64 = 1,792 data sets.  All are equally likely, so the information between a mask and the
data is counted, not estimated.

The paper says neither the loss nor the rate: here it is the logistic loss and plain gradient descent on all points.
Initial weights and biases are PyTorch's, uniform within one over the root of the number of inputs.
"""

from dataclasses import dataclass
from itertools import combinations, product
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor

INPUTS, UNITS = 3, 4
PARAMETERS = UNITS * INPUTS + UNITS + UNITS + 1
"""Weights and biases of the hidden layer, weights and bias of the output, in this order."""

CORNERS = 2**INPUTS

Networks = Float[Tensor, "*networks parameters"]


@dataclass(frozen=True)
class Cases:
    """All data sets of some size.

    Attributes:
        points: corners of the cube.
        labels: -1 or 1.
    """

    points: Float[Tensor, "data_sets n 3"]
    labels: Float[Tensor, "data_sets n"]

    def __len__(self) -> int:
        return len(self.points)


def all_cases(points: int = 6) -> Cases:
    """Return every data set of so many different points: their choices times their labellings."""
    corners = torch.tensor(list(product((-1.0, 1.0), repeat=INPUTS)), dtype=torch.double)
    chosen = torch.stack([corners[list(some)] for some in combinations(range(CORNERS), points)])
    labels = torch.tensor(list(product((-1.0, 1.0), repeat=points)), dtype=torch.double)
    every = chosen.repeat_interleave(len(labels), 0), labels.repeat(len(chosen), 1)
    return Cases(*every)


def initial(seed: int) -> Float[Tensor, " parameters"]:
    """Draw the parameters of one network."""
    generator = torch.Generator().manual_seed(seed)
    widths = torch.full((PARAMETERS,), 1 / sqrt(UNITS), dtype=torch.double)
    widths[: UNITS * INPUTS + UNITS] = 1 / sqrt(INPUTS)
    return (2 * torch.rand(PARAMETERS, dtype=torch.double, generator=generator) - 1) * widths


def parts(networks: Networks) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the hidden layer's weights and biases and the output's, as views."""
    split = networks.split([UNITS * INPUTS, UNITS, UNITS, 1], -1)
    return split[0].unflatten(-1, (UNITS, INPUTS)), *split[1:]


def answers(networks: Networks, points: Float[Tensor, "*networks n 3"]) -> Float[Tensor, "*networks n"]:
    """Return the networks' outputs."""
    weights, biases, out, shift = parts(networks)
    hidden = (points @ weights.mT + biases.unsqueeze(-2)).relu()
    return (hidden @ out.unsqueeze(-1)).squeeze(-1) + shift


def gradients(networks: Networks, cases: Cases) -> Networks:
    """Return the gradient of every network's logistic loss, the mean over the points of its own data set."""
    weights, biases, out, _ = parts(networks)
    points, labels = cases.points, cases.labels
    before = points @ weights.mT + biases.unsqueeze(-2)
    hidden = before.relu()
    said = (hidden @ out.unsqueeze(-1)).squeeze(-1) + networks[..., -1:]
    pull = -labels * torch.sigmoid(-labels * said) / labels.shape[-1]
    back = pull.unsqueeze(-1) * out.unsqueeze(-2) * (before > 0)
    of_weights = (back.mT @ points).flatten(-2)
    of_out = (pull.unsqueeze(-2) @ hidden).squeeze(-2)
    return torch.cat([of_weights, back.sum(-2), of_out, pull.sum(-1, keepdim=True)], -1)


def curvature_times(networks: Networks, cases: Cases, along: Networks) -> Networks:
    """Return every network's Hessian times its own vector: how its gradient changes along it (Pearlmutter 1994)."""
    (weights, biases, out, _), (d_weights, d_biases, d_out, d_shift) = parts(networks), parts(along)
    points, labels = cases.points, cases.labels
    before = points @ weights.mT + biases.unsqueeze(-2)
    alive, hidden = (before > 0).to(before.dtype), before.relu()
    d_hidden = (points @ d_weights.mT + d_biases.unsqueeze(-2)) * alive
    said = (hidden @ out.unsqueeze(-1)).squeeze(-1) + networks[..., -1:]
    d_said = (d_hidden @ out.unsqueeze(-1) + hidden @ d_out.unsqueeze(-1)).squeeze(-1) + d_shift
    wrong = torch.sigmoid(-labels * said)
    pull, d_pull = -labels * wrong / labels.shape[-1], wrong * (1 - wrong) * d_said / labels.shape[-1]
    d_back = (d_pull.unsqueeze(-1) * out.unsqueeze(-2) + pull.unsqueeze(-1) * d_out.unsqueeze(-2)) * alive
    of_weights = (d_back.mT @ points).flatten(-2)
    of_out = (d_pull.unsqueeze(-2) @ hidden + pull.unsqueeze(-2) @ d_hidden).squeeze(-2)
    return torch.cat([of_weights, d_back.sum(-2), of_out, d_pull.sum(-1, keepdim=True)], -1)


def trained(
    start: Networks, cases: Cases, epochs: int, rate: float, keep: Float[Tensor, "*networks parameters"] | None = None
) -> Networks:
    """Train every network on its own data set by gradient descent on all of its points.

    Args:
        start: left as it is.
        cases: one data set per network.
        epochs: steps.
        rate: of learning.
        keep: 1 for parameters that are trained, 0 for those that are gone; all by default.
    """
    kept = torch.ones_like(start) if keep is None else keep
    networks = start * kept
    for _ in range(epochs):
        networks = networks - rate * gradients(networks, cases) * kept
    return networks


def accuracies(networks: Networks, cases: Cases) -> Float[Tensor, " networks"]:
    """Return every network's share of points of its own data set that have their label's sign."""
    return (answers(networks, cases.points) * cases.labels > 0).double().mean(-1)

"""Candidates judged at alpha = 2, where no eigenvalue is needed.

The sum of the squared eigenvalues of (P * K) / n, * being the elementwise product, is the sum of P^2 K^2 over all
entries, divided by n^2.  So with the squares of each candidate's kernel as a row of one matrix, the entropies of all
candidates are the product of that matrix with P^2, once without the labels' kernel and once with it.  Kernels are
symmetric with 1 on the diagonal, so the entries above it are enough.
"""

from math import log2

import torch
from jaxtyping import Float
from torch import Tensor


class Squares:
    """Judges candidates by the squares of their kernels; see ``mipp_core.information.ordering.Judge``."""

    def __init__(
        self, kernels: Float[Tensor, "units n n"], labels: Float[Tensor, "n n"], given: Float[Tensor, "n n"]
    ) -> None:
        self._n = kernels.shape[1]
        row, column = torch.triu_indices(self._n, self._n, 1, device=kernels.device)
        self._rows = kernels[:, row, column].square()
        chosen = given[row, column].square()
        self._chosen = torch.stack([chosen, chosen * labels[row, column].square()])

    def known(self) -> tuple[float, float]:
        """Return the joint entropy of what is given and chosen, without and with the labels."""
        alone, together = self._entropies(self._chosen.sum(1)).tolist()
        return alone, together

    def gains(self, left: list[int]) -> Float[Tensor, " left"]:
        """Return what would be known of the labels with each candidate, less the labels' own entropy."""
        alone, together = self._entropies(self._rows @ self._chosen.T).T
        return (alone - together)[left]

    def choose(self, unit: int) -> None:
        """Add a unit to what is chosen."""
        self._chosen *= self._rows[unit]

    def _entropies(self, sums: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Return entropies in bits from sums over the entries above the diagonal."""
        return 2 * log2(self._n) - torch.log2(self._n + 2 * sums)

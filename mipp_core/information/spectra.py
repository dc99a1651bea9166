"""Candidates judged by eigenvalues, at any alpha.

The product of the chosen kernels is carried along, so a candidate takes one elementwise product and the eigenvalues of
one matrix of n x n.  With the labels, where classes are told apart exactly, the product has one block per class, whose
eigenvalues take a hundredth of that time for ten classes.  Candidates are judged in batches, on the kernels' device.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.information.renyi import of_eigenvalues
from mipp_core.memory import halving

_AT_ONCE = 64
"""Candidates judged in one batch: 32 MB of products of 256 samples."""


class Spectra:
    """Judges candidates by the eigenvalues of their products; see ``mipp_core.information.ordering.Judge``."""

    def __init__(
        self,
        kernels: Float[Tensor, "units n n"],
        labels: Int[Tensor, " n"] | Float[Tensor, "n n"],
        given: Float[Tensor, "n n"],
        alpha: float,
    ) -> None:
        self._kernels, self._chosen, self._alpha = kernels, given.clone(), alpha
        self._labels = labels if labels.ndim > 1 else None
        self._classes = [] if labels.ndim > 1 else [(labels == each).nonzero().flatten() for each in labels.unique()]

    def known(self) -> tuple[float, float]:
        """Return the joint entropy of what is given and chosen, without and with the labels."""
        alone, together = self._judged(self._chosen[None])
        return alone.item(), together.item()

    def choose(self, unit: int) -> None:
        """Add a unit to what is chosen."""
        self._chosen *= self._kernels[unit]

    def gains(self, left: list[int]) -> Float[Tensor, " left"]:
        """Return what would be known of the labels with each candidate, less the labels' own entropy."""

        def work(together: int) -> Tensor:
            parts = [left[start : start + together] for start in range(0, len(left), together)]
            judged = [self._judged(self._chosen * self._kernels[part]) for part in parts]
            return torch.cat([alone - labelled for alone, labelled in judged])

        return halving(work, min(len(left), _AT_ONCE), "candidates")

    def _judged(self, products: Float[Tensor, "k n n"]) -> tuple[Float[Tensor, " k"], Float[Tensor, " k"]]:
        """Return the entropies of products of kernels, without and with the labels."""
        alone, together = self._eigenvalues(products), self._with_labels(products)
        return of_eigenvalues(alone, self._alpha), of_eigenvalues(together, self._alpha)

    def _with_labels(self, products: Float[Tensor, "k n n"]) -> Float[Tensor, "k n"]:
        if self._labels is not None:
            return self._eigenvalues(products * self._labels)
        blocks = [products[:, places[:, None], places] for places in self._classes]
        return torch.cat([self._eigenvalues(block) for block in blocks], -1)

    def _eigenvalues(self, products: Float[Tensor, "k m m"]) -> Float[Tensor, "k m"]:
        return torch.linalg.eigvalsh(products / len(self._chosen))

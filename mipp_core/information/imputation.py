"""What regressors are shown in place of removed units: the best linear prediction from the units that stay.

A regressor that loses an input could be shown that input's mean.  If another unit says nearly the same, it would first
have to learn to listen to that one instead, for which a test's few steps do not suffice: of two exact copies both would
seem to be needed.  So what the other units tell about the removed one, linearly, is put in its place.  That is a
function of the units that stay, so nothing is known that they do not know; of a copy it is exact, so nothing changes;
what cannot be predicted is replaced by its mean.  (The paper masks inputs and does not say with what.)
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.information.ensemble import Pairs, Reading

_RIDGE = 1e-6  # of a unit's variance, which is 1: of several copies, all get a share


@dataclass(frozen=True)
class Imputation:
    """Means and products of a layer's inputs, in float64.

    Attributes:
        mean: of every input; then, in a stream, of what is left of it without its unit.
        covariance: of the same columns.
        units: of the layer.
    """

    mean: Float[Tensor, " columns"]
    covariance: Float[Tensor, "columns columns"]
    units: int

    @classmethod
    def of(cls, pairs: Pairs) -> "Imputation":
        """Measure them on the fitting samples."""
        read = pairs.inputs if pairs.without is None else torch.cat([pairs.inputs, pairs.without], 1)
        columns = read.double()
        centred = columns - columns.mean(0)
        return cls(columns.mean(0), centred.T @ centred / len(columns), pairs.inputs.shape[1])

    def reading(self, keep: Float[Tensor, " c"]) -> Reading:
        """Return what regressors are shown that may use some units only, as a single trial.

        Args:
            keep: 1 for those units.
        """
        kept, others = keep.double(), 1 - keep.double()
        rows = self._read(self.covariance, kept)
        read = self._read(rows.T, kept)
        shares = torch.linalg.solve(read + torch.diag((read.diagonal() == 0) + _RIDGE), self._own(rows.T).T)
        rest = self._own(self.mean) - self._read(self.mean, kept) @ shares
        return Reading(keep[None], (shares * others).to(keep)[None], (rest * others).to(keep)[None])

    def _read(self, columns: Float[Tensor, "columns ..."], keep: Tensor) -> Float[Tensor, "c ..."]:
        """Return what is read of every unit: its column, or what is left without it."""
        kept = keep.view(-1, *[1] * (columns.ndim - 1))
        return torch.lerp(columns[self.units :], columns[: self.units], kept) if self._in_stream else columns * kept

    def _own(self, columns: Float[Tensor, "columns ..."]) -> Float[Tensor, "c ..."]:
        """Return what is taken away with every unit."""
        return columns[: self.units] - columns[self.units :] if self._in_stream else columns

    @property
    def _in_stream(self) -> bool:
        return len(self.mean) > self.units

"""When is what was lost too much?  The confidence of MIPP, for losses that are exact.

A loss in closed form has no regressors that could differ.  What is random in an estimate is the sample of images; and
below some precision it does not matter.  So a target is taken to be known only up to noise, a share nu of its variance,
and an estimate to be made from m images.  On one image, the squared error with the unit and that without it differ by
d = 2 (e + n) delta + delta^2: e is the error so far, n the noise, delta what the removal adds.  If these are Gaussian
and independent, with variances E, nu and G as shares of the target's,

    mean d = G,    var d = 4 (E + nu) G + 2 G^2,    statistic = sqrt(m) G / sqrt(4 (E + nu) G + 2 G^2),

and a unit is kept iff the statistic exceeds the normal quantile z_x of the confidence x.  Of several targets the
weighted means of E and G are taken, as if one had it all; so the standard error is never too small, and the same loss
means the same in every layer.  With the full layer as the reference E is 0, and confidence x allows to lose the share

    G(x) = 4 nu z_x^2 / (m - 2 z_x^2).

For the information in nats, per target Delta = ln((E + G + nu) / (E + nu)) / 2, whose estimate from m images has
variance (1 - exp(-2 Delta)) / m.

Less than ``FREE`` is no loss: it is what the ridge of the regressions cannot tell from nothing.  So at confidence 0.5,
where z_x is 0, units go that never vary, and all but one of exact copies.
"""

from dataclasses import dataclass
from math import sqrt

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mipp_core.vocabulary import LossKind, Reference

FREE = 1e-6
"""The largest loss that counts as none, as a share of variance or in nats per target."""


@dataclass(frozen=True)
class Verdict:
    """Judges removals from one layer, at several levels at once.

    Attributes:
        shares: what a unit of each target's variance is worth at each level; worths of what is wanted add up to 1.
        variance: of every target.
        noise: share of a target's variance that is noise.
        estimate_size: images of one estimate.
        loss: share of variance, or nats.
        reference: what is compared with.
    """

    shares: Float[Tensor, "levels t"]
    variance: Float[Tensor, " t"]
    noise: float
    estimate_size: int
    loss: LossKind
    reference: Reference

    def losses(self, before: Float[Tensor, " t"], after: Float[Tensor, " t"]) -> Float[Tensor, " levels"]:
        """Return what a removal costs at each level, as a share of variance or in nats per target."""
        start = torch.zeros_like(before) if self.reference == "fixed" else before
        if self.loss == "variance":
            return self.shares @ (after - start)
        floor = (self.noise * self.variance).clamp_min(1e-300)
        return (self.shares * self.variance) @ (0.5 * ((after + floor) / (start + floor)).log())

    def statistics(self, before: Float[Tensor, " t"], after: Float[Tensor, " t"]) -> Float[Tensor, " levels"]:
        """Return each level's loss in standard errors; 0 where nothing is lost."""
        loss = self.losses(before, after)
        loss = torch.where(loss > FREE, loss, 0.0)
        if self.loss == "variance":
            error = torch.zeros_like(loss) if self.reference == "fixed" else self.shares @ before
            spread = 4 * (error + self.noise) * loss + 2 * loss.square()
        else:
            spread = -torch.expm1(-2 * loss)
        return sqrt(self.estimate_size) * loss / spread.clamp_min(1e-300).sqrt()


def worths(
    wanted: Bool[Tensor, "levels t"], heard: Float[Tensor, " t"], variance: Float[Tensor, " t"], total: float | None
) -> Float[Tensor, "levels t"]:
    """Return what a unit of each target's variance is worth at each level.

    Args:
        wanted: the targets that count at each level.
        heard: what it is worth before it is made a share.
        variance: of every target.
        total: of which it is a share; None for that of all wanted targets.
    """
    worth = wanted * heard
    whole = worth @ variance if total is None else torch.full((len(wanted),), total, dtype=torch.double)
    return worth / whole.clamp_min(1e-300)[:, None]

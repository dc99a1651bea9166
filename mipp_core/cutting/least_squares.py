"""Finds the weights that bring a layer closest to given results: ridge regression on what it reads."""

from collections.abc import Iterator, Sequence
from typing import TypeGuard, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

_ROWS = 100_000
"""Samples times positions that a convolution is fitted on: enough for the few hundred numbers of its patches."""

_FEWEST_IMAGES = 500  # even if fewer have enough positions: those of one image are alike

_MOST_ROWS = 400_000
_WORK = 5e11  # most rows times squared regressors: seconds per layer

_NUMBERS = 2**24  # numbers in patches at once: 128 MB

_RIDGE = 1e-6
"""Ridge, as a share of a regressor's own mean square: of redundant units, it prefers small weights."""

_SHARED_RIDGE = 1e-5
"""Further ridge, as a share of the mean square of all regressors: a unit that is rarely active gets no large weight.

Without it, errors grow from layer to layer in deep networks when such a unit is active on an unseen image.  It needs
regressors of comparable scale, so it is used for networks with normalisations.
"""

Fit = tuple[Float[Tensor, "_ ..."], Float[Tensor, " _"]]
"""Weights in the layer's shape, and one intercept per unit."""


def most_work(regressors: int) -> float:
    """Return the most multiplications that a layer's normal equations take; they are nearly all of a fit's time."""
    return min(_WORK, _MOST_ROWS * float(regressors) ** 2)


def can_be_fitted(layer: nn.Module) -> TypeGuard[nn.Conv2d | nn.Linear]:
    """Tell whether a layer is linear, or a 2-D convolution whose padding is given in numbers and filled with zeros."""
    if isinstance(layer, nn.Linear):
        return True
    return isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


@torch.no_grad()
def fitted(
    layer: nn.Conv2d | nn.Linear,
    read: Sequence[Float[Tensor, "_ ..."]],
    wanted: Sequence[Float[Tensor, "_ ..."]],
    rows: Int[Tensor, " units"],
    *,
    through_origin: bool = False,
    normalised: bool = False,
) -> Fit | None:
    """Fit a layer, in float64; the groups of a grouped convolution are fitted separately.

    Convolutions are fitted on the first 100,000 samples times positions, but at least 500 images; if that is too much
    work, on evenly spaced positions.

    Args:
        layer: not changed.
        read: its inputs, batch by batch.
        wanted: results of a layer with more units for the same batches.
        rows: which of those units this layer has.
        through_origin: fit without an intercept.
        normalised: the inputs come from a network with normalisations, whose units are of comparable scale.

    Returns:
        The fit; None if there are fewer than two rows (samples times positions) per regressor.
    """
    positions = wanted[0].shape[2:].numel() if isinstance(layer, nn.Conv2d) else wanted[0].shape[1:-1].numel()
    regressors = layer.weight[0].numel()
    count, chosen = _sample(sum(map(len, read)), positions, regressors)
    if count * len(chosen) < 2 * regressors:
        return None
    places = None if len(chosen) == positions else chosen.to(rows.device)
    gram = moment = torch.zeros((), device=rows.device)
    for values, aims in _pieces(read, wanted, count, max(1, _NUMBERS // (positions * regressors * _groups(layer)))):
        table, targets = _regressors(layer, values, places), _targets(layer, aims, rows, places)
        gram, moment = gram + table.mT @ table, moment + table.mT @ targets
    solution = _solve(gram, moment, through_origin, _SHARED_RIDGE if normalised else 0.0)
    return solution[:, :-1].mT.reshape_as(layer.weight), solution[:, -1].flatten()


def _sample(images: int, positions: int, regressors: int) -> tuple[int, Int[Tensor, " places"]]:
    """Choose how many images, and which positions in each, a layer is fitted on."""
    most = max(1, min(_MOST_ROWS, int(_WORK / regressors**2)))
    count = min(images, most, max(_FEWEST_IMAGES, _ROWS // positions))
    of_each = min(positions, most // count)
    return count, torch.arange(of_each) * positions // of_each


def _pieces(
    read: Sequence[Tensor], wanted: Sequence[Tensor], count: int, at_once: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the first ``count`` images, ``at_once`` at a time."""
    for values, aims in zip(read, wanted, strict=True):
        yield from zip(values[:count].split(at_once), aims[:count].split(at_once), strict=True)
        count -= len(values)
        if count <= 0:
            return


def _regressors(layer: nn.Module, values: Tensor, places: Tensor | None) -> Float[Tensor, "groups n p"]:
    """Return one row per sample and position: the numbers a group's weights multiply, and a 1 for the intercept."""
    if isinstance(layer, nn.Conv2d):
        padding = cast("tuple[int, ...]", layer.padding)  # by numbers, see ``can_be_fitted``
        values = functional.unfold(values, layer.kernel_size, layer.dilation, padding, layer.stride).mT
    return functional.pad(_table(values, places, _groups(layer)), (0, 1), value=1.0)


def _targets(layer: nn.Module, aims: Tensor, rows: Tensor, places: Tensor | None) -> Float[Tensor, "groups n t"]:
    """Return one row per sample and position: the results that a group's units should give."""
    aims = aims[:, rows].flatten(2).mT if isinstance(layer, nn.Conv2d) else aims[..., rows]
    return _table(aims, places, _groups(layer))


def _table(numbers: Float[Tensor, "n ... c"], places: Tensor | None, groups: int) -> Float[Tensor, "g rows _"]:
    """Stack samples and positions as rows, in float64."""
    numbers = numbers.reshape(len(numbers), -1, numbers.shape[-1])
    chosen = numbers if places is None else numbers[:, places]
    return chosen.double().reshape(-1, groups, numbers.shape[-1] // groups).movedim(1, 0)


def _groups(layer: nn.Module) -> int:
    return getattr(layer, "groups", 1)


def _solve(
    gram: Float[Tensor, "g p p"], moment: Float[Tensor, "g p t"], through_origin: bool, shared_ridge: float
) -> Float[Tensor, "g p t"]:
    """Solve the centred, equilibrated normal equations with a ridge; a regressor that never varies gets weight 0."""
    count, centre = gram[:, -1:, -1:], 0.0 if through_origin else 1.0
    mean, aim = centre * gram[:, :-1, -1:] / count, centre * moment[:, -1:] / count
    squares = gram[:, :-1, :-1]
    spread = squares - count * mean * mean.mT
    own = spread.diagonal(dim1=1, dim2=2)[..., None]
    varies = own > 1e-10 * squares.diagonal(dim1=1, dim2=2)[..., None]
    scale = torch.where(varies, own, 1.0).sqrt()
    balanced = torch.where(varies & varies.mT, spread / scale / scale.mT, 0.0)
    balanced.diagonal(dim1=1, dim2=2).add_((_RIDGE + shared_ridge * own.mean(1, keepdim=True) / scale.square())[..., 0])
    moments = torch.where(varies, (moment[:, :-1] - count * mean * aim) / scale, 0.0)
    weights = torch.linalg.solve(balanced, moments) / scale
    return torch.cat([weights, aim - mean.mT @ weights], dim=1)

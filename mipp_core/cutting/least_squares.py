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

_NUMBERS = 2**20  # numbers in patches at once, if there are few regressors: 8 MB, which the processor's cache holds

_STRIPS, _FEWEST_IN_STRIP = 8, 64  # of products that are computed at once: many save work, small ones waste it

_RIDGE = 1e-6
"""Ridge, as a share of a regressor's own mean square: of redundant units, it prefers small weights."""

_SHARED_RIDGE = 1e-5
"""Further ridge, as a share of the mean square of all regressors: a unit that is rarely active gets no large weight.

Without it, errors grow from layer to layer in deep networks when such a unit is active on an unseen image.  It needs
regressors of comparable scale, so it is used for networks with normalisations.
"""

Fit = tuple[Float[Tensor, "_ ..."], Float[Tensor, " _"]]
"""Weights in the layer's shape, and one intercept per unit."""


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
    groups, size = _groups(layer), regressors + 1
    gram = torch.zeros(groups, size, size, dtype=torch.double, device=rows.device)
    moment = gram.new_zeros(groups, size, len(rows) // groups)
    for values, aims in _pieces(read, wanted, count, max(_NUMBERS, size**2) // (positions * regressors * groups)):
        table, targets = _regressors(layer, values, places), _targets(layer, aims, rows, places)
        _add_products(gram, table)
        moment += table @ targets.mT
    solution = _solve(gram.triu() + gram.triu(1).mT, moment, through_origin, _SHARED_RIDGE if normalised else 0.0)
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
    """Yield the first ``count`` images, about ``at_once`` at a time, at least 1; batches of fewer are joined."""
    at_once = max(1, at_once)
    several = max(1, at_once // len(read[0]))
    for first in range(0, len(read), several):
        values, aims = (torch.cat(list(batches[first : first + several])) for batches in (read, wanted))
        yield from zip(values[:count].split(at_once), aims[:count].split(at_once), strict=True)
        count -= len(values)
        if count <= 0:
            return


def _add_products(gram: Float[Tensor, "g p p"], table: Float[Tensor, "g p n"]) -> None:
    """Add the products of regressors with each other, on and above the diagonal; those below it are the same."""
    step = max(_FEWEST_IN_STRIP, -(-gram.shape[1] // _STRIPS))
    for start in range(0, gram.shape[1], step):
        gram[:, start : start + step, start:] += table[:, start : start + step] @ table[:, start:].mT


def _regressors(layer: nn.Module, values: Tensor, places: Tensor | None) -> Float[Tensor, "groups p n"]:
    """Return one column per sample and position: the numbers a group's weights multiply, and a 1 for the intercept.

    They are copied once, from where they are into float64.
    """
    numbers, groups = _patches(layer, values), _groups(layer)
    channels, high, wide, *samples = numbers.shape
    own = (channels // groups, high, wide)
    columns = samples[0], samples[1] * samples[2]
    table = torch.ones(groups, own[0] * high * wide + 1, *columns, dtype=torch.double, device=values.device)
    table[:, :-1].view(groups, *own, *samples).copy_(numbers.unflatten(0, (groups, -1)))
    return _placed(table, places)


def _patches(layer: nn.Module, values: Tensor) -> Float[Tensor, "c high wide n y x"]:
    """Look at what a layer reads, patch by patch, without copying it; a linear layer's patches are one row."""
    if not isinstance(layer, nn.Conv2d):
        return _by_position(values)[:, None, None, :, None]
    padding = cast("tuple[int, ...]", layer.padding)  # by numbers, see ``can_be_fitted``
    seen = functional.pad(values, (padding[1], padding[1], padding[0], padding[0]))
    for dim, (size, apart, step) in enumerate(zip(layer.kernel_size, layer.dilation, layer.stride, strict=True), 2):
        seen = seen.unfold(dim, apart * (size - 1) + 1, step)[..., ::apart]
    return seen.permute(1, 4, 5, 0, 2, 3)


def _targets(layer: nn.Module, aims: Tensor, rows: Tensor, places: Tensor | None) -> Float[Tensor, "groups t n"]:
    """Return one column per sample and position: the results that a group's units should give."""
    chosen = aims[:, rows].flatten(2).movedim(1, 0) if isinstance(layer, nn.Conv2d) else _by_position(aims[..., rows])
    return _placed(chosen.unflatten(0, (_groups(layer), -1)), places).double()


def _by_position(numbers: Float[Tensor, "n ... c"]) -> Float[Tensor, "c n positions"]:
    return numbers.reshape(len(numbers), -1, numbers.shape[-1]).movedim(2, 0)


def _placed(numbers: Float[Tensor, "g _ n positions"], places: Tensor | None) -> Float[Tensor, "g _ columns"]:
    """Choose positions, and put those of all samples side by side."""
    return (numbers if places is None else numbers[..., places]).flatten(2)


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

"""Rebuilding: new weights for a cut network in closed form, without labels and without training.

Theorem 1 of the MIPP paper says that if information was preserved, a function exists that rebuilds the next layer
from the kept units.  This finds its linear form, layer by layer: least squares of the dense network's
pre-activations on what the slim network's layer reads (convolutions by their patches).  It is not in the paper.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.layers import weighted, wiring_of
from mipp_core.masks import KeepMasks
from mipp_core.vocabulary import INPUT

_ROWS = 100_000
"""Samples times positions that a convolution is fitted on: its few hundred patch numbers need no more."""

_FEWEST_IMAGES = 500
_BATCH = 500

_RIDGE = 1e-6
"""Ridge, as a share of the mean squared regressor: ties between redundant units are broken towards small weights."""


Preactivations = dict[str, Float[Tensor, "n _ ..."]]
"""Layer name -> what a dense network's layers give before their nonlinearity."""


@torch.no_grad()
def preactivations(dense: nn.Module, images: Float[Tensor, "n c h w"], batch_size: int = 1000) -> Preactivations:
    """Run the dense network once and return what rebuilding aims at; several rebuilds can share it."""
    heard: dict[str, list[Tensor]] = {name: [] for name in wiring_of(dense).weighted}
    hooks = [
        weighted(dense, name).register_forward_hook(lambda _, __, result, parts=parts: parts.append(result.clone()))
        for name, parts in heard.items()
    ]
    try:
        for batch in images.split(batch_size):
            dense(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(parts) for name, parts in heard.items()}


@torch.no_grad()
def rebuild(slim: nn.Module, masks: KeepMasks, images: Float[Tensor, "n c h w"], wanted: Preactivations) -> None:
    """Refit the slim network's layers in place, input to output, to the dense network's pre-activations.

    Later layers are fitted to what the earlier, already rebuilt layers give, so their errors are made up for.
    Layers that still read all the dense network gave them are left alone, as are collapsed layers.

    Args:
        slim: the network after ``shrink``, in evaluation mode.
        masks: what was kept.
        images: unlabelled samples, on the network's device; one partial pass over them per layer.
        wanted: the dense network's ``preactivations`` on the same images.
    """
    complete = INPUT not in masks or bool(masks[INPUT].all())
    for name, target in wanted.items():
        keep = masks[name] if name in masks else torch.ones(target.shape[1], dtype=torch.bool)
        layer = weighted(slim, name)
        if not complete and keep.any():
            aim = target[:, keep.to(images.device)]
            _write(layer, _solve(*_normal_equations(slim, layer, masks, images, aim)))
        complete = complete and bool(keep.all())


def _normal_equations(
    slim: nn.Module, layer: nn.Module, masks: KeepMasks, images: Tensor, target: Tensor
) -> tuple[Float[Tensor, "p p"], Float[Tensor, "p t"]]:
    """Sum regressor products over samples and positions, in float64."""
    gram = moment = torch.zeros((), device=images.device)
    enough = max(_FEWEST_IMAGES, _ROWS // target[0, 0].numel())
    for batch, aim in zip(images[:enough].split(_BATCH), target[:enough].split(_BATCH), strict=True):
        read = _patches(layer, _read_by(slim, layer, masks.blank_pixels(batch)))
        rows = aim.flatten(2).transpose(1, 2).flatten(0, 1) if aim.ndim == 4 else aim
        read, rows = read.double(), rows.double()
        gram, moment = gram + read.T @ read, moment + read.T @ rows
    return gram, moment


class _Heard(Exception):  # noqa: N818
    """Ends a forward pass once the wanted layer has been reached."""


def _read_by(model: nn.Module, layer: nn.Module, batch: Tensor) -> Tensor:
    """Run the network as far as one of its layers and return what that layer reads."""
    heard: list[Tensor] = []

    def stop(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        heard.append(inputs[0])
        raise _Heard

    hook = layer.register_forward_pre_hook(stop)
    try:
        model(batch)
    except _Heard:
        pass
    finally:
        hook.remove()
    return heard[0]


def _patches(layer: nn.Module, values: Tensor) -> Float[Tensor, "n p"]:
    """Return one row per sample and position: what the layer's weights multiply, and a 1 for its bias."""
    if isinstance(layer, nn.Conv2d):
        unfolded = functional.unfold(values, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
        values = unfolded.transpose(1, 2).flatten(0, 1)
    return functional.pad(values, (0, 1), value=1.0)


def _solve(gram: Float[Tensor, "p p"], moment: Float[Tensor, "p t"]) -> Float[Tensor, "p t"]:
    """Ridge regression on centred, equilibrated normal equations; a regressor that never varies gets weight 0."""
    count, mean, aim = gram[-1, -1], gram[-1, :-1] / gram[-1, -1], moment[-1] / gram[-1, -1]
    spread = gram[:-1, :-1] - count * mean.outer(mean)
    varies = spread.diagonal() > 1e-10 * gram.diagonal()[:-1]
    scale = torch.where(varies, spread.diagonal(), 1.0).sqrt()
    balanced = torch.where(varies & varies[:, None], spread / scale / scale[:, None], 0.0)
    balanced = balanced + _RIDGE * torch.eye(len(scale), dtype=gram.dtype, device=gram.device)
    moments = torch.where(varies[:, None], (moment[:-1] - count * mean[:, None] * aim) / scale[:, None], 0.0)
    weights = torch.linalg.solve(balanced, moments) / scale[:, None]
    return torch.cat([weights, (aim - mean @ weights)[None]])


def _write(layer: nn.Module, solution: Float[Tensor, "p t"]) -> None:
    layer.weight.copy_(solution[:-1].T.reshape_as(layer.weight))
    layer.bias.copy_(solution[-1])

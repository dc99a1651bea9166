"""Rebuilding: new weights for a cut network in closed form, without labels and without training.

Theorem 1 of the MIPP paper says that if information was preserved, a function exists that rebuilds the next layer
from the kept units.  This finds its linear form, layer by layer: least squares of the dense network's
pre-activations on what the slim network's layer reads (convolutions by their patches).  It is not in the paper.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.layers import chain_of, weighted
from mipp_core.masks import KeepMasks
from mipp_core.vocabulary import INPUT

_RIDGE = 1e-6
"""Ridge, as a share of the mean squared regressor: ties between redundant units are broken towards small weights."""


@torch.no_grad()
def rebuild(
    dense: nn.Module,
    slim: nn.Module,
    masks: KeepMasks,
    images: Float[Tensor, "n c h w"],
    batch_size: int = 500,
) -> None:
    """Refit the slim network's layers in place, input to output, to the dense network's pre-activations.

    Later layers are fitted to what the earlier, already rebuilt layers give, so their errors are made up for.
    Layers that still read all the dense network gave them are left alone, as are collapsed layers.

    Args:
        dense: the network before pruning, in evaluation mode.
        slim: the network after ``shrink``, in evaluation mode.
        masks: what was kept.
        images: unlabelled samples, on the networks' device; one pass over them per layer.
        batch_size: samples per pass; it bounds the memory of the patches.
    """
    chain = chain_of(dense)
    complete = INPUT not in masks or bool(masks[INPUT].all())
    for name in (*chain.names, chain.last):
        keep = masks[name] if name != chain.last else torch.ones(1, dtype=torch.bool)
        if not complete and keep.any():
            rows = keep.to(images.device) if name != chain.last else slice(None)
            layers = weighted(dense, name), weighted(slim, name)
            gram, moment = _normal_equations(dense, slim, *layers, images, masks, batch_size)
            _write(layers[1], _solve(gram, moment[:, rows]))
        complete = complete and bool(keep.all())


def _normal_equations(
    dense: nn.Module,
    slim: nn.Module,
    target: nn.Module,
    layer: nn.Module,
    images: Tensor,
    masks: KeepMasks,
    batch_size: int,
) -> tuple[Float[Tensor, "p p"], Float[Tensor, "p t"]]:
    """Sum regressor products over all samples and positions, in float64."""
    gram = moment = torch.zeros(())
    for batch in images.split(batch_size):
        wanted = _heard(dense, target, batch, output=True)
        read = _patches(layer, _heard(slim, layer, masks.blank_pixels(batch), output=False))
        wanted = wanted.flatten(2).transpose(1, 2).flatten(0, 1) if wanted.ndim == 4 else wanted
        gram = gram.to(images.device) + (read.T @ read).double()
        moment = moment.to(images.device) + (read.T @ wanted).double()
    return gram, moment


def _heard(model: nn.Module, layer: nn.Module, batch: Tensor, output: bool) -> Tensor:
    """Run the network and return what one of its layers reads or gives."""
    heard: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _, inputs, result: heard.append(result if output else inputs[0]))
    try:
        model(batch)
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
    """Ridge regression on equilibrated normal equations; a regressor that is always 0 gets weight 0."""
    scale = gram.diagonal().sqrt()
    scale = torch.where(scale > 0, scale, 1.0)
    balanced = gram / scale / scale[:, None] + _RIDGE * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    return torch.linalg.solve(balanced, moment / scale[:, None]) / scale[:, None]


def _write(layer: nn.Module, solution: Float[Tensor, "p t"]) -> None:
    layer.weight.copy_(solution[:-1].T.reshape_as(layer.weight))
    layer.bias.copy_(solution[-1])

"""How loudly the network's outputs hear the targets of a layer: what a squared error there costs them."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.evaluation import evaluating
from mipp_core.network.channels import sizes_of
from mipp_core.network.layers import weighted
from mipp_core.network.outputs import tensors_of

_DRAWS = 4  # random directions per image
_TOGETHER = 50  # images

HEARD_ON = 500
"""Images that are enough."""

HEARD_PASSES = 1 + 2 * _DRAWS
"""What an image takes, in forward passes."""


def hearing(
    model: nn.Module, layers: Sequence[str], images: Float[Tensor, "n c h w"], seed: int
) -> tuple[dict[str, Float[Tensor, " units"]], float]:
    """Return for every unit of some layers the mean of ||d outputs / d target||^2, and the outputs' variance.

    The target is what the layer computes; of a map, the sum over its positions is taken, as if errors there were
    independent.  The norm is estimated without bias from random directions in the space of outputs.  No labels.

    Args:
        model: left bit-identical.
        layers: paths of convolutions and linear layers.
        images: on the network's device.
        seed: of the directions.
    """
    generator = torch.Generator().manual_seed(seed)
    heard: dict[str, list[Tensor]] = {name: [] for name in layers}
    totals = {name: torch.zeros(sizes_of(weighted(model, name))[1], dtype=torch.double) for name in layers}
    answers = []
    handles = [
        weighted(model, name).register_forward_hook(lambda _, __, result, name=name: _note(heard[name], result))
        for name in layers
    ]
    try:
        with evaluating(model), torch.enable_grad():
            for batch in images.split(_TOGETHER):
                for results in heard.values():
                    results.clear()
                shown = batch.detach().requires_grad_()
                answer = torch.cat([each.flatten(1) for each in tensors_of(model(shown))], 1)
                answers.append(answer.detach())
                calls = [(name, result) for name, results in heard.items() for result in results]
                for draw in range(_DRAWS):
                    direction = torch.randn(answer.shape, generator=generator).to(answer)
                    slopes = torch.autograd.grad(
                        (answer * direction).sum(),
                        [result for _, result in calls],
                        retain_graph=draw < _DRAWS - 1,
                        allow_unused=True,
                    )
                    for (name, _), slope in zip(calls, slopes, strict=True):
                        if slope is not None:
                            totals[name] += _by_unit(slope, weighted(model, name)).cpu()
    finally:
        for handle in handles:
            handle.remove()
    spread = torch.cat(answers).double().var(0, correction=0).sum().item()
    return {name: total / (len(images) * _DRAWS) for name, total in totals.items()}, spread


def _note(results: list[Tensor], result: Tensor) -> Tensor:
    results.append(result)
    return result.clone()  # so that an operation in place changes the copy


def _by_unit(slope: Tensor, layer: nn.Module) -> Float[Tensor, " units"]:
    """Sum squares over images and positions."""
    squares = slope.double().square()
    if isinstance(layer, nn.Linear):
        return squares.flatten(0, -2).sum(0)
    return squares.flatten(2).sum((0, 2))

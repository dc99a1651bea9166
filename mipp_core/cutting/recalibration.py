"""Recalibration: fresh statistics for the batch normalisations of a cut network, from unlabelled images.

Removed units change what later normalisations read, so the stored mean and variance of the dense network no longer
fit.  Measuring them again takes one run and no labels; no weight changes.
"""

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.data.dataset import Samples
from mipp_core.evaluation import evaluating
from mipp_core.network.lockstep import Walk, held_at_once
from mipp_core.network.operations import BATCH_NORMS, BatchNorm, called
from mipp_core.network.recording import written


@torch.no_grad()
def recalibrate(
    model: nn.Module, images: Samples | Float[Tensor, "n c h w"], batch_size: int | None = None, most: int = 4000
) -> bool:
    """Measure every batch normalisation's mean and variance again, in place, input to output.

    A later normalisation is measured on what the earlier ones give with their fresh statistics, in a single run.  In
    evaluation mode the network then computes, on these images, what it computes in training mode on all of them in
    one batch.  Mean and variance are pooled over all images and positions, in float64; the variance is the biased one,
    as training uses it.  A normalisation that is called more than once, or that stores no statistics, is left as it
    is; so is everything else, including training flags and counts of batches.

    Args:
        model: any that can be followed.
        images: on the network's device; only as many of the first as fit in a few GB are used.
        batch_size: images at once, by default see ``evaluation.at_once``; it does not change the result.
        most: at most this many samples are read into memory if they are streamed from files.

    Returns:
        Whether there was any normalisation to measure.

    Raises:
        ModelError: the network cannot be followed.
        DataError: a file cannot be read.
    """
    if not any(isinstance(module, BATCH_NORMS) for module in model.modules()):
        return False
    given = images.fixed(most).images if isinstance(images, Samples) else images
    network = written(model, given)
    norms = [node for node in network.graph.nodes if _is_measured(network, node)]
    shown = held_at_once(network, network.graph, given)
    with evaluating(network):
        walk = Walk(network, network.graph, shown, batch_size)
        for node in norms:
            _measure(called(node, network), walk.read_by(node))
    return bool(norms)


def _is_measured(model: nn.Module, node: fx.Node) -> bool:
    module = called(node, model)
    once = sum(other.target == node.target for other in node.graph.nodes) == 1
    return isinstance(module, BATCH_NORMS) and module.running_mean is not None and once


def _measure(norm: BatchNorm, read: list[Float[Tensor, "_ c ..."]]) -> None:
    """Store the mean and the biased variance of each channel over samples and positions."""
    over = [dim for dim in range(read[0].ndim) if dim != 1]
    count = sum(batch.numel() for batch in read) // norm.num_features
    nothing = read[0].new_zeros((), dtype=torch.double)
    mean = sum((batch.double().sum(over) for batch in read), nothing) / count
    centre = mean.view(-1, *[1] * len(over[1:]))
    squares = sum(((batch - centre).square_().sum(over) for batch in read), nothing)
    for stored, fresh in ((norm.running_mean, mean), (norm.running_var, squares / count)):
        if stored is not None:
            stored.copy_(fresh)

"""A cut network as the class that it was cut from, where that class computes the same with the smaller layers."""

from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.evaluation import evaluating
from mipp_core.network.assembling import held
from mipp_core.network.outputs import largest_difference
from mipp_core.network.unwrapping import unwrapped

_SAME = 1e-5
"""The largest relative difference between two ways of running the same layers."""


@torch.no_grad()
def transplanted(model: nn.Module, slim: fx.GraphModule, images: Float[Tensor, "n c h w"]) -> nn.Module:
    """Return a copy of the dense network's own class with the cut network's layers, or else the cut network.

    The class is kept if every module with weights takes part in evaluation, all cut modules have their places in it,
    and both compute the same on the images, all at once and one alone.

    Args:
        model: the dense network, as somebody wrote it; not changed.
        slim: what was cut out of it; its training flag is the result's.
        images: on the networks' device.
    """
    own = deepcopy(unwrapped(model))
    if isinstance(own, fx.GraphModule) or not _implant(own, slim):
        return slim
    own.train(slim.training)
    try:
        with evaluating(own), evaluating(slim):
            gaps = [largest_difference(own(shown.clone()), slim(shown.clone())) for shown in (images, images[:1])]
    except Exception:  # whatever a forward method raises that relies on the dense sizes
        return slim
    return own if max(gaps) <= _SAME else slim


def _implant(own: nn.Module, slim: fx.GraphModule) -> bool:
    """Put the cut network's modules and tensors in their places; tell whether there was one for each."""
    paths = {str(node.target): node.op for node in slim.graph.nodes if node.op in {"call_module", "get_attr"}}
    for path in paths:
        owner, _, name = path.rpartition(".")
        try:
            held(own, path)
        except AttributeError:
            return False
        setattr(own.get_submodule(owner), name, held(slim, path))
    return _runs_everything(own, paths.keys())


def _runs_everything(own: nn.Module, paths: object) -> bool:
    """Tell whether every module with weights of its own takes part in evaluation."""
    return all(
        path in paths or any(f"{path}.{name}" in paths for name, _ in module.named_parameters(recurse=False))  # type: ignore[operator]
        for path, module in own.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    )

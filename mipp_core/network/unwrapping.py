"""Networks inside wrappers, and those that cannot be followed at all, with the sentence that says why."""

from typing import Any

import torch
from torch import nn

from mipp_core.errors import ModelError

_WRAPPERS = {"_orig_mod": "OptimizedModule", "module": "DataParallel"}
"""Attribute -> class whose network it holds; ``DistributedDataParallel`` and ``AveragedModel`` too."""


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the network itself, taken out of ``torch.compile`` and ``DataParallel``.

    Raises:
        ModelError: it is scripted or quantised, or holds layers that have no weights yet.
    """
    for attribute, kind in _WRAPPERS.items():
        inner: Any = getattr(model, attribute, None)
        if isinstance(inner, nn.Module) and kind in {each.__name__ for each in type(model).__mro__}:
            return unwrapped(inner)
    for path, module in model.named_modules():
        _check(path or "the network", module)
    return model


def _check(path: str, module: nn.Module) -> None:
    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError(f"{path} is a scripted module, which cannot be cut; give the nn.Module it was made from.")
    if type(module).__name__ == "OptimizedModule":
        raise ModelError(f"{path} was compiled by torch.compile; prune the network before it is compiled.")
    if isinstance(module, nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params():
        raise ModelError(f"{path} is a lazy layer without weights; run the network once on a batch of images first.")
    if ".quantized." in type(module).__module__:
        raise ModelError(f"{path} is quantised; prune the network before it is quantised.")

"""What every export shares: tracing the network, and checking that the file still computes the same."""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mipp_core.errors import ModelError

LIMIT = 1e-4
"""Largest difference between a network and its export in float32, relative to the largest output."""

BATCH = 2
"""Images in the example that is traced; exporters would treat a batch size of 1 as a constant."""

_CHECKED = 7

ImageShape = tuple[int, int, int]


def exportable(model: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode and float32 on the cpu."""
    return deepcopy(model).cpu().float().eval()


def example(image_shape: ImageShape, batch: int = BATCH) -> Float[Tensor, "n c h w"]:
    """Return the same random images every time; the global random state is not changed."""
    return torch.randn(batch, *image_shape, generator=torch.Generator().manual_seed(0))


def program(ready: nn.Module, image_shape: ImageShape, kind: str) -> ExportedProgram:
    """Trace a network, with the batch size left free.

    Raises:
        ModelError: its operations depend on the images or on how many there are.
    """
    try:
        traced = torch.export.export(ready, (example(image_shape),), dynamic_shapes=({0: Dim("batch")},))
    except RuntimeError as problem:
        raise cannot(kind, problem) from problem
    for node in traced.graph.nodes:
        node.meta.pop("stack_trace", None)  # it names folders of this machine
    return traced


def faithful(
    kind: str, content: bytes, model: nn.Module, check: Callable[..., float], image_shape: ImageShape
) -> bytes:
    """Return an exported file if it computes what the network computes, at another batch size than the traced one.

    Raises:
        ModelError: the outputs differ by more than ``LIMIT``, or are not finite; says by how much.
    """
    found = check(content, model, example(image_shape, _CHECKED))
    if not found <= LIMIT:  # written so that NaN fails too
        raise ModelError(
            f"The {kind} file's outputs differ from the network's by {found:.1e} of the largest output, and the limit "
            f"is {LIMIT:.0e}; use the safetensors file instead."
        )
    return content


def difference(found: Tensor, wanted: Tensor) -> float:
    """Return the largest absolute difference over the largest magnitude wanted."""
    tiny = torch.finfo(wanted.dtype).tiny
    return ((found - wanted).abs().max() / wanted.abs().max().clamp(min=tiny)).item()


def cannot(kind: str, problem: Exception) -> ModelError:
    """Return the error that says why a network cannot be exported: the operator, if there is one to blame."""
    operator = next((found for cause in _causes(problem) if (found := _MISSING.search(str(cause)))), None)
    if operator is not None:
        return ModelError(
            f"The network cannot be exported as {kind}: its operator {operator[1]} has no {kind} form; use the "
            "safetensors or the pt2 file instead, or write that step with other operators."
        )
    why = (_CONTROL.sub("", str(problem)).splitlines() or [type(problem).__name__])[0][:200]
    return ModelError(
        f"The network cannot be exported as {kind} ({why}); its forward pass must be the same for all images and batch "
        "sizes."
    )


_MISSING = re.compile(r"No ONNX function found for <OpOverload\(op='([\w.]+)'")
_CONTROL = re.compile(r"\x1b\[[0-9;]*m")
"""What colours words on a terminal."""


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, the one behind it, and so on."""
    while problem is not None:
        yield problem
        problem = problem.__cause__

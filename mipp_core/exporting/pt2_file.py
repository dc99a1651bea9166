"""A network as a program of ``torch.export``, which PyTorch's Python, C++ and mobile runtimes read."""

import io

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.exporting.faithful import ImageShape, difference, exportable, faithful, program


def to_torch_export(model: nn.Module, image_shape: ImageShape) -> bytes:
    """Return a network as a ``.pt2`` file; ``torch.export.load`` reads it back.

    The batch size stays free.  The network itself is not changed; a copy in evaluation mode and float32 is exported.

    Args:
        model: takes images [n, c, h, w] and returns one tensor.
        image_shape: channels, height and width of one image.

    Raises:
        ModelError: the network cannot be exported, or the file does not compute the same.
    """
    ready = exportable(model)
    file = io.BytesIO()
    torch.export.save(program(ready, image_shape, ".pt2"), file)
    return faithful(".pt2", file.getvalue(), ready, check_torch_export, image_shape)


@torch.no_grad()
def check_torch_export(content: bytes, model: nn.Module, images: Float[Tensor, "n c h w"]) -> float:
    """Return the largest difference between a ``.pt2`` file that we wrote and its network, as ``check_onnx`` does."""
    images = images.cpu().float()
    return difference(torch.export.load(io.BytesIO(content)).module()(images), exportable(model)(images))

"""Networks as files that run without this project: PyTorch's .pt2 and ONNX."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from mipp_core.exporting.faithful import example
from mipp_core.exporting.onnx_file import check_onnx, to_onnx
from mipp_core.exporting.pt2_file import check_torch_export, to_torch_export


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        description: one line for users.
        write: (network, image shape) -> the file.
        check: (file, network, images) -> largest difference of the outputs, relative to the largest output.
    """

    description: str
    write: Callable[..., bytes]
    check: Callable[..., float]


FORMATS: dict[str, Format] = {
    "pt2": Format("a program of torch.export, for PyTorch", to_torch_export, check_torch_export),
    "onnx": Format("ONNX, for most runtimes", to_onnx, check_onnx),
}
"""File ending -> its format."""

CHECKED = 64
"""Number of random images on which a file is compared with its network."""


@dataclass(frozen=True)
class Written:
    """A network as a file.

    Attributes:
        kind: a name in ``FORMATS``.
        content: the file.
        difference: largest difference of its outputs from the network's, relative to the largest output.
    """

    kind: str
    content: bytes
    difference: float


def write(kind: str, model: nn.Module, image_shape: tuple[int, int, int]) -> Written:
    """Write a network as a file of one of the ``FORMATS``, and measure how far its outputs are from the network's.

    Raises:
        ModelError: the network cannot be exported, or the file computes something else.
        SettingError: a package that the format needs is not installed.
    """
    card = FORMATS[kind]
    content = card.write(model, image_shape)
    return Written(kind, content, card.check(content, model, example(image_shape, CHECKED)))


__all__ = [
    "CHECKED",
    "FORMATS",
    "Format",
    "Written",
    "check_onnx",
    "check_torch_export",
    "example",
    "to_onnx",
    "to_torch_export",
    "write",
]

"""Networks as files that run without this project: PyTorch's .pt2 and ONNX."""

from collections.abc import Callable
from dataclasses import dataclass

from mipp_core.exporting.faithful import example
from mipp_core.exporting.onnx_file import check_onnx, to_onnx
from mipp_core.exporting.pt2_file import check_torch_export, to_torch_export


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        description: one line for people.
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

__all__ = ["FORMATS", "Format", "check_onnx", "check_torch_export", "example", "to_onnx", "to_torch_export"]

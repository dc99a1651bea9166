"""Networks as files that run without this project: PyTorch's .pt2 and ONNX."""

from mipp_core.exporting.onnx_file import check_onnx, to_onnx
from mipp_core.exporting.pt2_file import check_torch_export, to_torch_export

__all__ = ["check_onnx", "check_torch_export", "to_onnx", "to_torch_export"]

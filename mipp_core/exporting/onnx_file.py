"""A network as an ONNX file, which most runtimes read."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.errors import SettingError
from mipp_core.exporting.faithful import ImageShape, cannot, difference, exportable, faithful, program

if TYPE_CHECKING:
    from onnx import ModelProto

_ERRORS_ONLY = 3
"""The runtime's log level, on its own scale: only errors go to stderr."""


def to_onnx(model: nn.Module, image_shape: ImageShape) -> bytes:
    """Return a network as an ONNX file with the input ``images`` and the output ``outputs``.

    The batch size stays free.  The network itself is not changed; a copy in evaluation mode and float32 is exported.

    Args:
        model: takes images [n, c, h, w] and returns one tensor.
        image_shape: channels, height and width of one image.

    Raises:
        ModelError: the network cannot be exported, or onnxruntime does not compute the same to 1e-4.
        SettingError: a package for ONNX is not installed.
    """
    _import("onnxscript")
    ready = exportable(model)
    proto = _proto(ready, image_shape)
    _tidy(proto)
    return faithful("ONNX", proto.SerializeToString(), ready, check_onnx, image_shape)


def _proto(ready: nn.Module, image_shape: ImageShape) -> "ModelProto":
    traced = program(ready, image_shape, "ONNX")  # first: the ONNX exporter would silently fix the batch size
    try:
        made = torch.onnx.export(traced, dynamo=True, verbose=False, input_names=["images"], output_names=["outputs"])
    except RuntimeError as problem:
        raise cannot("ONNX", problem) from problem
    return cast("torch.onnx.ONNXProgram", made).model_proto  # None only without dynamo


def _tidy(proto: "ModelProto") -> None:
    """Name the free axis ``batch``, and drop the nodes' metadata: their stack traces name folders of this machine."""
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del proto.graph.value_info[:]
    for node in (*proto.graph.node, *(node for function in proto.functions for node in function.node)):
        del node.metadata_props[:]


@torch.no_grad()
def check_onnx(content: bytes, model: nn.Module, images: Float[Tensor, "n c h w"]) -> float:
    """Run an ONNX file on the cpu and compare it with its network in float32.

    Returns:
        The largest absolute difference of the outputs, relative to the network's largest output in magnitude.

    Raises:
        SettingError: onnxruntime is not installed.
    """
    runtime = _import("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = _ERRORS_ONLY, torch.get_num_threads()
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    images = images.cpu().float()
    (found,) = session.run(None, {"images": images.numpy()})
    return difference(torch.from_numpy(found), exportable(model)(images))


def _import(name: str) -> Any:
    """Import a package that only ONNX needs, when it is needed."""
    try:
        return import_module(name)
    except ImportError as problem:
        raise SettingError(f"ONNX needs the package {name}; install it with: pip install {name}.") from problem

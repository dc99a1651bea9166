import io
import subprocess
import sys
from collections.abc import Callable

import onnxruntime
import pytest
import torch
from torch import Tensor, fx, nn
from torchvision.models import mobilenet_v3_small, resnet18

from mipp_core.errors import ModelError, SettingError
from mipp_core.exporting import check_onnx, check_torch_export, faithful, onnx_file, pt2_file, to_onnx, to_torch_export
from mipp_core.models import MODELS, architecture

GREY, COLOURED = (1, 28, 28), (3, 32, 32)
NARROW = (8, 8, 12, 12, 16, 16, 16, 20, 20, 20, 20, 20, 20)

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "lenet5": (lambda: architecture("lenet5", GREY, 10).build(), GREY),
    "mlp": (lambda: architecture("mlp", GREY, 10).build(), GREY),
    "vgg16": (lambda: MODELS["vgg16"].build(NARROW, COLOURED, 10), COLOURED),
    "resnet18": (lambda: resnet18(weights=None), COLOURED),
    "mobilenet_v3_small": (lambda: mobilenet_v3_small(weights=None), COLOURED),
    "resnet18, a graph": (lambda: fx.symbolic_trace(resnet18(weights=None).eval()), COLOURED),
    "mobilenet_v3_small, a graph": (lambda: fx.symbolic_trace(mobilenet_v3_small(weights=None).eval()), COLOURED),
}


def made(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
    build, shape = NETWORKS[name]
    torch.manual_seed(0)
    return build(), shape


def run_onnx(content: bytes, images: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(["outputs"], {"images": images.numpy()})[0])


def run_pt2(content: bytes, images: Tensor) -> Tensor:
    return torch.export.load(io.BytesIO(content)).module()(images)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("export", "run_file"), [(to_torch_export, run_pt2), (to_onnx, run_onnx)], ids=["pt2", "onnx"])
@torch.no_grad()
def test_the_file_computes_what_the_network_does(name: str, export, run_file, capfd):
    model, shape = made(name)
    content = export(model.train(), shape)
    assert model.training
    model.eval()
    for batch in (1, 7):
        images = torch.randn(batch, *shape)
        wanted = model(images)
        torch.testing.assert_close(run_file(content, images), wanted, rtol=1e-4, atol=1e-4 * wanted.abs().max().item())
    assert b"site-packages" not in content
    assert b"File " not in content
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("export", "check"), [(to_torch_export, check_torch_export), (to_onnx, check_onnx)])
def test_the_network_and_the_random_state_are_left_alone(export, check, mlp: nn.Module, state_of):
    before = state_of(mlp)
    assert check(export(mlp, (1, 4, 4)), mlp, torch.randn(3, 1, 4, 4, generator=torch.Generator())) < 1e-6
    assert state_of(mlp) == before


def test_float64_is_exported_as_float32(mlp: nn.Module):
    content = to_onnx(mlp.double(), (1, 4, 4))
    assert check_onnx(content, mlp, torch.ones(2, 1, 4, 4, dtype=torch.float64)) < 1e-6
    assert next(mlp.parameters()).dtype == torch.float64


def test_the_difference_is_relative_to_the_largest_output(mlp: nn.Module):
    content, images = to_onnx(mlp, (1, 4, 4)), torch.randn(5, 1, 4, 4)
    largest = mlp(images).abs().max().item()
    with torch.no_grad():
        mlp.fc3.bias += 0.1
    shifted = mlp(images).abs().max().item()
    assert check_onnx(content, mlp, images) == pytest.approx(0.1 / shifted, rel=1e-3)
    assert shifted != pytest.approx(largest, rel=1e-3)


@pytest.mark.parametrize(("export", "home"), [(to_torch_export, pt2_file), (to_onnx, onnx_file)])
def test_a_file_that_computes_something_else_is_not_returned(export, home, mlp: nn.Module, monkeypatch):
    name = "check_onnx" if home is onnx_file else "check_torch_export"
    for lie in (2e-4, float("nan")):
        monkeypatch.setattr(home, name, lambda *_, lie=lie: lie)
        with pytest.raises(ModelError, match=rf"differ from the network's by {lie:.1e} .* limit is 1e-04; use the"):
            export(mlp, (1, 4, 4))


def test_outputs_of_zero_are_compared_too():
    assert faithful.difference(torch.zeros(3), torch.zeros(3)) == 0
    assert faithful.difference(torch.ones(3), torch.zeros(3)) > faithful.LIMIT


class Undecided(nn.Module):
    """Its path depends on the images."""

    def forward(self, images: Tensor) -> Tensor:
        return images if images.sum() > 0 else -images


class Two(nn.Module):
    """It takes two images at a time only."""

    def forward(self, images: Tensor) -> Tensor:
        return images.view(2, 16)


@pytest.mark.parametrize("export", [to_torch_export, to_onnx])
@pytest.mark.parametrize("model", [Undecided(), Two()], ids=["undecided", "two"])
def test_a_network_that_cannot_be_exported_is_a_sentence(export, model: nn.Module):
    with pytest.raises(ModelError, match=r"cannot be exported as .*; its forward pass must be the same for all"):
        export(model, (1, 4, 4))


def test_an_operation_that_onnx_lacks_is_a_sentence():
    class Bessel(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.special.bessel_j0(images)

    with pytest.raises(ModelError, match="cannot be exported as ONNX"):
        to_onnx(Bessel(), (1, 4, 4))


def test_the_free_axis_has_a_name(mlp: nn.Module):
    session = onnxruntime.InferenceSession(to_onnx(mlp, (1, 4, 4)), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", 1, 4, 4]
    assert session.get_outputs()[0].shape == ["batch", 3]


@pytest.mark.parametrize("package", ["onnxscript", "onnxruntime"])
def test_a_missing_package_is_a_sentence(package: str, mlp: nn.Module, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingError, match=f"needs the package {package}; install it with: pip install {package}"):
        to_onnx(mlp, (1, 4, 4))


def test_the_core_is_imported_without_onnx():
    words = (
        "import sys, mipp_core, mipp_core.exporting, mipp_core.checkpoints, mipp_core.command_line; "
        "print(sorted({'onnx', 'onnxruntime', 'onnxscript', 'streamlit', 'plotly', 'captum'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"

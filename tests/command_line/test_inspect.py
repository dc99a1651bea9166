"""``mipp inspect``: a table and a sentence for any network, and one sentence for what cannot be."""

import json
from pathlib import Path

import pytest

from mipp_core.command_line import main
from mipp_core.evaluation import macs, parameters
from mipp_core.models import architecture

OWN = """
import torch
from torch import nn
from torch.nn import functional

class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1)
        self.up, self.joined = nn.ConvTranspose2d(8, 6, 2, 2), nn.Conv2d(12, 5, 3, padding=1)
        self.head = nn.Conv2d(5, 2, 1)

    def forward(self, images):
        shallow = torch.relu(self.down(images))
        deep = torch.relu(self.deep(functional.max_pool2d(shallow, 2)))
        return self.head(torch.relu(self.joined(torch.cat([shallow, torch.relu(self.up(deep))], 1))))

class Reads(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, numbers):
        hidden = self.first(numbers)
        return self.second(torch.relu(hidden) if hidden.sum() > 0 else hidden)

def unet():
    return Unet()

def reads():
    return Reads()

def signal(classes):
    return nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Conv1d(4, 6, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
                         nn.Linear(6, classes))

def double():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).double()

def single():
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 3))

def noisy():
    return nn.Sequential(nn.Linear(6, 5), Noise(), nn.Linear(5, 3))

class Noise(nn.Module):
    def forward(self, numbers):
        return functional.dropout(numbers, 0.5)
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "net.py").write_text(OWN)
    return f"{tmp_path}/net.py"


def inspected(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert main(["inspect", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def fates(document: dict) -> dict[str, str]:
    return {layer["name"]: layer["fate"] for layer in document["layers"]}


def test_a_registered_network_is_a_line_per_layer_and_two_sentences(capsys):
    assert main(["inspect", "lenet5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["conv1", "conv2", "fc1", "fc2", "fc3"]
    assert lines[0] == "conv1  Conv2d 1→6, 5×5      156  pruned  read by conv2"
    assert lines[4].endswith("whole   the network's answer is made of its units")
    dense = architecture("lenet5", (1, 28, 28), 10).build()
    assert lines[5:] == [
        "",
        "4 layers can be pruned, 0 parts go with their units, 1 stays whole.",
        f"Within reach, with one unit left in every layer: 99.8% of {parameters(dense):,} parameters, 94.6% of "
        f"{macs(dense, (1, 28, 28)):,} multiply-accumulates.",
    ]


def test_a_residual_network_says_what_carries_its_stream(capsys):
    document = inspected(capsys, "torchvision:resnet18", "--image", "3x64x64")
    found = {layer["name"]: layer for layer in document["layers"]}
    assert document["image_shape"] == [3, 64, 64]
    assert found["layer2.0.downsample.0"]["why"] == "it carries a residual stream past a block"
    assert found["layer2.0.bn2"]["why"] == "it goes with the units of layer2.0.conv2"
    assert found["layer4.1.conv2"]["why"] == "read by fc; added into a stream, which keeps its width"
    assert sum(layer["parameters"] for layer in document["layers"]) == document["dense"]["parameters"]


def test_photographs_are_what_torchvisions_networks_read_unless_told(capsys):
    document = inspected(capsys, "torchvision:squeezenet1_1")
    assert document["image_shape"] == [3, 224, 224]
    assert document["layers"][-1]["kind"] == "Conv2d 512→1000, 1×1"


def test_a_network_of_one_dimension(own: str, capsys):
    document = inspected(capsys, f"{own}:signal", "--image", "1x128", "--classes", "4")
    assert fates(document) == {"0": "pruned", "2": "pruned", "5": "whole"}
    assert [layer["kind"] for layer in document["layers"]] == ["Conv1d 1→4, 3", "Conv1d 4→6, 3", "Linear 6→4"]
    assert document["dense"]["macs"] == 126 * 4 * 3 + 124 * 6 * 4 * 3 + 6 * 4


def test_a_network_that_answers_with_a_picture(own: str, capsys):
    document = inspected(capsys, f"{own}:unet", "--image", "3x16x16")
    assert fates(document) == {"down": "pruned", "deep": "pruned", "up": "pruned", "joined": "pruned", "head": "whole"}
    assert document["layers"][0]["why"] == "read by deep, joined"


def test_a_network_in_double_precision(own: str, capsys):
    assert fates(inspected(capsys, f"{own}:double", "--image", "6")) == {"0": "pruned", "2": "whole"}


def test_the_document_has_what_the_table_has(capsys):
    document = inspected(capsys, "lenet5", "--widths", "3,4,9,7", "--dataset", "mnist-sample")
    assert document["network"] == "lenet5"
    assert [layer["units"] for layer in document["layers"]] == [3, 4, 9, 7, 10]
    assert document["dense"]["units"] == 3 + 4 + 9 + 7
    assert document["least"]["units"] == 4
    for name, share in document["reach"].items():
        assert share == pytest.approx(1 - document["least"][name] / document["dense"][name])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lenet6"], "There is no model called 'lenet6'; choose one of: lenet5"),
        (["torchvision:resnet19"], "There is no model called 'torchvision:resnet19'"),
        (["nowhere.py:build"], "The file nowhere.py cannot be run"),
        (["lenet5", "--image", "1x28x28", "--dataset", "mnist"], "Give either --image or --dataset"),
        (["lenet5", "--image", "abc"], "--image abc is no shape; give channels, height and width, as 3x224x224"),
        (["lenet5", "--image", "1x0x28"], "--image 1x0x28 is no shape"),
        (["lenet5", "--image", "1x-28x28"], "--image 1x-28x28 is no shape"),
        (["lenet5", "--image", "1x28.5x28"], "--image 1x28.5x28 is no shape"),
        (["lenet5", "--image", "9" * 5000], "is no shape"),
        (["lenet5", "--image", "3x99999x99999"], "has 29,999,400,003 numbers; give at most 100,000,000"),
        (["lenet5", "--image", "1x128"], "lenet5 reads pictures, not 1x128; give channels, height and width"),
        (["lenet5", "--image", "1x4x4"], "lenet5 cannot read images of 4x4"),
        (["mlp", "--image", "784"], "mlp reads pictures, not 784"),
        (["vgg16"], "vgg16 cannot read images of 28x28: use images of at least 32x32"),
        (["torchvision:alexnet", "--image", "3x8x8"], "cannot be run on 2×3×8×8 images"),
        (["lenet5", "--dataset", "digits"], "There is no dataset called 'digits'"),
        (["lenet5", "--widths", "six"], "The widths 'six' are not whole numbers"),
        (["lenet5", "--widths", "6,16"], "The widths [6, 16] do not fit lenet5: give 4 whole numbers"),
        (["lenet5", "--widths", "6,16,0,84"], "do not fit lenet5"),
        (["torchvision:resnet18", "--widths", "8"], "it has one size only; leave the widths out"),
        (["lenet5", "--classes", "0"], "A network cannot have 0 classes; give at least 1."),
        (["lenet5", "--classes", "-2"], "A network cannot have -2 classes; give at least 1."),
    ],
)
def test_what_cannot_be_is_one_sentence(words: list[str], sentence: str, capsys):
    refused(capsys, words, sentence)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("reads", "This network reads the values of its activations in Python (bool)"),
        ("noisy", "This network's answers are random"),
        ("single", "This network has 1 convolution or linear layers and none that can be pruned"),
        ("absent", "has no function 'absent'; give PATH.py:FUNCTION"),
    ],
)
def test_a_network_of_ones_own_that_cannot_be_pruned_is_one_sentence(function: str, sentence: str, own: str, capsys):
    refused(capsys, [f"{own}:{function}", "--image", "6"], sentence)


def refused(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    assert main(["inspect", *words, "--json"]) == 2
    answer = capsys.readouterr()
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert sentence in answer.err
    assert answer.err.count("\n") == 1

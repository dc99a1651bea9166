import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mipp_core.errors import ModelError, UnknownNameError
from mipp_core.models import MODELS, Architecture, architecture, family, load_file
from mipp_core.models.from_torchvision import torchvision_family
from mipp_core.own_files import shown

OWN = [name for name, card in MODELS.items() if card.widths]


def test_an_unknown_family_lists_the_known_ones():
    for ask in (family, lambda name: architecture(name, (1, 28, 28), 10, (3, 3))):
        with pytest.raises(
            UnknownNameError, match=r"no model called 'vgg'; choose one of: lenet5, .*, torchvision:NAME"
        ):
            ask("vgg")


@pytest.mark.parametrize("widths", [(3,), (3, 3, 3), (3, 0), (-1, 3)])
def test_widths_that_do_not_fit_are_refused(widths: tuple[int, ...]):
    with pytest.raises(ModelError, match="do not fit mlp: give 2 whole numbers of at least 1, for fc1, fc2"):
        architecture("mlp", (1, 4, 4), 3, widths)


@pytest.mark.parametrize("shape", [(1, 11, 28), (3, 28, 11)])
def test_an_image_too_small_for_its_family_is_refused(shape: tuple[int, int, int]):
    with pytest.raises(ModelError, match=f"lenet5 cannot read images of {shape[1]}x{shape[2]}: use .* least 12x12"):
        architecture("lenet5", shape, 3)


@pytest.mark.parametrize("more", [(0, 0), (1, 5), (16, 33)])
@pytest.mark.parametrize("name", OWN)
def test_every_family_reads_the_images_it_accepts(name: str, more: tuple[int, int]):
    least = MODELS[name].smallest_image
    architecture(name, (3, least + more[0], least + more[1]), 4).check_runs()


def test_a_seed_gives_the_same_network_and_leaves_the_global_state_alone():
    found, state = architecture("mlp", (1, 4, 4), 3, (8, 6)), torch.random.get_rng_state()
    one, same, other = (found.build(seed).fc1.weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", MODELS)
def test_an_architecture_is_plain_json(name: str):
    found = architecture(name, (1, 32, 32), 10)
    assert Architecture.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert found.widths == MODELS[name].widths


def test_other_widths_and_the_size_of_an_image():
    found = architecture("mlp", (3, 4, 5), 3, (8, 6))
    assert found.with_widths((2, 1)) == architecture("mlp", (3, 4, 5), 3, (2, 1))
    assert found.inputs == 60


@pytest.mark.parametrize(("widths", "classes"), [((), 10), (None, 0)])
def test_a_network_of_nothing_is_refused(widths: tuple[int, ...] | None, classes: int):
    with pytest.raises(ModelError):
        architecture("mlp", (1, 28, 28), classes, widths)


def test_a_family_of_one_size_has_no_widths():
    with pytest.raises(ModelError, match="do not fit torchvision:alexnet: it has one size only; leave the widths out"):
        architecture("torchvision:alexnet", (3, 64, 64), 10, (64,))


def test_a_misspelt_network_of_torchvision_is_told_the_closest():
    with pytest.raises(UnknownNameError, match=r"no model called 'torchvision:resnet19'; .*torchvision:resnet18"):
        family("torchvision:resnet19")
    with pytest.raises(UnknownNameError, match=r"torchvision:alexnet.*torchvision:wide_resnet50_2"):
        family("torchvision:#")


@pytest.mark.parametrize(
    ("name", "shape"), [("torchvision:alexnet", (3, 32, 32)), ("torchvision:inception_v3", (1, 60, 60))]
)
def test_images_that_a_network_cannot_read_are_refused_before_anything_is_computed(name: str, shape):
    with pytest.raises(ModelError, match=f"{name} cannot read images of {'×'.join(map(str, shape))} "):
        architecture(name, shape, 10).check_runs()


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "densenet121", "squeezenet1_1"])
def test_a_network_for_photographs_reads_grey_images_with_another_first_layer(name: str):
    grey, coloured = (architecture(f"torchvision:{name}", (channels, 64, 64), 10) for channels in (1, 3))
    grey.check_runs()
    with torch.device("meta"):
        shapes = [
            {key: tensor.shape for key, tensor in found.build().state_dict().items()} for found in (grey, coloured)
        ]
    assert list(shapes[0]) == list(shapes[1])
    (first,) = [key for key in shapes[0] if shapes[0][key] != shapes[1][key]]
    assert (shapes[0][first][1], shapes[1][first][1]) == (1, 3)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    def put(text: str) -> str:
        (tmp_path / "net.py").write_text(f"from torch import nn\n{text}")
        return f"{tmp_path}/net.py"

    return put


def test_a_network_of_a_persons_own_file(write):
    path = write("def build(classes):\n    return nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.Linear(5, classes))")
    name = load_file(f"{path}:build")
    assert name.startswith("file:net.py:build@")
    assert shown(name) == "net.py:build"
    found = architecture(name, (1, 4, 4), 3)
    found.check_runs()
    assert found.build()(torch.zeros(2, 1, 4, 4)).shape == (2, 3)
    assert torch.equal(found.build(1)[1].weight, found.build(1)[1].weight)
    write("def build(classes):\n    return nn.Linear(1, classes)")
    assert load_file(f"{path}:build") != name


@pytest.mark.parametrize(
    ("text", "function", "words"),
    [
        ("def build(:", "build", "cannot be run .SyntaxError"),
        ("1 / 0", "build", "cannot be run .ZeroDivisionError: division by zero.; check its path and its code"),
        ("raise SystemExit(2)", "build", "cannot be run .SystemExit: 2.; check its path and its code"),
        ("def other(): pass", "build", "has no function 'build'; give PATH.py:FUNCTION"),
        ("build = 3", "build", "has no function 'build'"),
    ],
)
def test_a_file_that_builds_nothing_is_a_sentence(write, text: str, function: str, words: str):
    with pytest.raises(ModelError, match=words):
        load_file(f"{write(text)}:{function}")


def test_a_file_that_is_not_there_is_a_sentence():
    with pytest.raises(ModelError, match=r"The file nowhere/net.py cannot be run \(FileNotFoundError"):
        load_file("nowhere/net.py:build")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def build(): return 3", "returned a int; it must return a torch.nn.Module"),
        ("def build(): return nn.Sequential(nn.Flatten(), nn.Linear(16, 4))", r"returns \(1, 4\) for one image"),
        (
            "def build(width): return nn.Flatten()",
            "build@[0-9a-f]+ cannot be built .TypeError: .*'width'.; correct its code",
        ),
        ("def build(): return {}['a']", "cannot be built .KeyError: 'a'."),
        ("def build(): return nn.Flatten()", r"returns \(1, 16\) for one image"),
        ("def build(): return nn.LSTM(4, 3)", "cannot read images|returns a tuple for one image"),
    ],
)
def test_a_file_that_builds_something_else_is_a_sentence(write, text: str, words: str):
    name = load_file(f"{write(text)}:build")
    with pytest.raises(ModelError, match=words):
        architecture(name, (1, 4, 4), 3).check_runs()


def test_a_file_may_print_and_compute_with_numbers(write, capsys: pytest.CaptureFixture[str]):
    text = """
print("run")
def build():
    layer = nn.Linear(16, 3)
    print("built", layer.weight.sum().item())
    return nn.Sequential(nn.Flatten(), layer)
"""
    name = load_file(f"{write(text)}:build")
    architecture(name, (1, 4, 4), 3).check_runs()
    out, err = capsys.readouterr()
    assert (out, err.count("run"), err.count("built")) == ("", 1, 1)


def test_a_file_that_nobody_named_is_never_run(tmp_path: Path):
    value = {
        "family": f"file:{tmp_path}/net.py:build@0123456789ab",
        "widths": [],
        "image_shape": [1, 4, 4],
        "classes": 3,
    }
    (tmp_path / "net.py").write_text("raise SystemExit")
    with pytest.raises(ModelError, match=r"is only run when you name it; give it again as --model PATH.py:FUNCTION"):
        Architecture.from_json(value)


def test_a_network_that_changes_the_colours_of_its_images_leaves_grey_ones_alone():
    for name in ("googlenet", "inception_v3"):
        assert architecture(f"torchvision:{name}", (3, 96, 96), 10).sketch().transform_input
        architecture(f"torchvision:{name}", (1, 96, 96), 10).check_runs()


@pytest.mark.parametrize("name", [name for name in MODELS if name.startswith("torchvision:")])
def test_what_is_written_of_torchvisions_networks_is_what_torchvision_says(name: str):
    assert MODELS[name] == torchvision_family(name.removeprefix("torchvision:"))
    assert MODELS[name].weights

"""Images of one's own by the command line."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image

from mipp_core import jobs
from mipp_core.command_line import main
from mipp_core.data import is_own
from mipp_core.data.own import known
from mipp_core.errors import ImagesError
from mipp_core.experiments import run
from mipp_core.jobs.executors import local
from mipp_core.recipes import RECIPES
from mipp_core.reports.archive import command_of, load_slim
from mipp_core.runs import RunSpec
from mipp_core.store import Store

QUICK = [
    *("--model", "mlp", "--widths", "6,5", "--recipe", "none", "--retrain-recipe", "none"),
    *("--set", "members=2", "--set", "hidden=[8]", "--set", "fit_steps=10", "--set", "unit_steps=1"),
    *("--set", "samples=20", "--set", "rank_steps=1", "--set", "refit_steps=1"),
]


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    random = numpy.random.default_rng(0)
    for name in ("cats", "dogs, large", "mice"):
        (tmp_path / "my pets" / name).mkdir(parents=True)
        for number in range(6):
            size = (9 + number, 8, 3)
            Image.fromarray(random.integers(0, 256, size).astype("uint8")).save(
                tmp_path / "my pets" / name / f"{number}.png"
            )
    return tmp_path / "my pets"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the one sentence of a refusal."""
    assert main(list(words)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


def test_from_pictures_to_a_slim_network(pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ["prune", "--dataset", f"folder:{pets}", *QUICK, "--size", "6x5", "--grey", "--confidence", "0.75"]
    assert main([*words, "--save-dir", str(tmp_path / "out"), "--json"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert "folder:my pets: 3 classes, 15 + 3 images (20% of each class to test on, by seed 0); pictures 9 to 14" in err
    assert "resized to 6×5 and cropped in the middle; grey; mean 0." in err
    assert is_own(document["spec"]["network"]["dataset"])
    assert str(tmp_path) not in out
    slim = load_slim(tmp_path / "out")
    assert slim(torch.zeros(2, 1, 6, 5)).shape == (2, 3)
    assert main(["export", str(tmp_path / "out"), "--format", "pt2"]) == 0


@pytest.mark.parametrize("command", ["train", "plan", "sweep"])
def test_every_command_takes_them(command: str, pets: Path, capsys: pytest.CaptureFixture[str]):
    words = QUICK[:6] if command == "train" else QUICK
    points = ["--sparsities", "0.5"] if command == "sweep" else []
    assert main([command, "--dataset", f"folder:{pets}", *words, *points, "--json"]) == 0
    json.loads(capsys.readouterr().out)


def test_arrays_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    numpy.savez(tmp_path / "d.npz", images=numpy.zeros((20, 4, 4), "u1"), labels=numpy.arange(20) % 2)
    assert main(["train", "--dataset", str(tmp_path / "d.npz"), "--model", "mlp", "--widths", "4,3", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "d.npz: 2 classes, 16 + 4 images (20% of each class to test on, by seed 0); 4×4, grey" in err
    recipe = json.loads(out)["spec"]["recipe"]
    assert (recipe["epochs"], recipe["augmentation"]["flip"]) == (60, False)


def test_images_changed_between_two_runs_are_two_runs(pets: Path, capsys: pytest.CaptureFixture[str]):
    names = []
    for shade in (0, 255):
        Image.new("RGB", (20, 20), (shade,) * 3).save(pets / "cats" / "0.bmp")
        assert main(["train", "--dataset", f"folder:{pets}", *QUICK[:6], "--json"]) == 0
        names.append(json.loads(capsys.readouterr().out)["hash"])
    assert names[0] != names[1]


def test_a_path_may_have_commas_and_a_list_may_have_paths(pets: Path, capsys: pytest.CaptureFixture[str]):
    other = pets.rename(pets.parent / "a,b")
    assert main(["train", "--dataset", f"folder:{other}", *QUICK[:6]]) == 0
    assert "folder:a,b: 3 classes" in capsys.readouterr().err
    sentence = refused(capsys, "train", "--dataset", f"folder:{other},mnist-sample", *QUICK[:6])
    assert "takes one dataset, not 2" in sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--dataset", "folder:/gone"], "The folder /gone does not exist; give one with"),
        (["--dataset", "folder:"], "has no path; write it as folder:PATH"),
        (["--dataset", "gone.npz"], "gone.npz; give a .npz file of images and labels."),
        (["--size", "32"], "are for images of your own; give --dataset folder:PATH"),
        (["--grey"], "are for images of your own"),
        (["--dataset", "PETS", "--size", "big"], "The size 'big' is not one; write it as 64, or as 48x64"),
        (["--dataset", "PETS", "--size", "0"], "The size 0x0 is out of range; give 1 to 1024"),
        (["--dataset", "PETS", "--size", "4000x3000"], "out of range"),
        (["--dataset", "PETS", "--test-share", "20"], "The test share 20.0 is outside (0, 1); give a part of 1"),
        (["--dataset", "PETS", "--split-seed", "-1"], "The split seed -1 is out of range"),
        (
            ["--dataset", "folder:x@0123456789abcdef-3x8x8-2-10-4"],
            "folder:x are is not known here; name them",
        ),
        (["--dataset", "pets"], "no dataset called 'pets'; choose one of: mnist-sample"),
    ],
)
def test_refusals_are_one_sentence(words: list[str], sentence: str, pets: Path, capsys: pytest.CaptureFixture[str]):
    given = [word.replace("PETS", f"folder:{pets}") for word in words]
    assert sentence in refused(capsys, "train", *given, *QUICK[:6])


def test_a_damaged_picture_writes_nothing(
    pets: Path, tmp_path: Path, own_store: Path, capsys: pytest.CaptureFixture[str]
):
    (pets / "mice" / "3.png").write_bytes(b"GIF89a")
    words = [
        "prune",
        "--dataset",
        f"folder:{pets}",
        *QUICK,
        "--confidence",
        "0.75",
        "--save-dir",
        str(tmp_path / "out"),
    ]
    assert "Of 18 pictures that were looked at, 1 picture cannot be read: " in refused(capsys, *words)
    assert not (tmp_path / "out").exists()
    assert not own_store.exists()


def test_a_grid_in_a_file_names_images(pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[RunSpec] = []
    monkeypatch.setattr("mipp_core.command_line.sweeping.run_here", lambda cells, *_: asked.extend(cells))
    grid = tmp_path / "grid.toml"
    grid.write_text(f'[grid]\nmodel = ["mlp"]\nseed = [0, 1]\ndataset = ["folder:{pets}", "mnist-sample"]\n')
    main(["sweep", str(grid), "--size", "6"])
    assert [is_own(spec.network.dataset) for spec in asked] == [True, True, False, False]
    assert asked[0].network.architecture.image_shape == (3, 6, 6)
    assert asked[0].network.recipe.batch_size == 16
    assert asked[2].network.recipe.epochs == 10


@pytest.fixture
def asked(pets: Path, own_store: Path, monkeypatch: pytest.MonkeyPatch, tiny_spec: RunSpec) -> RunSpec:
    """Queue a run on pictures, then forget that this process has looked at them, as a worker has not."""
    monkeypatch.setattr(jobs, "ensure", lambda *_: None)
    monkeypatch.setattr(local.time, "sleep", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    images = known.own_images(f"folder:{pets}", known.Options(size=(6, 6), crop=False, split_seed=4))
    network = replace(tiny_spec.network, dataset=images.card.name)
    settings = replace(tiny_spec.settings, samples=20)
    spec = replace(tiny_spec, network=network, settings=settings, measured=(19,))
    with pytest.raises(KeyboardInterrupt):
        local.run_here([spec], Store(own_store), ("cpu",), lambda _: None)
    monkeypatch.setattr(known, "_NAMED", {})
    return spec


def test_a_worker_finds_the_images_again(asked: RunSpec, own_store: Path):
    document = Store(own_store).runs.look(asked.hash).spec
    assert RunSpec.from_json(document) == asked
    assert RunSpec.from_json(document).network.architecture.classes == 3
    result, _ = run(RunSpec.from_json(document), Store(own_store))
    assert result.state == "done"


def test_a_worker_refuses_changed_images(asked: RunSpec, own_store: Path, pets: Path):
    Image.new("RGB", (20, 20)).save(pets / "cats" / "0.png")
    with pytest.raises(ImagesError, match="have been changed since this run was asked for; ask for it again"):
        run(asked, Store(own_store))


def test_another_store_does_not_know_where_the_images_are(asked: RunSpec, tmp_path: Path):
    with pytest.raises(ImagesError, match="Where the images folder:my pets are is not known here; name them again"):
        run(asked, Store(tmp_path / "other"))


def test_the_command_that_makes_a_run_again(pets: Path, tiny_spec: RunSpec):
    images = known.own_images(f"folder:{pets}", known.Options((6, 5), crop=False, test_share=0.5, split_seed=2))
    network = replace(tiny_spec.network, dataset=images.card.name, recipe=RECIPES["own-few"])
    words = shlex.split(command_of(replace(tiny_spec, network=network, retraining=RECIPES["own-few-retrain"])))
    own = ["--dataset", "folder:my pets", "--size", "6x5", "--rgb", "--crop", "none", "--test-share", "0.5"]
    start = words.index("--dataset")
    assert words[start : start + 11] == [*own, "--split-seed", "2"]

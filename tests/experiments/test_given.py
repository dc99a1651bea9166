"""What given weights are worth: measured once, kept, and shared with the run that comes next."""

import os
from pathlib import Path

import pytest
import torch

from mipp_core import DATASETS
from mipp_core.checkpoints import open_checkpoint
from mipp_core.errors import DataError
from mipp_core.experiments import given
from mipp_core.experiments.experiment import Experiment
from mipp_core.experiments.given import worth
from mipp_core.experiments.uploads import keep_weights
from mipp_core.models import architecture
from mipp_core.recipes import RECIPES
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store
from mipp_core.store.files import packed
from mipp_core.vocabulary import silent

MLP = architecture("mlp", (1, 28, 28), 10)


@pytest.fixture
def network(tmp_path: Path) -> tuple[NetworkSpec, Store]:
    store = Store(tmp_path / "store")
    name = keep_weights(packed(MLP.build(5).state_dict()), MLP, store)
    return NetworkSpec("mlp", weights=name, recipe=RECIPES["none"]), store


def test_it_is_measured_once(network, monkeypatch: pytest.MonkeyPatch):
    spec, store = network
    first = worth(spec, store)
    assert first.images == 2000
    assert str(first) == f"{first.accuracy:.1%} of 2,000 test images"
    monkeypatch.setattr(given, "accuracy", lambda *_: pytest.fail("measured again"))
    assert worth(spec, store) == first


@pytest.mark.parametrize("recipe", ["none", "live"])
def test_training_does_not_matter_and_statistics_do(network, recipe: str):
    spec, store = network
    plain = worth(NetworkSpec("mlp", weights=spec.weights, recipe=RECIPES[recipe]), store)
    other = worth(NetworkSpec("mlp", weights=spec.weights, mean=(0.9,), std=(0.02,)), store)
    assert plain == worth(spec, store)
    assert other.accuracy != plain.accuracy


def test_the_run_that_comes_next_does_not_measure_again(network, monkeypatch: pytest.MonkeyPatch):
    spec, store = network
    run = RunSpec(spec)
    found = worth(spec, store, run=run.hash)
    monkeypatch.setattr("mipp_core.experiments.subject.accuracy", lambda *_: pytest.fail("measured again"))
    experiment = Experiment(run, store.stages(run.hash), torch.device("cpu"), silent)
    assert experiment.dense().value["accuracy"] == found.accuracy


def test_without_a_download_there_is_no_answer_and_no_error(network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec, store = network
    for name in ("mnist", "fashion-mnist"):
        asked = NetworkSpec("mlp", name, weights=spec.weights)
        assert worth(asked, store, data_dir=tmp_path / "data", may_download=False) is None
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_progress_is_still_reported(network):
    spec, store = network
    stages: list[str] = []
    worth(spec, store, report=lambda progress: stages.append(progress.stage), may_download=False)
    assert "reading mnist-sample" in stages
    with pytest.raises(DataError, match="give their file again"):
        worth(NetworkSpec("mlp", weights="0" * 64), store)


CHECKPOINT = "resnet20-12fca82f.th"
IMAGENET = DATASETS["imagenet"].normalisation


def _public_file() -> Path | None:
    """Idelbayev's ResNet20, in the folder of test data or in its folder ``checkpoints``, here or beside it."""
    root = Path(os.environ.get("MIPP_TEST_DATA", "/nowhere"))
    places = [folder / CHECKPOINT for folder in (root, root / "checkpoints", root.parent / "checkpoints")]
    return next((place for place in places if place.is_file()), None)


public = pytest.mark.skipif(_public_file() is None, reason=f"MIPP_TEST_DATA has no {CHECKPOINT}")
real = pytest.mark.skipif(
    _public_file() is None or not (Path(os.environ["MIPP_TEST_DATA"]) / "cifar-10-batches-py").is_dir(),
    reason="MIPP_TEST_DATA names no folder with CIFAR-10",
)


@public
def test_a_public_checkpoint_of_the_old_format_loads():
    made = architecture("resnet20", (3, 32, 32), 10)
    found = open_checkpoint(_public_file(), made)
    assert (found.entry, found.notes) == ("state_dict", ())
    made.build().load_state_dict(found.tensors)


@real
@pytest.mark.parametrize(("given", "right"), [(IMAGENET, 9173), (None, 9169)])
def test_a_public_checkpoint_is_as_good_as_published(given, right: int, tmp_path: Path):
    """Its file says 91.78, its table 91.73, both with ImageNet's statistics."""
    made, store = architecture("resnet20", (3, 32, 32), 10), Store(tmp_path)
    name = keep_weights(_public_file(), made, store)
    statistics = {} if given is None else {"mean": given.mean, "std": given.std}
    spec = NetworkSpec("resnet20", "cifar10", weights=name, **statistics)
    found = worth(spec, store, data_dir=Path(os.environ["MIPP_TEST_DATA"]))
    assert found.images == 10_000
    assert found.accuracy == pytest.approx(right / 10_000, abs=2e-4)  # last bits depend on the processor

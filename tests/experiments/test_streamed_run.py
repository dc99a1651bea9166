"""A whole run on streamed files: trained, pruned, rebuilt, retrained and measured as one in memory."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from mipp_core.augmentation import Augmentation
from mipp_core.data import DATASETS, DatasetCard, Normalisation
from mipp_core.data.decoding import Crop
from mipp_core.data.folder_family import FolderFamily
from mipp_core.experiments import run
from mipp_core.pruners import PRUNERS
from mipp_core.recipes import Recipe, Recommended
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store

FAMILY = FolderFamily("photos", "photos", 2, 12, 4, Crop(8, 8), "paint them")
CARD = DatasetCard(
    "photos",
    "Photos.",
    ("a", "b"),
    (3, 8, 8),
    12,
    4,
    None,
    Normalisation((0.5,) * 3, (0.25,) * 3),
    FAMILY.load,
    Recommended("live-cifar"),
)
CROPPED = Recipe(1, batch_size=5, augmentation=Augmentation(flip=True, resized_crop=True))


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "photos", CARD)
    generator = torch.Generator().manual_seed(0)
    for part, count in (("train", 6), ("val", 2)):
        for wnid in "ab":
            (tmp_path / "photos" / part / wnid).mkdir(parents=True)
            for number in range(count):
                pixels = torch.randint(256, (8, 8, 3), generator=generator).to(torch.uint8)
                Image.fromarray(pixels.numpy()).save(tmp_path / "photos" / part / wnid / f"{number}.png")


@pytest.mark.parametrize("name", ["mipp", "magnitude", "snip"])
def test_a_run_on_streamed_files(tmp_path: Path, tiny_spec: RunSpec, name: str):
    network = NetworkSpec("mlp", "photos", (6, 5), recipe=CROPPED)
    settings = replace(tiny_spec.settings, samples=16, pixels=True) if name == "mipp" else PRUNERS[name]()
    sparsities = None if name == "mipp" else (0.5,)
    measured = (0, 19) if name == "mipp" else None
    spec = RunSpec(
        network, pruner=name, settings=settings, retraining=CROPPED, sparsities=sparsities, measured=measured
    )
    result, weights = run(spec, store=Store.at(tmp_path / "store"), data_dir=tmp_path)
    assert result.state == "done"
    assert len(result.levels) == len(weights) == len(spec.points)
    for level in result.levels:
        assert {level.accuracy_pruned, level.accuracy_rebuilt, level.accuracy_retrained} <= {0, 0.25, 0.5, 0.75, 1}
        assert level.train_accuracy_retrained is not None

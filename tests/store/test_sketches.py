"""What a run that goes on has decided so far."""

import base64

import numpy as np
import torch

from mipp_core.information import confidence_of
from mipp_core.models import architecture
from mipp_core.pruners import ClosedForm, Mipp
from mipp_core.reports.living import deciding, prunable_units
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store

LEVELS = tuple(map(confidence_of, range(4)))


def unpacked(layer, rows):
    bits = np.unpackbits(np.frombuffer(base64.b64decode(layer["kept"]), dtype=np.uint8))
    return bits[: rows * layer["units"]].reshape(rows, layer["units"]).astype(bool)


def test_a_sketch_is_kept_replaced_and_dropped(tmp_path):
    sketches = Store(tmp_path).sketches
    assert sketches.get("a" * 16) == {}
    for seed in (0, 1):
        mask = torch.rand(3, 7, generator=torch.Generator().manual_seed(seed)) > 0.5
        sketches.put("a" * 16, {"fc1": mask})
        assert np.array_equal(unpacked(sketches.get("a" * 16)["fc1"], 3), mask.numpy())
    sketches.drop("a" * 16)
    sketches.drop("a" * 16)
    assert sketches.get("a" * 16) == {}


def test_a_damaged_sketch_is_none(tmp_path):
    sketches = Store(tmp_path).sketches
    sketches.put("a" * 16, {"fc1": torch.ones(1, 1, dtype=torch.bool)})
    next(tmp_path.glob("sketches/*")).write_text("{")
    assert sketches.get("a" * 16) == {}


def test_pruners_that_decide_tell_what_they_have_decided_so_far(noise_split):
    model = architecture("mlp", (1, 6, 6), 4, widths=(9, 7)).build(0).eval()
    data = noise_split(120, (1, 6, 6))
    small = Mipp(members=2, hidden=(8,), fit_steps=5, unit_steps=1, rank_steps=1, refit_steps=1, samples=100)
    for pruner in (small, ClosedForm(samples=100)):
        told = []
        decisions = pruner.decide(model, data, 0, LEVELS, lambda progress, told=told: told.append(progress.so_far()))
        assert [set(each) for each in told][-1] >= {"fc2"}
        gone = [sum(int((~mask).sum()) for mask in each.values()) for each in told]
        assert gone == sorted(gone), "units fall and do not come back"
        assert decisions


def test_layers_that_are_not_decided_yet_are_whole():
    spec = RunSpec(NetworkSpec("lenet5", "mnist-sample"))
    half = np.tile([True, False], (20, 42))
    sketch = {"fc2": {"units": 84, "kept": base64.b64encode(np.packbits(half).tobytes()).decode()}}
    given = deciding(spec, sketch, "Testing fc1", 9)
    kept = {layer["name"]: unpacked(layer, 20).sum(1).tolist() for layer in given["layers"]}
    assert kept == {"conv1": [6] * 20, "conv2": [16] * 20, "fc1": [120] * 20, "fc2": [42] * 20}
    assert given["points"][given["at"]]["named"] == "Level 9"
    assert prunable_units(spec.network.architecture) == {"conv1": 6, "conv2": 16, "fc1": 120, "fc2": 84}

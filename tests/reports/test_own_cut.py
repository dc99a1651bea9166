"""A cut made by hand: its text, and what it is worth."""

import pytest
import torch

from mipp_core.cutting.masks import KeepMasks
from mipp_core.data import load_dataset
from mipp_core.evaluation import accuracy
from mipp_core.models import architecture
from mipp_core.reports.archive import SHIPPED, load_run
from mipp_core.reports.own_cut import code_of, masks_from, nearest_level, worth_of
from mipp_core.runs import masks_of

DOCUMENT = load_run(SHIPPED / "trained-0")
LEVEL = DOCUMENT["levels"][0]


@pytest.mark.parametrize("number", [0, 7, 19])
def test_a_cut_survives_its_text(number):
    masks = masks_of(DOCUMENT["levels"][number])
    code = code_of(masks)
    assert set(code) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    found = masks_from(code, LEVEL)
    assert found.to_json() == masks.to_json()


@pytest.mark.parametrize("code", ["", "A", "A" * 37, "A" * 40, "!" * 39, "ä" * 39, "x" * 5000])
def test_what_is_no_cut_is_none(code):
    assert masks_from(code, LEVEL) is None


def test_the_nearest_level_is_nearest():
    for entry in DOCUMENT["levels"]:
        found = nearest_level(DOCUMENT, entry["sparsity"])
        assert found["sparsity"] == entry["sparsity"]


def test_nothing_cut_is_worth_what_the_network_was():
    model = architecture("mlp", (1, 28, 28), 10, widths=(12, 10)).build(0).eval()
    sample = load_dataset("mnist-sample")
    train, test = (split.in_memory().take(torch.arange(100)) for split in (sample.train, sample.test))
    whole = KeepMasks({"fc1": torch.ones(12, dtype=torch.bool), "fc2": torch.ones(10, dtype=torch.bool)})
    found = worth_of(model, whole, train, test)
    assert (found.units, found.cut, found.rebuilt) == (0.0, accuracy(model, test), accuracy(model, test))
    half = KeepMasks({"fc1": torch.arange(12) < 6, "fc2": torch.ones(10, dtype=torch.bool)})
    assert worth_of(model, half, train, test).units == pytest.approx(6 / 22)

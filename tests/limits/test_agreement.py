"""How far masks of real pruners agree: equal where nothing of the data is looked at, and counted right."""

from math import comb, log2

import pytest
import torch

from mipp_core.cutting.masks import KeepMasks
from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.limits.agreement import Agreement, bound, compared, looks_at_data, measure_agreement
from mipp_core.pruners import pruner
from mipp_core.training import Recipe

FREE = ("random", "magnitude", "synflow", "lamp")


@pytest.fixture(scope="module")
def document():
    images = torch.randn(240, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    split = Split(images, torch.arange(240) % 10)
    how = Agreement(0.5, 2, Recipe(1, 5e-2, batch_size=20), (*FREE, "snip", "mipp-closed-form", "network-slimming"))
    return measure_agreement(how, split)


def rows(document, **wanted):
    return [row for row in document["rows"] if all(row[key] == value for key, value in wanted.items())]


@pytest.mark.parametrize("name", FREE)
def test_masks_that_never_look_are_equal_whatever_the_images(document, name):
    (row,) = rows(document, pruner=name, start="initial", way="images")
    assert row["overlap"] == row["agreement"] == row["least"] == 1.0
    assert not row["looks"]
    assert row["chance"] < 0.7


def test_masks_that_look_differ_and_other_seeds_have_nothing_in_common(document):
    (snip,) = rows(document, pruner="snip", start="trained", way="images")
    assert snip["looks"]
    assert snip["overlap"] < 1
    seeds = [row["agreement"] for row in rows(document, start="initial", way="seeds")]
    assert max(seeds) < 0.5


def test_every_row_has_the_units_asked_for_and_a_bound(document):
    for row in document["rows"]:
        assert row["kept"] == pytest.approx(document["units"] / 2, abs=2)
        assert 0 < row["bound"] <= document["units"]
        assert 0 < row["weights"] < document["parameters"]


def test_pruners_that_cannot_be_asked_are_named(document):
    assert set(document["refused"]) == {"network-slimming"}
    assert "have none" in document["refused"]["network-slimming"]


def test_overlap_chance_and_bound_by_hand():
    one = KeepMasks({"a": torch.tensor([True, True, False, False]), "b": torch.tensor([True, False])})
    two = KeepMasks({"a": torch.tensor([True, False, True, False]), "b": torch.tensor([True, False])})
    found = compared([one, two])
    assert found["overlap"] == pytest.approx(2 / 3)
    assert found["chance"] == pytest.approx((2 * 2 / 4 + 1 / 2) / 3)
    assert found["agreement"] == pytest.approx((2 / 3 - 0.5) / 0.5)
    assert bound(one, "global") == pytest.approx(log2(comb(6, 3)))
    assert bound(one, "layer") == pytest.approx(log2(comb(4, 2) * comb(2, 1)))


def test_what_looks_at_data():
    assert not looks_at_data(pruner("random"), "trained")
    assert looks_at_data(pruner("magnitude"), "trained")
    assert not looks_at_data(pruner("magnitude"), "initial")
    assert looks_at_data(pruner("snip"), "initial")


@pytest.mark.parametrize(("share", "copies"), [(0.0, 3), (1.0, 3), (0.5, 1)])
def test_bad_numbers_are_refused(share, copies):
    with pytest.raises(SettingError, match="give a share between 0 and 1, and 2 copies or more"):
        Agreement(share, copies)


def test_more_parts_than_images_are_refused():
    split = Split(torch.zeros(20, 1, 16, 16), torch.arange(20) % 10)
    with pytest.raises(SettingError, match="3 copies need as many parts of the images, but a class has 2"):
        measure_agreement(Agreement(copies=3), split)


def test_an_unknown_pruner_is_refused():
    with pytest.raises(UnknownNameError, match="snap"):
        Agreement(pruners=("snap",))

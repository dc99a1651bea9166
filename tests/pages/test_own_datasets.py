"""Images of one's own at a page: those in the data folder, and no others."""

from pathlib import Path

import numpy
import pytest
import streamlit as st
from PIL import Image

from mipp_core.data import is_own

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with pictures in it, and pictures outside."""
    monkeypatch.setenv("MIPP_DATA", str(tmp_path / "data"))
    random = numpy.random.default_rng(0)
    for root in (tmp_path / "data" / "pets", tmp_path / "outside"):
        for name in ("cats", "dogs"):
            (root / name).mkdir(parents=True)
            for number in range(4):
                levels = random.integers(0, 256, (28, 28)).astype("uint8")
                Image.fromarray(levels).save(root / name / f"{number}.png")
    st.cache_data.clear()
    return tmp_path / "data"


def errors(app) -> str:
    return " ".join(each.value for each in app.error)


def test_what_is_in_the_data_folder_can_be_chosen_and_run(explore, runs):
    app = explore(dataset="mnist-sample", model="mlp")
    assert "folder:pets" in app.selectbox(key="dataset").options
    app.selectbox(key="dataset").select("folder:pets").run()
    assert not app.exception
    assert not app.error
    (job,) = runs.list()
    assert is_own(job.spec["network"]["dataset"])
    assert job.spec["network"]["recipe"]["batch_size"] == 16
    assert job.spec["network"]["recipe"]["augmentation"]["flip"] is False


def test_an_address_may_name_it(explore):
    app = explore(dataset="folder:pets", model="mlp")
    assert not app.exception
    assert app.selectbox(key="dataset").value == "folder:pets"


@pytest.mark.parametrize("asked", ["folder:../outside", "folder:{outside}", "folder:pets/../../outside", "folder:/"])
def test_an_address_cannot_name_what_is_elsewhere(explore, tmp_path: Path, asked: str):
    app = explore(dataset=asked.format(outside=tmp_path / "outside"), model="mlp")
    assert not app.exception
    assert app.selectbox(key="dataset").value == "mnist"


def test_a_link_that_leads_out_is_not_offered_or_is_refused(explore, data: Path):
    (data / "linked").symlink_to(data.parent / "outside")
    (data / "pets" / "cats" / "linked").symlink_to(data.parent / "outside" / "cats")
    app = explore(dataset="folder:pets", model="mlp")
    assert "folder:linked" not in app.selectbox(key="dataset").options
    assert not app.exception
    assert "leads out of" in errors(app)


def test_pictures_that_cannot_be_used_are_said(explore, data: Path):
    (data / "pets" / "cats" / "0.png").write_bytes(b"")
    app = explore(dataset="folder:pets", model="mlp")
    assert not app.exception
    assert "1 picture cannot be read" in errors(app)


def test_compare_offers_them_too(data: Path):
    from streamlit.testing.v1 import AppTest  # noqa: PLC0415

    app = AppTest.from_file("../../pages/compare/page.py", default_timeout=60)
    app.query_params["cmp_dataset"] = "folder:pets"
    app.query_params["cmp_model"] = "mlp"
    app.run()
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="cmp_dataset").value == "folder:pets"

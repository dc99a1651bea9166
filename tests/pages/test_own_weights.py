import io
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import streamlit as st
import torch
from explore_page import seen
from given_weights import named, upload
from safetensors.torch import save

from mipp_core.checkpoints.stored import LARGEST_FILE
from mipp_core.errors import ModelError
from mipp_core.experiments.uploads import keep_weights, kept_weights
from mipp_core.models import architecture
from mipp_core.runs import NetworkSpec
from mipp_core.store import Store
from mipp_core.training import RECIPES
from pages.explore import controls, own_weights

pytestmark = pytest.mark.filterwarnings("default")

LENET = architecture("lenet5", (1, 28, 28), 10)
MLP = architecture("mlp", (1, 28, 28), 10)
BAD = {
    "empty": b"",
    "text": b"fc1.weight = 3",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a pickle": b"\x80\x04cos\nsystem\n(S'touch marker'\ntR.",
    "a torn zip": b"PK\x03\x04" + bytes(40),
    "a torn header": b"\xff\xff\xff\xff\xff\xff\xff\x7f{",
    "no tensors": save({}),
    "another network": save(MLP.build().state_dict()),
    "not finite": save({**LENET.build().state_dict(), "fc1.bias": torch.full((120,), float("nan"))}),
}


@pytest.fixture(autouse=True)
def fresh():
    """Nothing left over from another test's store."""
    st.cache_data.clear()


def checkpoint(seed=7):
    file = io.BytesIO()
    torch.save(LENET.build(seed).state_dict(), file)
    return file.getvalue()


@pytest.mark.parametrize("content", [checkpoint(), save(LENET.build(7).state_dict())], ids=["pt", "safetensors"])
def test_a_good_file_is_named_in_the_address(content, explore, own_store):
    app = upload(explore(), content)
    assert [success.value.partition(",")[0] for success in app.success] == ["lenet5: 10 tensors"]
    assert not app.file_uploader
    found = kept_weights(named(app), LENET, Store(own_store).blobs)
    assert all(torch.equal(found[name], tensor) for name, tensor in LENET.build(7).state_dict().items())
    assert [path.name for path in own_store.parent.rglob("*evil*")] == []


def test_the_link_brings_them_back_and_forget_lets_go(explore, own_store):
    name = keep_weights(checkpoint(), LENET, Store(own_store))
    app = explore(weights=name)
    assert not app.exception
    assert len(app.success) == 1
    assert app.button_group(key="start").disabled
    app.button(key="forget_weights").click().run()
    assert not app.exception
    assert named(app) is None
    assert not app.success
    assert app.file_uploader
    assert not app.button_group(key="start").disabled


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_a_sentence(kind, explore, own_store, tmp_path):
    app = upload(explore(), BAD[kind])
    assert len(app.error) == 1
    assert app.error[0].value.startswith(("This file is not read: ", "The file does not hold the weights of lenet5"))
    assert named(app) is None
    assert seen(app), "the page stays as it was"
    assert not app.run().error, "said once"
    assert len(upload(app, checkpoint()).success) == 1
    assert not list(tmp_path.rglob("marker"))


@pytest.mark.parametrize("name", ["zzz", "0" * 64, "../../etc/passwd", "<script>", "x" * 5000, "\x00"])
def test_an_unknown_name_in_a_link_is_one_sentence(name, explore):
    app = explore(weights=name)
    assert not app.exception
    assert [warning.value for warning in app.warning] == [
        f"This machine has no weights called {name[:12]!r}; give their file again."
    ]
    assert seen(app)
    app.button(key="forget_weights").click().run()
    assert not app.warning


def test_weights_of_another_network_are_one_sentence(explore, own_store):
    name = keep_weights(checkpoint(), LENET, Store(own_store))
    app = explore(weights=name, model="mlp")
    assert not app.exception
    assert len(app.warning) == 1
    assert "choose the network they belong to" in app.warning[0].value
    app.selectbox(key="model").set_value("lenet5").run()
    assert not app.warning
    assert len(app.success) == 1


def test_a_preset_forgets_them(explore, own_store):
    app = explore(weights=keep_weights(checkpoint(), LENET, Store(own_store)))
    app.button(key="preset Pixels").click().run()
    assert named(app) is None
    assert not app.success


def test_a_network_that_cannot_be_takes_no_weights(explore, monkeypatch):
    def impossible(*_):
        raise ModelError("The image is too small.")

    monkeypatch.setattr(own_weights, "NetworkSpec", impossible)
    app = explore(weights="0" * 64)
    assert not app.exception
    assert not app.warning, "the page says itself that there is no such network"
    assert app.file_uploader[0].proto.disabled


def test_own_weights_take_the_place_of_the_training(explore, own_store, monkeypatch):
    @dataclass(frozen=True)
    class WithWeights(NetworkSpec):
        weights: str | None = None

    chosen = {**controls.DEFAULTS, "start": "at initialisation"}
    monkeypatch.setattr(controls, "NetworkSpec", WithWeights)
    monkeypatch.setattr(controls.st, "session_state", type("State", (dict,), {"__getattr__": dict.get})(chosen))
    spec = controls._spec("0" * 64)
    assert spec.network.weights == "0" * 64
    assert spec.network.recipe == RECIPES["none"]
    assert (spec.trained, spec.retraining) == (True, RECIPES["short-retrain"])
    assert controls._spec(None).network.recipe == RECIPES["short"]


def test_the_app_takes_files_as_large_as_are_read():
    settings = tomllib.loads((Path(__file__).parents[2] / ".streamlit/config.toml").read_text())
    assert settings["server"]["maxUploadSize"] << 20 == LARGEST_FILE

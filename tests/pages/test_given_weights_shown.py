"""An upload shows its file, its accuracy, its sets of weights, and takes other statistics."""

import io

import pytest
import streamlit as st
import torch
from given_weights import named, upload
from safetensors.torch import save

from mipp_core.data import Normalisation, load_dataset
from mipp_core.evaluation import accuracy
from mipp_core.experiments.uploads import keep_weights, kept_weights
from mipp_core.models import architecture
from mipp_core.store import Store

pytestmark = pytest.mark.filterwarnings("default")

MLP = architecture("mlp", (1, 28, 28), 10)


@pytest.fixture(autouse=True)
def fresh():
    """Nothing left over from another test's store."""
    st.cache_data.clear()


SAMPLE = {"dataset": "mnist-sample", "model": "mlp"}


def both(scale=0.5):
    """A file with plain weights of the perceptron and averaged ones."""
    file, state = io.BytesIO(), MLP.build(7).state_dict()
    torch.save({"ema": {name: tensor * scale for name, tensor in state.items()}, "net": state}, file)
    return file.getvalue()


def lines(app):
    return [element.value for element in app.markdown]


def right(state, mean=0.0, std=1.0):
    network = MLP.build()
    network.load_state_dict(state)
    return accuracy(network, load_dataset("mnist-sample", normalisation=Normalisation((mean,), (std,))).test)


def test_an_upload_shows_its_file_and_its_accuracy_at_once(explore):
    app = upload(explore(**SAMPLE), save(MLP.build(7).state_dict()), "C:\\me\\my *net*.safetensors")
    wanted = f"{right(MLP.build(7).state_dict()):.1%} of 2,000 test images"
    assert f"**my \\*net\\*.safetensors: {wanted}**" in lines(app)
    assert "my *net*.safetensors" in app.query_params["file"]
    again = explore(**SAMPLE, weights=named(app))
    assert f"**These weights: {wanted}**" in lines(again)
    assert len(again.success) == 1


def test_its_accuracy_is_measured_once(explore, monkeypatch):
    upload(explore(**SAMPLE), save(MLP.build(7).state_dict()), "a.pt")
    st.cache_data.clear()
    monkeypatch.setattr("mipp_core.experiments.given.accuracy", lambda *_: pytest.fail("measured again"))
    app = upload(explore(**SAMPLE), save(MLP.build(7).state_dict()), "b.pt")
    assert any(line.startswith("**b.pt: ") and line.endswith("of 2,000 test images**") for line in lines(app))


def test_images_that_are_not_here_are_not_downloaded_to_measure_it(explore, monkeypatch, tmp_path):
    monkeypatch.setenv("MIPP_DATA", str(tmp_path / "data"))
    app = upload(explore(dataset="mnist", model="mlp"), save(MLP.build(7).state_dict()), "a.pt")
    later = "the test accuracy is measured once mnist is on this machine; a run downloads it"
    assert f"**a.pt:** {later}" in lines(app)
    assert not app.exception


def test_one_of_several_sets_of_weights_can_be_chosen(explore, own_store):
    app = upload(explore(**SAMPLE), both(), "both.pt")
    box = app.selectbox(key=f"entry {named(app)}")
    assert (box.value, box.options) == ("net", ["net", "ema"])
    assert any("'net' is taken, not 'ema'" in caption.value for caption in app.caption)
    app = box.set_value("ema").run()
    assert not app.exception
    found = kept_weights(named(app), MLP, Store(own_store).blobs)
    assert torch.equal(found["fc1.weight"], MLP.build(7).fc1.weight * 0.5)
    assert app.selectbox(key=f"entry {named(app)}").value == "ema"
    assert any("'ema' is taken, not 'net'" in caption.value for caption in app.caption)


def test_a_file_with_one_set_offers_no_choice(explore):
    app = upload(explore(**SAMPLE), save(MLP.build(7).half().state_dict()), "a.pt")
    assert not [box.key for box in app.selectbox if str(box.key).startswith("entry")]
    assert "Its numbers are float16 and become float32." in [caption.value for caption in app.caption]


def test_other_statistics_change_the_accuracy_at_once_and_are_in_the_run(explore, runs):
    app = upload(explore(**SAMPLE, at_once="false"), save(MLP.build(7).state_dict()), "a.pt")
    app.text_input(key="mean").set_value("0.9").run()
    assert [error.value for error in app.error] == ["The mean is given alone; give mean and std, or neither."]
    app.text_input(key="std").set_value("0.02").run()
    assert not app.error
    assert f"**a.pt: {right(MLP.build(7).state_dict(), 0.9, 0.02):.1%} of 2,000 test images**" in lines(app)
    app.button(key="start_run").click().run()
    (job,) = runs.list()
    assert (job.spec["network"]["mean"], job.spec["network"]["std"]) == ([0.9], [0.02])
    app.button(key="forget_weights").click().run()
    assert not app.exception
    assert not app.text_input


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        ("a b c", "The mean 'a b c' is not numbers; write one per channel, as 0.485 0.456 0.406."),
        ("0.1 0.2", "The mean has 2 numbers and the images have 1 channels; give one number per channel."),
        ("nan", "The mean nan is not finite; give finite numbers."),
    ],
)
def test_statistics_that_make_no_sense_are_one_sentence(mean, words, explore, own_store):
    name = keep_weights(save(MLP.build(7).state_dict()), MLP, Store(own_store))
    app = explore(**SAMPLE, weights=name, mean=mean, std="0.3 0.4" if " " in mean else "0.3")
    assert not app.exception
    assert [error.value for error in app.error] == [words]


def test_statistics_without_weights_change_nothing(explore, runs):
    explore(**SAMPLE, mean="0.9", std="0.02").button(key="start_run").click().run()
    (job,) = runs.list()
    assert job.spec["network"]["mean"] is None


def test_imagenets_statistics_are_one_click_for_colour_images(explore, own_store, monkeypatch, tmp_path):
    monkeypatch.setenv("MIPP_DATA", str(tmp_path / "data"))
    made = architecture("resnet20", (3, 32, 32), 10)
    name = keep_weights(save(made.build(7).state_dict()), made, Store(own_store))
    app = explore(dataset="cifar10", model="resnet20", weights=name)
    app.button(key="imagenet_statistics").click().run()
    assert not app.exception
    assert [app.text_input(key=key).value for key in ("mean", "std")] == ["0.485 0.456 0.406", "0.229 0.224 0.225"]
    assert "imagenet_statistics" not in [button.key for button in explore(**SAMPLE).button]


@pytest.mark.parametrize("file", ["<script>alert(1)</script>.pt", "x" * 5000, "a\nb.pt", "**bold**.pt"])
def test_a_file_name_in_a_link_is_shown_as_it_is_and_short(file, explore, own_store):
    name = keep_weights(save(MLP.build(7).state_dict()), MLP, Store(own_store))
    app = explore(**SAMPLE, weights=name, file=file)
    assert not app.exception
    (line,) = [line for line in lines(app) if "of 2,000 test images" in line]
    assert len(line) < 160
    assert "<script" not in line.replace("\\<", "")
    assert "****" not in line

import re
from importlib import import_module

import pandas as pd
import pytest
import streamlit as st
import torch
from explore_page import HERE

from mipp_core.exporting import onnx_file
from mipp_core.reports.archive import load_run, shipped_runs, slim_weights
from mipp_core.reports.slim import SlimNetwork
from pages.explore import slim, slim_costs
from pages.shared.amounts import in_bytes

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Short measurements, and nothing left over from another test."""
    monkeypatch.setattr(slim_costs, "SECONDS", 0.1)
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(scope="module")
def shipped():
    folder = next(path for path in shipped_runs() if path.name == "trained-0")
    return lambda level: SlimNetwork(load_run(folder), level, slim_weights(folder, level))


def rows(app):
    return app.table[0].value.set_index("Cost")


def files(app):
    return [button.label for button in app.get("download_button")]


def press(app, *keys):
    for key in keys:
        app.button(key=key).click().run()
        assert not app.exception
    return app


def level(app, number):
    app.query_params["level"] = str(number)
    return app.run()


def test_the_table_is_that_of_the_level(explore, shipped):
    app = explore()
    for number in (3, 12):
        level(app, number)
        table, sizes = rows(app), shipped(number).sizes()
        assert list(table.index) == ["Parameters", "MACs", "Weights"]
        assert table.loc["MACs", "Slim"] == f"{sizes.slim['macs']:,.0f}"
        assert table.loc["Parameters", "Dense"] == "61,706"
        assert table.loc["Weights", "Ratio"] == f"**{sizes.ratio['bytes']:.2f}×**"


def test_every_button_does_what_it_says(explore, words):
    app = explore()
    assert files(app)[:2] == ["slim.safetensors", "slim.json"]
    press(app, "slim_pt2", "slim_onnx", "slim_latency")
    assert not app.error
    assert [re.sub(r"[\d.]+ kB", "kB", label) for label in files(app)[2:4]] == ["slim.pt2 (kB)", "slim.onnx (kB)"]
    assert "✓ slim.pt2: its outputs" in words(app)
    found = re.search(r"slim.onnx: its outputs differ from the network's by at most ([\d.e−]+) of", words(app))
    assert float(found[1].replace("−", "-")) < 1e-4
    assert list(rows(app).index[3:]) == ["Time, 1 image", "Time, 256 images"]
    assert "MACs are not milliseconds" in words(app)
    assert "on cpu (1 thread, float32)" in words(app)
    assert not app.warning


def test_what_was_made_belongs_to_its_level(explore):
    app = press(explore(level="3"), "slim_pt2", "slim_latency")
    level(app, 4)
    assert len(rows(app)) == 3
    assert not any("slim.pt2" in label for label in files(app))
    level(app, 3)
    assert len(rows(app)) == 5


def test_a_run_at_the_same_time_is_mentioned(explore, claimed, address):
    claimed(address())
    app = press(explore(), "slim_latency")
    assert [warning.value for warning in app.warning] == [
        "A run was going on at the same time, which disturbs the times. Measure again once it has ended."
    ]


def test_a_package_that_is_not_installed_is_a_sentence(explore, monkeypatch):
    def missing(name):
        if name == "onnxruntime":
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(onnx_file, "import_module", missing)
    app = press(explore(), "slim_onnx")
    assert [error.value for error in app.error] == [
        "ONNX needs the package onnxruntime; install it with: pip install onnxruntime."
    ]
    assert app.button(key="slim_onnx")
    assert not app.run().error, "said once"


def test_want_of_memory_is_a_sentence(explore, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr("mipp_core.reports.slim.compare_latency", full)
    app = press(explore(), "slim_latency")
    assert len(app.error) == 1
    assert "memory of cpu does not suffice" in app.error[0].value
    assert len(rows(app)) == 3


def test_damaged_weights_are_a_sentence(finished, address, runs, own_store, explore):
    document = finished(address())
    for entry in document["levels"]:
        path = own_store / "tensors" / entry["weights"][:2] / f"{entry['weights']}.safetensors"
        path.write_bytes(b"x")
    app = explore(**HERE)
    assert not app.exception
    assert any("gone or damaged" in error.value for error in app.error)
    assert [button.label for button in app.get("download_button")][-2:] == ["Curve (CSV)", "Run (JSON)"]


def test_weights_that_do_not_fit_are_a_sentence(finished, address, explore):
    finished(address())  # the small run's weights, under a specification with other widths
    app = press(explore(**HERE), "slim_pt2", "slim_onnx", "slim_latency")
    assert "do not fit the network" in app.error[-1].value
    assert len(rows(app)) == 3


def test_there_is_a_choice_of_device_beside_an_accelerator(explore, monkeypatch):
    monkeypatch.setattr("mipp_core.jobs.devices", lambda: ("cuda:0", "cuda:1"))
    app = explore()
    assert not app.exception
    assert app.button_group(key="slim_device").options == ["cpu", "cuda:0", "cuda:1"]


@pytest.mark.parametrize(
    ("count", "said"), [(999, "999 bytes"), (37_432, "37.4 kB"), (2_500_000, "2.5 MB"), (1.2e9, "1.2 GB")]
)
def test_bytes_in_words(count, said):
    assert in_bytes(count) == said


@pytest.mark.parametrize(("value", "said"), [(0.1234, "0.123"), (12.345, "12.35"), (1234.5, "1234")])
def test_milliseconds_in_words(value, said):
    assert slim_costs._in_ms(value) == said


def test_agreement_in_words():
    assert slim._agreement(0.0) == "its outputs equal the network's to the last bit"
    assert "by at most 4.4e−07 of the largest one" in slim._agreement(4.4e-7)


def test_equal_ratios_are_said_once():
    assert slim_costs._range(pd.Series([1.301, 1.299])) == "1.30"
    assert slim_costs._range(pd.Series([1.3, 1.1])) == "1.10 to 1.30"

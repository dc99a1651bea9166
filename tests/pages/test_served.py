"""What the browser fetches by itself."""

import pytest
import torch
from safetensors.torch import load
from starlette.requests import Request

from mipp_core.reports.archive import SHIPPED, load_run, shipped_documents
from mipp_core.store.files import read_tensors
from pages.shared.served import answer

pytestmark = pytest.mark.filterwarnings("default")

TRAINED = load_run(SHIPPED / "trained-0")["hash"]


def asked(run, file):
    return answer(Request({"type": "http", "path_params": {"run": run, "file": f"{file}.safetensors"}}))


def test_a_shipped_run_gives_its_networks_and_images():
    for file, shipped in [("retrained", "weights"), ("rebuilt", "rebuilt")]:
        found, kept = load(asked(TRAINED, file).body), read_tensors(SHIPPED / "trained-0" / f"{shipped}.safetensors")
        assert found.keys() == kept.keys()
        assert all(torch.equal(found[name], kept[name]) for name in kept)
    assert load(asked(TRAINED, "dense").body)["fc1.weight"].shape == (120, 400)
    images = load(asked(TRAINED, "images").body)
    assert (images["images"].shape, images["images"].dtype) == ((1000, 1, 28, 28), torch.uint8)


def test_a_run_of_this_machine_gives_what_it_kept(seeded, own_store):
    assert asked(seeded["hash"], "dense").status_code == 404, "it was trained elsewhere"
    assert load(asked(seeded["hash"], "retrained").body).keys()
    assert load(asked(seeded["hash"], "images").body)["labels"].tolist()[:10] == list(range(10))


@pytest.mark.parametrize(
    ("run", "file"),
    [(TRAINED, "run"), (TRAINED, "../../app"), ("0" * 16, "dense"), ("../../etc", "dense"), ("x" * 5000, "images")],
)
def test_what_is_not_there_is_a_sentence(run, file):
    found = asked(run, file)
    assert (found.status_code, found.body) == (404, b"This machine has no such file.")


def test_networks_that_no_browser_runs_are_not_sent():
    assert asked(load_run(SHIPPED / "closed-resnet20-0")["hash"], "retrained").status_code == 404


def test_a_run_that_was_kept_as_figures_has_no_networks():
    assert asked(shipped_documents("comparison-*")[0]["hash"], "retrained").status_code == 404

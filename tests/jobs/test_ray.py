"""The Ray executor; clusters of several nodes are tested by hand and by a benchmark."""

import json

import pytest

from mipp_core.experiments import run
from mipp_core.jobs.executors.on_ray import run_on_ray
from mipp_core.store import Store

ray = pytest.importorskip("ray", reason="ray is an optional extra (requirements-ray.txt)")

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def test_a_run_on_ray_comes_home_and_equals_one_made_here(cluster, tiny_spec, tmp_path):
    store, ended = Store(tmp_path / "home"), []
    messages = run_on_ray([tiny_spec], store, lambda spec, state, _: ended.append((spec, state)), threads=1)
    assert messages == [""]
    assert ended == [(tiny_spec, "done")]
    here, _ = run(tiny_spec, Store(tmp_path / "here"), device="cpu")
    home = store.runs.document(tiny_spec.hash)
    assert home["levels"] == json.loads(json.dumps(here.to_json()["levels"]))
    assert all(store.blobs.get(level["weights"]) for level in home["levels"])
    assert run_on_ray([tiny_spec], store, lambda *_: None, threads=1) == [""]

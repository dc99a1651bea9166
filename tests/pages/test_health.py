import json

import pytest

from mipp_core import jobs
from mipp_core.jobs import launcher
from mipp_core.store import Store
from pages.shared.health import answer


def ask():
    reply = answer(None)
    return reply.status_code, json.loads(reply.body)


@pytest.fixture(autouse=True)
def one_processor(monkeypatch):
    monkeypatch.setattr(jobs, "devices", lambda: ("cpu",))


def test_an_idle_machine_is_well():
    asleep = {"state": "asleep", "heartbeat_age_s": None}
    assert ask() == (200, {"status": "ok", "workers": {"cpu": asleep}, "running": [], "queue": 0})


def test_it_tells_what_runs_and_how_many_wait(runs, claimed, address):
    name = claimed(address())
    runs.tell(name, "Testing fc1", 0.4)
    runs.ask(address(seed=1))
    runs.ask(address(seed=2))
    status, said = ask()
    assert status == 200
    assert said["running"] == [{"run": name, "device": "cpu", "done": 0.4}]
    assert said["queue"] == 2


def test_a_worker_is_alive_while_it_holds_its_lock(own_store):
    with launcher.lock(Store(own_store), "cpu").acquire(timeout=0):
        Store(own_store).workers.beat("cpu")
        worker = ask()[1]["workers"]["cpu"]
        assert worker["state"] == "alive"
        assert 0 <= worker["heartbeat_age_s"] < 30
    assert ask()[1]["workers"]["cpu"]["state"] == "asleep"


def test_a_store_that_is_a_file_is_a_sentence(own_store):
    own_store.write_text("")
    status, said = ask()
    assert (status, said["status"]) == (503, "broken")
    assert said["message"].startswith(f"{own_store} cannot be written (")
    assert said["message"].endswith(".")


def test_a_damaged_store_is_a_sentence(own_store):
    own_store.mkdir()
    (own_store / "store.sqlite").write_text("no database at all, but long enough to be looked at" * 100)
    status, said = ask()
    assert (status, said["status"]) == (503, "broken")
    assert "not a database" in said["message"]

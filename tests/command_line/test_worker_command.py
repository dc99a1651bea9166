import json

from mipp_core.command_line import main
from mipp_core.store import Store


def test_a_worker_does_what_waits_and_ends(tiny_spec, tmp_path, capsys):
    store = Store(tmp_path / "store")
    store.runs.ask(tiny_spec)
    assert main(["worker", "--store", str(store.root), "--idle", "0.1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
    assert store.runs.look(tiny_spec.hash).state == "done"
    assert len(store.runs.document(tiny_spec.hash)["levels"]) == 20


def test_a_device_that_is_not_there_is_a_sentence(tmp_path, capsys):
    assert main(["worker", "--device", "abacus", "--store", str(tmp_path), "--json"]) != 0
    assert "abacus" in capsys.readouterr().err

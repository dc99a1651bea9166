import json
from pathlib import Path

import pandas as pd
import pytest

from mipp_core.command_line import main
from mipp_core.experiments import run
from mipp_core.store import Store


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_spec):
    store = Store(tmp_path_factory.mktemp("made"))
    result, _ = run(tiny_spec, store)
    store.runs.record(tiny_spec, result.to_json())
    return store


@pytest.fixture
def ask(finished, capsys):
    """Run a command on the finished store; return its exit code, its document and what it wrote to stderr."""

    def call(*words: str, store: Path | None = None):
        code = main(["runs", *words, "--store", str(store or finished.root), "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else None, said.err

    return call


def test_list_and_show(ask, tiny_spec):
    code, listed, _ = ask("list")
    assert (code, [row["state"] for row in listed]) == (0, ["done"])
    assert ask("list", "--state", "failed")[1] == []
    code, shown, _ = ask("show", tiny_spec.hash[:5])
    assert (code, shown["hash"], len(shown["document"]["levels"])) == (0, tiny_spec.hash, 20)


def test_a_run_that_is_not_there_is_a_sentence(ask):
    for action in ("show", "delete", "cancel", "export"):
        code, _, said = ask(action, "zzz")
        assert code == 2
        assert "no run whose hash begins with 'zzz'" in said


def test_exported_runs_come_back_whole_in_another_store(ask, tiny_spec, finished, tmp_path):
    _, written, _ = ask("export", tiny_spec.hash, "--to", str(tmp_path))
    code, imported, _ = ask("import", *written["written"], store=tmp_path / "other")
    assert (code, imported) == (0, {"imported": [tiny_spec.hash]})
    other = Store(tmp_path / "other")
    document = other.runs.document(tiny_spec.hash)
    assert document == finished.runs.document(tiny_spec.hash)
    assert all(other.blobs.get(level["weights"]) for level in document["levels"])


def test_a_folder_that_is_no_export_is_a_sentence(ask, tmp_path):
    code, _, said = ask("import", str(tmp_path), store=tmp_path / "other")
    assert (code, "holds no run" in said) == (1, True)
    (tmp_path / "run.json").write_text('{"levels": []}')
    code, _, said = ask("import", str(tmp_path), store=tmp_path / "other")
    assert (code, "damaged" in said) == (1, True)


@pytest.mark.parametrize(("kind", "rows"), [("csv", 60), ("json", 20)])
def test_export_as_a_table_or_a_document(ask, tiny_spec, tmp_path, kind, rows):
    _, written, _ = ask("export", tiny_spec.hash, "--format", kind, "--to", str(tmp_path))
    (path,) = map(Path, written["written"])
    found = pd.read_csv(path) if kind == "csv" else json.loads(path.read_text())["levels"]
    assert len(found) == rows


def test_delete_and_collect(ask, tiny_spec, finished, tmp_path):
    _, written, _ = ask("export", tiny_spec.hash, "--to", str(tmp_path))
    other = tmp_path / "other"
    ask("import", *written["written"], store=other)
    assert ask("gc", "--budget", "1GB", store=other)[1]["freed"] == 0
    assert ask("delete", tiny_spec.hash, store=other)[1] == {"deleted": [tiny_spec.hash]}
    assert ask("list", store=other)[1] == []
    assert ask("gc", "--budget", "lots", store=other)[0] == 2


def test_cancel_and_retry(ask, tiny_spec, tmp_path, monkeypatch):
    monkeypatch.setattr("mipp_core.jobs.ensure", lambda *_: None)
    store = Store(tmp_path)
    store.runs.ask(tiny_spec)
    assert ask("cancel", tiny_spec.hash, store=tmp_path)[1] == {"cancelled": [tiny_spec.hash]}
    assert store.runs.look(tiny_spec.hash).state == "cancelled"
    assert ask("retry", tiny_spec.hash, store=tmp_path)[1] == {"queued": [tiny_spec.hash]}
    assert store.runs.look(tiny_spec.hash).state == "queued"

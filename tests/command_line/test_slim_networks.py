import json
from pathlib import Path

import onnxruntime
import pytest
import torch

from mipp_core.command_line import main
from mipp_core.reports.archive import load_slim

QUICK = [
    *("--model", "mlp", "--widths", "6,5", "--recipe", "none", "--retrain-recipe", "none"),
    *("--set", "members=2", "--set", "hidden=[8]", "--set", "fit_steps=10", "--set", "unit_steps=1"),
    *("--set", "samples=200", "--set", "rank_steps=1", "--set", "refit_steps=1"),
]


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pruned")
    words = ["--confidence", "0.99", "--pixels", "--store", str(folder / "store"), "--save-dir", str(folder / "out")]
    assert main(["prune", *QUICK, *words]) == 0
    return folder / "out"


def test_export_writes_files_that_compute_the_same(pruned: Path, tmp_path: Path, capsys):
    assert main(["export", str(pruned), "--format", "pt2,onnx", "--save-dir", str(tmp_path), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)["written"]
    assert [file["format"] for file in written] == ["pt2", "onnx"]
    assert [Path(file["path"]) for file in written] == [tmp_path / "slim.pt2", tmp_path / "slim.onnx"]
    assert all(
        0 <= file["difference"] < 1e-4 and Path(file["path"]).stat().st_size == file["bytes"] for file in written
    )
    images = torch.rand(3, 1, 28, 28)
    wanted = load_slim(pruned)(images).detach()
    torch.testing.assert_close(torch.export.load(tmp_path / "slim.pt2").module()(images), wanted)
    session = onnxruntime.InferenceSession(tmp_path / "slim.onnx", providers=["CPUExecutionProvider"])
    found = torch.from_numpy(session.run(None, {"images": images.numpy()})[0])
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_the_two_files_of_a_slim_model_are_enough(pruned: Path, tmp_path: Path):
    for name in ("slim.json", "slim.safetensors"):
        (tmp_path / name).write_bytes((pruned / name).read_bytes())
    assert main(["export", str(tmp_path), "--format", "pt2"]) == 0
    assert main(["latency", str(tmp_path), "--batches", "1", "--seconds", "0.1"]) == 0


def test_export_says_what_it_wrote(pruned: Path, capsys):
    assert main(["export", str(pruned), "--format", "onnx"]) == 0
    assert capsys.readouterr().out.startswith(f"wrote {pruned / 'slim.onnx'}, ")
    (pruned / "slim.onnx").unlink()


def test_latency_compares_with_the_dense_network(pruned: Path, capsys):
    words = ["latency", str(pruned), "--batches", "1,8", "--seconds", "0.2"]
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["dense"] == {"parameters": 785 * 6 + 7 * 5 + 6 * 10, "macs": 784 * 6 + 6 * 5 + 5 * 10}
    assert document["slim"]["parameters"] <= document["dense"]["parameters"]
    assert document["slim"]["macs"] <= document["dense"]["macs"]
    assert [pair["slim"]["batch_size"] for pair in document["latency"]] == [1, 8]
    assert all(pair["ratio"] == pair["dense"]["median_ms"] / pair["slim"]["median_ms"] for pair in document["latency"])
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"dense: {document['dense']['parameters']} parameters, {document['dense']['macs']} MACs"
    assert lines[2].startswith("batch of 1: dense ")
    assert "times as fast" in lines[2]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["export", "--format", "tflite"], "choose from: pt2, onnx"),
        (["export", "--format", ""], "choose from: pt2, onnx"),
        (["latency", "--batches", "few"], "whole numbers"),
        (["latency", "--batches", "0"], "at least 1 image"),
        (["latency", "--batches", ""], "No batch sizes were given"),
        (["latency", "--seconds", "0"], "more than 0 seconds"),
        (["latency", "--device", "toaster"], "cannot be used"),
    ],
)
def test_wrong_words_are_sentences(words: list[str], part: str, pruned: Path, capsys):
    assert main([words[0], str(pruned), *words[1:]]) == 2
    assert part in capsys.readouterr().err


@pytest.mark.parametrize("command", ["export", "latency"])
def test_a_folder_without_a_network_is_a_sentence(command: str, tmp_path: Path, pruned: Path, capsys):
    assert main([command, str(tmp_path)]) == 1
    assert "prune --save-dir" in capsys.readouterr().err
    (tmp_path / "slim.json").write_bytes((pruned / "slim.json").read_bytes())
    assert main([command, str(tmp_path)]) == 1
    assert "no whole slim network" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_a_sentence(pruned: Path, tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["export", str(pruned), "--format", "pt2", "--save-dir", str(tmp_path / "file")]) == 1
    assert "cannot be written" in capsys.readouterr().err

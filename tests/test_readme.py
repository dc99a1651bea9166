"""The README's Python runs as it stands."""

import re
from pathlib import Path

import pytest
import torch

README = Path(__file__).parent.parent / "README.md"
ROOMS = re.compile(r"`(mipp_core/[\w/]+(?:\.py|/))`")


ONE_CALL, EXPERIMENT = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_one_call_prunes_a_network_of_the_readers_own(capsys):
    # A quicker estimator; the call is the README's own.
    code = ONE_CALL.replace("confidence=0.99)", "confidence=0.99, settings=QUICK)", 1)
    names = {"QUICK": {"hidden": (16,), "fit_steps": 100, "unit_steps": 2}}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        exec(code, names)
    printed = capsys.readouterr().out
    assert "(conv): Conv2d(1, " in printed
    assert re.search(r"\{'conv': \d+, 'hidden': \d+\} difference (\de-1\d|0e\+00)$", printed, re.MULTILINE)
    assert names["model"].hidden.out_features == 32


def test_an_experiment_runs_in_at_most_ten_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    assert len([line for line in EXPERIMENT.splitlines() if line]) <= 10
    # A quicker estimator and recipe; the calls are the README's own.
    code = EXPERIMENT.replace("seed=0)", "seed=0, widths=(3, 4, 8, 6), recipe=Recipe(1))", 1)
    code = code.replace("confidences=", "settings=QUICK, confidences=", 1)
    given = (
        "from mipp_core import Mipp, Recipe\nQUICK = Mipp(hidden=(16,), fit_steps=100, unit_steps=2, samples=1000)\n"
    )
    names = {}
    exec(given + code, names)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in lines] == ["0.75", "0.99"]
    assert not names["network"].training


@pytest.mark.parametrize("room", ROOMS.findall(README.read_text()))
def test_rooms_named_in_the_readme_exist(room):
    assert (README.parent / room).exists()

"""What does not need PyTorch does not wait for it; the same of torchvision and Captum."""

import json
import subprocess
import sys

import pytest

import mipp_core
from mipp_core import api

HEAVY = ("torch", "torchvision", "captum", "pandas", "plotly", "streamlit", "sqlalchemy", "numpy")


def loaded(*code):
    """Return which heavy packages a fresh interpreter has after running some lines."""
    lines = [*code, "import json, sys", f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"]
    run = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        ("import mipp_core", "mipp_core.__version__"),
        ("from mipp_core.command_line import main", "main(['models'])"),
        ("from mipp_core.command_line import main", "main(['models', '--json'])"),
        ("from mipp_core.command_line.parser import build_parser", "build_parser().format_help()"),
    ],
)
def test_nothing_heavy_is_needed_to_say_what_there_is(code):
    assert loaded(*code) == set()


@pytest.mark.parametrize(
    "code", [("import mipp_core.api",), ("from mipp_core import load_dataset as load", "load('mnist-sample')")]
)
def test_the_core_starts_without_torchvision_captum_or_the_pages_packages(code):
    assert not loaded(*code) & {"torchvision", "captum", "pandas", "plotly", "streamlit"}


def test_all_names_are_there_and_no_others():
    assert set(dir(mipp_core)) == set(api.__all__)
    for name in api.__all__:
        assert getattr(mipp_core, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="no attribute 'prunes'"):
        mipp_core.prunes  # noqa: B018
    assert not hasattr(mipp_core, "__wrapped__")

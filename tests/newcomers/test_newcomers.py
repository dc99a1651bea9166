"""A stranger adds a pruner, a model, a data set and a page with CONTRIBUTING.md alone, and everything opens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from instructions import files, follow, lines

pytestmark = pytest.mark.xdist_group("newcomers")


def test_the_instructions_give_one_file_and_one_registered_entry_each():
    assert list(files()) == [
        "mipp_core/pruners/largest.py",
        "mipp_core/models/tiny.py",
        "mipp_core/data/bars.py",
        "pages/models/page.py",
    ]
    for place, added in lines().items():
        entries = [line for line in added if line.startswith("    ") and line[4] not in " )"]
        imports = [line for line in added if line.startswith("from ")]
        assert len(entries) == 1, place
        assert len(imports) <= 1, place


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy") / "project"
    follow(folder)
    return folder


def run(copy: Path, *words: str) -> None:
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MIPP_"))}
    ended = subprocess.run(
        [sys.executable, *words], cwd=copy, env=settings, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]


def test_every_page_and_every_command_opens_with_what_was_added(copy: Path):
    run(copy, "-m", "pytest", "-q", "-p", "no:xdist", "tests/newcomers/opens_everything.py")


def test_what_was_added_keeps_all_promises_with_no_test_written(copy: Path):
    places = ["tests/contracts", "tests/test_street.py", "tests/test_registries.py"]
    run(copy, "-m", "pytest", "-q", "-p", "no:xdist", *places, "-k", "largest or tiny or bars or registr or records")


def test_it_has_the_house_style_and_its_types(copy: Path):
    run(copy, "-m", "ruff", "check", *files())
    run(copy, "-m", "ruff", "format", "--check", *files())
    run(copy, "-m", "mypy", *files())

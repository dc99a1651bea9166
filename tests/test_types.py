"""The type checker finds nothing in the core and the pages, but for a list that only ever shrinks."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]

ALLOWED = Path(__file__).with_name("type_errors.txt")
"""Lines ``path count``: errors that cannot be fixed."""


def test_the_type_checker_finds_what_the_list_allows_and_nothing_else() -> None:
    printed = _checked()
    found = Counter(re.findall(r"^(.+?):(?:\d+:)? error:", printed, re.MULTILINE))
    assert found == _allowed(), f"{ALLOWED.name} does not say the same; fix the errors, or shorten it:\n{printed}"


def _checked() -> str:
    """Return what mypy prints, with the settings of pyproject.toml."""
    command = [sys.executable, "-m", "mypy", "--no-color-output", "--no-error-summary"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr  # else it has not checked anything
    return ended.stdout


def _allowed() -> Counter[str]:
    rows = (line.split() for line in ALLOWED.read_text().splitlines() if not line.startswith("#"))
    return Counter({path: int(count) for path, count in rows})

"""Follows CONTRIBUTING.md word for word: its files and its lines, in a copy of the project."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FILE = re.compile(r"```python\n# (\S+\.py)\n(.*?)```", re.DOTALL)
_LINES = re.compile(r"In `([^`]+\.py)`[^\n]*:\n\n```diff\n(.*?)```", re.DOTALL)
_ANCHORS = {
    "mipp_core/pruners/__init__.py": '    "random": Random,\n',
    "mipp_core/models/families.py": "MODELS: dict[str, Family] = {\n",
    "mipp_core/data/__init__.py": '    "mnist": mnist.CARD,\n',
    "pages/frame.py": "PAGES = [\n",
}
"""File -> the line after which its registry's line goes."""


def files() -> dict[str, str]:
    """Return the files that the instructions give, by their place."""
    return dict(_FILE.findall((ROOT / "CONTRIBUTING.md").read_text()))


def lines() -> dict[str, list[str]]:
    """Return the lines that they add to files of the project."""
    found = _LINES.findall((ROOT / "CONTRIBUTING.md").read_text())
    return {place: [line[1:] for line in block.splitlines()] for place, block in found}


def follow(copy: Path) -> None:
    """Copy the project and do what the instructions say, and nothing else."""
    ignored = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", "dist")
    shutil.copytree(ROOT, copy, ignore=ignored)
    for place, text in files().items():
        (copy / place).parent.mkdir(exist_ok=True)
        (copy / place).write_text(text)
    for place, added in lines().items():
        _add(copy / place, added, _ANCHORS[place])


def _add(path: Path, added: list[str], anchor: str) -> None:
    text = path.read_text()
    assert text.count(anchor) == 1, f"{path.name} has no line {anchor!r} any more"
    for line in (line for line in added if line.startswith("from ")):
        first = re.search(r"^from mipp_core", text, re.MULTILINE)
        assert first is not None
        text = f"{text[: first.start()]}{line}\n{text[first.start() :]}"
    entry = "".join(f"{line}\n" for line in added if not line.startswith("from "))
    text = text.replace(anchor, anchor + entry)
    path.write_text(text)

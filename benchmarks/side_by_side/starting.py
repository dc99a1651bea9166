"""How long the command line takes to say what there is, beside importing everything first, as it did before."""

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.side_by_side.rows import How, Row


def measure(how: How) -> Iterator[Row]:
    """Time fresh interpreters."""
    for words in (["--version"], ["models"]):

        def ours(words: list[str] = words) -> str:
            return _run("-m", "mipp_core", *words)

        def theirs(words: list[str] = words) -> str:
            start = "import mipp_core.api, torchvision, sys; from mipp_core.command_line import main; "
            return _run("-c", f"{start}sys.exit(main({words}))")

        mine, other, our, their = how.compare(ours, theirs)
        same = "the same words" if our == their else "other words"
        yield Row(f"mipp {' '.join(words)}", "importing all of it first", mine, other, None, same)


def _run(*words: str) -> str:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True).stdout

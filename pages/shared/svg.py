"""What views that are drawn in the browser share."""

from pathlib import Path

_HERE = Path(__file__).parent


def drawn_with(folder: Path, *scripts: str) -> str:
    """Return a view's scripts as one, behind the one that all of them use."""
    return (_HERE / "svg.js").read_text() + "".join((folder / script).read_text() for script in scripts)


def styled_with(folder: Path, sheet: str) -> str:
    """Return a view's style sheet, behind the one that all of them use."""
    return (_HERE / "svg.css").read_text() + (folder / sheet).read_text()

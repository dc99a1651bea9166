"""What views that are drawn in the browser share."""

from pathlib import Path


def drawn_with(folder: Path, *scripts: str) -> str:
    """Return a view's scripts as one, behind the one that all of them use."""
    shared = (Path(__file__).parent / "svg.js").read_text()
    return shared + "".join((folder / script).read_text() for script in scripts)

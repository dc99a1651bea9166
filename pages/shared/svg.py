"""What views that are drawn as SVG in the browser share."""

from pathlib import Path


def drawn_with(script: str, folder: Path) -> str:
    """Return a view's script, behind the one that all of them use."""
    return (Path(__file__).parent / "svg.js").read_text() + (folder / script).read_text()

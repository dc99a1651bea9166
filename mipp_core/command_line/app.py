"""The command ``app``: the pages, from an installed package or from a clone."""

import subprocess
import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mipp_core.errors import SettingError

_PACKAGE = Path(__file__).parents[1]


def run_app(chosen: Namespace) -> tuple[Any, list[str]]:
    """Serve the app until it is interrupted.

    Raises:
        SettingError: Streamlit or Plotly is not installed, the port is out of range, or the app ended with an error.
    """
    missing = [name for name in ("streamlit", "plotly") if find_spec(name) is None]
    if missing:
        raise SettingError(f"The app needs {' and '.join(missing)}; install them: pip install {' '.join(missing)}.")
    if not 1 <= chosen.port <= 65535:
        raise SettingError(f"The port is {chosen.port}; choose one from 1024 to 65535, such as 8501.")
    words = [sys.executable, "-m", "streamlit", "run", str(place()), f"--server.port={chosen.port}"]
    code = subprocess.run(words, check=False).returncode
    if code:
        raise SettingError(f"The app ended with code {code}; if the port {chosen.port} is in use, choose another.")
    return {"port": chosen.port}, ["The app has ended."]


def place() -> Path:
    """Return the app's file: inside an installed package, or at the top of a clone.

    Raises:
        SettingError: it is in neither place.
    """
    for path in (_PACKAGE / "app" / "app.py", _PACKAGE.parent / "app.py"):
        if path.exists():
            return path
    raise SettingError(f"The app's file is not in {_PACKAGE}; install the package again.")

"""Places to start from: results that ship, and some that are computed live; and how to link to any state."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "Trained LeNet5": {},
        "LeNet5 at initialisation": {"start": "at initialisation"},
        "In closed form": {"method": "closed form"},
        "Pixels": {"pixels": True, "method": "closed form"},
        "Deformed digits, live": {"dataset": "mnist-sample", "deformation": 0.5},
        "MLP, live": {"dataset": "mnist-sample", "model": "mlp"},
    }
)
"""Name -> the controls of Explore that it sets to other values than the defaults."""

LIVE = ("Deformed digits, live", "MLP, live")
"""Those that do not open a shipped result."""


def link(page: str, controls: Mapping[str, Any]) -> str:
    """Return the address of a page with controls set; Explore's name is empty."""
    written = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in controls.items()}
    return f"./{page}" + (f"?{urlencode(written)}" if written else "")

"""Places to start from, which are results that ship; and how to link to any state."""

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
    }
)
"""Name -> the controls of Explore that it sets to other values than the defaults; each opens a shipped result."""

RUNS: Mapping[str, str] = MappingProxyType(
    {"Deformed digits": "deformed-trained-0", "Fashion": "closed-fashion-0", "ResNet20": "closed-resnet20-0"}
)
"""Name -> the folder of a shipped run that measured only some levels, which is opened by its own address."""


def link(page: str, controls: Mapping[str, Any]) -> str:
    """Return the address of a page with controls set; Explore's name is empty."""
    written = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in controls.items()}
    return f"./{page}" + (f"?{urlencode(written)}" if written else "")

"""Packages that do the same, where they are installed: `pip install torch-pruning`."""

from typing import Any

try:
    import torch_pruning as found
except ImportError:
    found = None

torch_pruning: Any = found
"""The package; None where it is not installed."""

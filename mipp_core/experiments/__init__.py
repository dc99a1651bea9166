"""Experiments: a run is a value, its hash is its address."""

from mipp_core.experiments.result import RunResult, collapsed_layers, entry_of, masks_of, passed_layers
from mipp_core.experiments.spec import CONTROLS, NetworkSpec, RunSpec
from mipp_core.experiments.store import Store
from mipp_core.experiments.sweep import run

__all__ = [
    "CONTROLS",
    "NetworkSpec",
    "RunResult",
    "RunSpec",
    "Store",
    "collapsed_layers",
    "entry_of",
    "masks_of",
    "passed_layers",
    "run",
]

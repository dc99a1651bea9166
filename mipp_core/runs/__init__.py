"""What a run is: a specification whose hash is its name, and the document that it gives."""

from mipp_core.runs.result import RunResult, collapsed_layers, entry_of, masks_of, passed_layers
from mipp_core.runs.spec import NetworkSpec, RunSpec

__all__ = [
    "NetworkSpec",
    "RunResult",
    "RunSpec",
    "collapsed_layers",
    "entry_of",
    "masks_of",
    "passed_layers",
]

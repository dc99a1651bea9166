"""Words and types that every room of the house shares.  Imports nothing from the project.

Word            Meaning
unit            a neuron of a linear layer, a filter of a convolution, a pixel of the input
layer           a prunable convolution or linear layer, or the input
keep-mask       one boolean per unit, True = keep
pruning ratio   of a layer: units removed / units, in [0, 1]
sparsity        of a network: all units removed / all units, in [0, 1]
layer collapse  a layer with no unit left
untrainable     retrained and still at chance
confidence      x in [0.5, 1): how sure one must be that a unit transfers information to keep it
level           n of the paper's schedule of confidences
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

INPUT = "input"
"""The name of the zeroth layer, whose units are pixels."""

Collapse = Literal["l1", "l2", "mean", "std"]
"""How the map of one filter becomes one number."""

Reference = Literal["fixed", "current"]
"""The loss a unit's removal is compared with: the full layer's, or the present retained set's."""


@dataclass(frozen=True)
class Progress:
    """One report of a long computation.

    Attributes:
        stage: what is being done, in words a user reads.
        done: how much of the stage is done, in [0, 1].
    """

    stage: str
    done: float


Report = Callable[[Progress], None]
"""Receives progress; may raise ``CancelledError`` to stop the computation."""


def silent(progress: Progress) -> None:
    """Ignore a progress report."""

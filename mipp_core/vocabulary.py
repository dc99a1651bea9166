"""Words and types that the whole project shares.  Imports nothing from the project.

Word            Meaning
unit            a neuron of a linear layer, a filter of a convolution, a pixel of the input
layer           a prunable convolution or linear layer, or the input
keep-mask       one boolean per unit, True = keep
pruning ratio   of a layer: units removed / units, in [0, 1]
sparsity        of a network: all units removed / all units, in [0, 1]
layer collapse  a layer with no unit left
untrainable     retrained and still at chance
confidence      x in [0.5, 1): how sure one must be that a unit transfers information to keep it
target          how much to remove: a share of the units, of the parameters or of the multiply-accumulates
level           n of the paper's schedule of confidences

Words of the code

Word            Meaning
space           the channels that one node of the graph makes; in ``store``, bytes on the disk
stream          a sum that layers are added into (a residual stream), whose width stays as it is
silent          always 0 for a removed unit; of an operation: turns zeros into zeros; of a report: ignored
loud            of an operation: keeps channels apart but turns zeros into something else
silence         set a layer's removed units to 0, by their weights, biases and normalisations; of a worker: seconds
                since it last gave a sign of life
voice           the tensor that holds a layer's activations: what the next layer reads, or what a stream is given
hear, heard     read, directly or through operations that are not layers; the function ``hear`` receives what is read
listen          run a network and hand each prunable layer's activations to such a function
echo            a second run of a stream without what one layer adds
gate, switch    a number by which a unit is multiplied wherever it is read
joint           a ``Reindex`` module between a cut layer and a reader that needs other channels
walk            a run of a network's graph that can stop at any node
ghost           a network or tensor with a shape and no data
blob            a file of tensors, named by the hash of its content
lane            of the queue: one for runs that a person waits for at a page, one for sweeps
turn            the lock that a visitor of the pages holds while a network is built, recorded, run or timed
chips           short phrases that set a run apart from others
bare            in ``pages``, of a run's specification: without its controls
twin            in the tests, a second implementation, slow and obvious, that must agree
street, room    in the tests, the order of the packages, and a package: each imports only from those before it
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

INPUT = "input"
"""The name of the zeroth layer, whose units are pixels."""

Counted = Literal["units", "parameters", "macs"]
"""What a share is of: the units of the prunable layers, or the parameters or the MACs of the whole network."""

COUNTED: Mapping[Counted, str] = {"units": "units", "parameters": "parameters", "macs": "MACs"}
"""What each is called in a sentence."""

CONTROLS: Mapping[str, str] = {
    "random": "random units, MIPP's per-layer counts",
    "magnitude": "largest L1 norm, MIPP's per-layer counts",
    "scratch": "a network of the same size, trained from scratch",
    "reinitialised": "the same units, fresh weights of the dense network",
}
"""What a run may be compared with, level by level."""

Collapse = Literal["l1", "l2", "mean", "std"]
"""How a filter's map is turned into one number."""

Reference = Literal["fixed", "current", "control"]
"""The loss that a removal is compared with: the full layer's, the present retained set's, or a control's."""


LossKind = Literal["variance", "nats"]
"""What is lost in closed form: a share of the next layer's variance, or information about it."""

Weighing = Literal["asked", "alike", "heard", "outputs"]
"""What a target's loss is worth: the same share of each one's variance, or what the outputs hear of it, as a share of
the layer's or of the outputs' own variance, or the one of these that goes with what is asked for."""

Budget = Literal["asked", "alike", "parameters", "macs"]
"""How much of a loss a layer may have: as much as every other, or in proportion to what it costs in parameters or
multiply-accumulates, or the one of these that goes with the target that is asked for."""

Order = Literal["greedy", "ascending"]
"""Which unit is tested next: the one that costs least now, or the one that told least by itself."""

PathKind = Literal["common", "own"]
"""Whether all levels remove units in one order, or each in its own."""


@dataclass(frozen=True)
class Progress:
    """One report of a long computation.

    Attributes:
        stage: what is being done, in words for the user.
        done: how much of the stage is done, in [0, 1].
        so_far: gives the keep-masks that are decided so far, by layer, [levels, units]; may be called by another thread
            at any time.  None where nothing is being decided.
    """

    stage: str
    done: float
    so_far: "Callable[[], Mapping[str, Tensor]] | None" = None


Report = Callable[[Progress], None]
"""Receives progress; may raise ``CancelledError`` to stop the computation."""


def silent(progress: Progress) -> None:
    """Ignore a progress report."""

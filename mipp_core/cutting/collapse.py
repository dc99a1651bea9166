"""Layer collapse: layers without a unit that cut the network through, and what to say about them."""

from collections.abc import Collection, Sequence

from torch import fx

from mipp_core.cutting.masks import KeepMasks
from mipp_core.network.layers import Wiring
from mipp_core.network.streams import passed_by

_NAMED = 4
"""Layers that a sentence names at most."""


def collapsed(masks: KeepMasks, wiring: Wiring) -> tuple[str, ...]:
    """Return the layers with no unit left that nothing goes round, alone or together; pixels are a layer too."""
    empty = masks.collapsed
    around = passed_by(wiring)
    alone = tuple(name for name in empty if name not in around)
    return alone or (empty if empty and not _passes(wiring, empty) else ())


def _passes(wiring: Wiring, empty: Collection[str]) -> bool:
    """Tell whether some path from image to output avoids all these layers."""
    reached: set[fx.Node] = set()
    for node in wiring.flow.graph.nodes:
        closed = node.op == "call_module" and str(node.target) in empty
        if node.op == "placeholder" or (not closed and reached.intersection(node.all_input_nodes)):
            reached.add(node)
    return any(node.op == "output" for node in reached)


def collapse_words(layers: Sequence[str], remedy: str, where: str = "") -> str:
    """Say that layers have collapsed, and what to do.

    Args:
        layers: at least one name.
        remedy: what to do, as the end of a sentence.
        where: a phrase in front, such as ``At 90% of the units removed``.
    """
    named = ", ".join(layers[:_NAMED]) + (f" and {len(layers) - _NAMED} more" if layers[_NAMED:] else "")
    subject = f"{where}, no unit" if where else "No unit"
    return f"{subject} is left in {named}, so the network gives one answer for every image; {remedy}."

"""What a command says on stderr although the work went on: which layers collapsed."""

import sys

from mipp_core.cutting.collapse import collapse_words
from mipp_core.pruners import Decider
from mipp_core.runs import RunSpec
from mipp_core.runs.document import RunDocument


def announce_collapse(spec: RunSpec, document: RunDocument, name: str = "") -> None:
    """Say on stderr that layers collapsed, where some did.

    Args:
        spec: of the run.
        document: its result.
        name: of the run, where there are several.
    """
    levels = document["levels"]
    dead = [level for level in levels if any(layer["collapsed"] for layer in level["layers"])]
    if not dead:
        return
    found = {layer["name"]: None for level in dead for layer in level["layers"] if layer["collapsed"]}
    first = min(level["sparsity"] for level in dead)
    where = f"At {len(dead)} of {len(levels)} points, the first with {first:.1%} of the units removed"
    words = collapse_words(list(found), _remedy(spec), where if levels[1:] else "")
    print(f"warning: {f'{name}: ' if name else ''}{words}", file=sys.stderr)


def _remedy(spec: RunSpec) -> str:
    if isinstance(spec.settings, Decider):
        return "ask for a lower confidence or a smaller share"
    ways = ["ask for a smaller share"] + ([] if spec.floor else ["keep some with --floor 1"])
    is_global = spec.selection.scope == "global" and "layer" in spec.settings.scopes
    return ", or ".join(ways + (["spread it with --scope layer"] if is_global else []))

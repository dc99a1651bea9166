"""The command ``limits``: how many bits of the data a mask carries (No Free Prune)."""

from argparse import Namespace
from typing import Any

from mipp_core.command_line.progress import progress_line
from mipp_core.errors import SettingError
from mipp_core.limits.toy import PARAMETERS
from mipp_core.limits.toy_measure import measure
from mipp_core.limits.toy_orders import ORDERS, SLOW, Setting

Answer = tuple[Any, list[str]]


def limits(chosen: Namespace) -> Answer:
    """Measure the exact toy at one number of parameters pruned."""
    if not 0 <= chosen.pruned <= PARAMETERS:
        raise SettingError(f"--pruned {chosen.pruned}: the toy has {PARAMETERS} parameters; give 0 to {PARAMETERS}.")
    names = [name for name in ORDERS if chosen.imp or name not in SLOW]
    with progress_line() as report:
        found = measure(names, chosen.seeds, Setting(chosen.epochs, chosen.rate), chosen.points, report)
    document = found.at(chosen.pruned)
    rows = [f"{'pruner':20} {'I(mask; data), bits':>20} {'p_eff':>8}"]
    rows += [
        f"{name:20} {bits:>11.3f} ± {document['spread'][name]:>6.3f} {document['p_eff'][name]:>8.2f}"
        for name, bits in document["bits"].items()
    ]
    ceiling, bound = document["ceiling"], document["bound"]
    most = f"at most {ceiling:.3f} bits ({found.data_sets:,} data sets) and {bound:.3f} (all masks)"
    how = f"{chosen.pruned} of {PARAMETERS} parameters pruned, {chosen.seeds} initialisations"
    fit = f"dense networks are right on {document['accuracy']:.1%} of their points"
    return document, [*rows, f"{most}; {how}; {fit}; {found.seconds:.1f} s"]

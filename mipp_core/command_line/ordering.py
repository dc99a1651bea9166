"""The command ``cmi``: one layer's units in the order of what they add to the knowledge of the labels."""

from argparse import Namespace
from typing import Any

from mipp_core.command_line.given import say_worth
from mipp_core.command_line.progress import progress_line
from mipp_core.command_line.reading import cell_of, usable_device
from mipp_core.experiments.experiment import Experiment
from mipp_core.store import Store

Answer = tuple[Any, list[str]]


def cmi(chosen: Namespace) -> Answer:
    """Order one layer by itself, and say where each rule would cut it."""
    spec, device = cell_of(chosen), usable_device(chosen.device)
    say_worth(chosen, spec, device)
    with progress_line() as report:
        stages = Store.at(chosen.store).stages(spec.hash)
        found = Experiment(spec, stages, device, report, chosen.data_dir).look(chosen.layer)
    document, ordering = found.to_json(), found.ordering
    bends = " or ".join(f"{kept} ({ratio:.1f})" for kept, ratio in found.bends) or "none"
    rows = [f"{'pick':>5} {'unit':>5} {'CMI after, bits':>16} {'joint entropy, bits':>20}"]
    rows += [
        f"{pick:>5} {unit:>5} {ordering.conditional[pick]:>16.4f} {ordering.joint[pick]:>20.4f}"
        for pick, unit in enumerate(ordering.order, 1)
    ]
    cuts = f"kept by Scree (ratio): {bends}; by X-means: {found.x_means}; by permutation: {found.permutation}"
    told = f"Of the labels the layer tells {ordering.mutual[-1]:.2f} bits"
    bias = f"{told}; of shuffled ones it seems to tell {found.chance:.2f}."
    return document, [*rows, cuts, bias, ordering.saturation]

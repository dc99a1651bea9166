"""Pruners at equal cost: `python -m benchmarks.at_equal_cost lenet5 --data-dir DIR [--seeds 3] [--dataset mnist]`.

Or `… resnet20 --weights FILE` for public CIFAR-10 weights that were trained with ImageNet's statistics.

Every pruner removes the same share of the units, of the parameters, and of the multiply-accumulates; the network is
cut, rebuilt without labels or training on 3,000 training images, with ``--epochs`` also retrained from the cut, and
measured on test images.  MIPP in closed form is taken with every way to weigh targets and to split what may be lost
between layers.  Prints the mean accuracy over seeds and, where there are several, the standard deviation.  With public
weights, seeds are those of the images that pruners look at and that the network is rebuilt on.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from mipp_core import NetworkSpec, RunSpec, Store
from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.selection import Selection
from mipp_core.cutting.surgery import shrink
from mipp_core.cutting.targets import Target
from mipp_core.data.dataset import Split
from mipp_core.evaluation import accuracy
from mipp_core.experiments.experiment import Experiment
from mipp_core.experiments.uploads import keep_entry
from mipp_core.information import LEVELS, confidence_of
from mipp_core.pruners import PRUNERS, ClosedForm, Decider, Ranker, Task
from mipp_core.pruners.deciding import masks_at_targets
from mipp_core.pruners.reaching import reach
from mipp_core.runs.result import device_name
from mipp_core.training import RECIPES, Recipe, train
from mipp_core.vocabulary import silent

REBUILT_ON = 3000
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's
SHARES = {
    "lenet5": {"units": (0.6, 0.75, 0.85), "parameters": (0.8, 0.92, 0.96), "macs": (0.6, 0.75, 0.85)},
    "resnet20": {"units": (0.15, 0.3, 0.45), "parameters": (0.2, 0.4, 0.6), "macs": (0.2, 0.4, 0.6)},
}
CLOSED_FORMS = {
    f"closed form, {weighing}, budget {budget}": ClosedForm(weighing=weighing, budget=budget)
    for weighing in ("alike", "heard", "outputs")
    for budget in ("alike", "parameters", "macs")
}
RANKERS: dict[str, tuple[Ranker, str]] = {
    "L1 per layer": (PRUNERS["magnitude"](), "layer"),
    "SynFlow": (PRUNERS["synflow"](), "global"),
    "Taylor": (PRUNERS["taylor"](), "global"),
    "SOSP-H": (PRUNERS["sosp-h"](), "global"),
    "GraSP": (PRUNERS["grasp"](), "global"),
    "random": (PRUNERS["random"](), "layer"),
}


@dataclass(frozen=True)
class Case:
    """One network and the images it is pruned, rebuilt and judged on."""

    model: nn.Module
    train: Split
    test: Split
    counter: Counter
    seed: int


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """Yield the networks: trained here from several seeds, or the given one."""
    for seed in range(options.seeds):
        network = NetworkSpec("lenet5", options.dataset, recipe=RECIPES["short"], seed=seed)
        if options.weights:
            network = NetworkSpec("resnet20", "cifar10", recipe=RECIPES["none"], mean=MEAN, std=STD)
            kept = keep_entry(Path(options.weights), network.architecture, Store(Path(options.store)))
            network = replace(network, weights=kept.name)
        spec = RunSpec(network)
        stages = Store(Path(options.store)).stages(spec.hash, device_name(torch.device(options.device)))
        experiment = Experiment(spec, stages, torch.device(options.device), silent, Path(options.data_dir))
        test = experiment.data.test
        if options.judged_on:
            test = test.stratified(options.judged_on, torch.Generator().manual_seed(0))
        yield Case(experiment.model, experiment.data.train, test, experiment.counter, seed)


def targets(network: str) -> list[Target]:
    """Return every share of every cost."""
    return [Target(share, of) for of, shares in SHARES[network].items() for share in shares]


def masks(pruner: Ranker | Decider, scope: str, case: Case, wanted: list[Target]) -> list[KeepMasks]:
    """Prune to every target."""
    if isinstance(pruner, Decider):
        levels = tuple(map(confidence_of, range(LEVELS)))
        decisions = pruner.decide(case.model, case.train, case.seed, levels, silent)
        return masks_at_targets(decisions, wanted, case.counter)
    task = Task(case.model, case.train, case.seed)
    return [each.masks for each in reach(pruner, task, wanted, Selection(scope), case.counter)]


def measured(case: Case, keep: KeepMasks, epochs: int) -> dict[str, float]:
    """Cut, rebuild, retrain and measure."""
    slim = shrink(case.model, keep)
    found = {"cut": accuracy(slim, case.test)}
    trained = deepcopy(slim)
    with torch.no_grad():
        rebuild(
            case.model, slim, keep, case.train.stratified(REBUILT_ON, torch.Generator().manual_seed(case.seed)).images
        )
    found["rebuilt"] = accuracy(slim, case.test)
    if epochs:
        train(trained, case.train, Recipe(epochs), seed=case.seed)
        found["retrained"] = accuracy(trained, case.test)
    return found


def main() -> None:
    """Print a table per measure, a row per pruner."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=SHARES)
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--weights")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=0, help="of retraining")
    parser.add_argument("--judged-on", type=int, help="so many test images, evenly from the classes; all by default")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these rows, such as SynFlow")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--store", default="at-equal-cost")
    options = parser.parse_args()
    wanted = targets(options.network)
    everyone = {**{name: (found, "") for name, found in CLOSED_FORMS.items()}, **RANKERS}
    everyone = {name: found for name, found in everyone.items() if not options.only or name in options.only}
    known = list(cases(options))
    print("Dense:", ", ".join(f"{accuracy(case.model, case.test):.2%}" for case in known), flush=True)
    rows: dict[str, list[str]] = {}
    for name, (pruner, scope) in everyone.items():
        found, seconds = [], []
        for case in known:
            started = time.perf_counter()
            kept = masks(pruner, scope, case, wanted)
            seconds.append(time.perf_counter() - started)
            found.append([measured(case, keep, options.epochs) for keep in kept])
        for measure in found[0][0]:
            columns = zip(*([each[measure] for each in row] for row in found), strict=True)
            rows.setdefault(measure, []).append(_row(name, map(_cell, columns), statistics.mean(seconds)))
        print(name, file=sys.stderr, flush=True)
    for measure, lines in rows.items():
        print(f"\n| {measure} |", " | ".join(f"{target.of} −{target.share:.0%}" for target in wanted), "| seconds |")
        print("| --- |" + " --- |" * (len(wanted) + 1))
        print("\n".join(lines), flush=True)


def _row(name: str, cells: Iterable[str], seconds: float) -> str:
    return f"| {name} | {' | '.join(cells)} | {seconds:.1f} |"


def _cell(values: tuple[float, ...]) -> str:
    mean = f"{100 * statistics.mean(values):.2f}"
    return f"{mean} ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else mean


if __name__ == "__main__":
    main()

"""All 20 levels by every estimator: `python -m benchmarks.levels [dataset] [--only NAME …]`.

Prunes one trained LeNet5 by MIPP with the paper's fixed reference, by MIPP as it is, and by MIPP in closed form.
Prints per level the units kept in each layer, the share removed, and test accuracy right after cutting and after
rebuilding; then the seconds that deciding took.  Uses one seed and, by default, the embedded sample.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from mipp_core import Mipp, NetworkSpec, RunSpec, Store
from mipp_core.experiments.experiment import Experiment
from mipp_core.pruners import ClosedForm
from mipp_core.vocabulary import silent

ESTIMATORS = {
    "fixed": Mipp(reference="fixed", estimate_size=256),
    "control": Mipp(),
    "closed-form": ClosedForm(),
}


def main() -> None:
    """Print a table per estimator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="mnist-sample")
    parser.add_argument("--only", nargs="+", choices=ESTIMATORS, default=list(ESTIMATORS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            settings = ESTIMATORS[name]
            pruner = "mipp" if isinstance(settings, Mipp) else "mipp-closed-form"
            spec = RunSpec(NetworkSpec("lenet5", options.dataset), pruner=pruner, settings=settings)
            table(name, Experiment(spec, Store(Path(folder)).stages(spec.hash), torch.device("cpu"), silent))


def table(name: str, experiment: Experiment) -> None:
    """Print one estimator's table."""
    print(f"\n{name}: {experiment.dense().value['accuracy']:.2%} before\n\n| level | kept | removed | cut | rebuilt |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    started = time.perf_counter()
    points, _ = experiment.prune()
    seconds = time.perf_counter() - started
    for point in points:
        found = experiment.measured(point.masks)
        kept = "/".join(map(str, point.masks.kept.values()))
        cells = f"{point.masks.sparsity:.1%} | {found.accuracy_pruned:.2%} | {found.accuracy_rebuilt:.2%}"
        print(f"| {point.level} | {kept} | {cells} |", flush=True)
    print(f"\ndecided in {seconds:.1f} s on {torch.get_num_threads()} threads", flush=True)


if __name__ == "__main__":
    main()

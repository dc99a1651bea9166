"""What CMI's settings change: `python -m benchmarks.cmi_settings [--seeds 3] [--only NAME …] [--model M --dataset D]`.

Prunes trained networks by CMI's own ratios with one setting changed at a time, around alpha = 2 with shared widths.
Prints, per setting, units removed, units kept per layer of the first seed, layers whose order was saturated before
half of their units were picked, and test accuracy right after cutting and after rebuilding; mean and spread over seeds.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean, pstdev

import torch

from mipp_core import NetworkSpec, RunSpec, Store
from mipp_core.experiments.experiment import Experiment
from mipp_core.pruners import Cmi
from mipp_core.vocabulary import silent

BASE = Cmi(alpha=2.0, width="shared")
SETTINGS = {
    "alpha 2, shared widths": BASE,
    "alpha 0.5": replace(BASE, alpha=0.5),
    "alpha 1.01 (paper)": replace(BASE, alpha=1.01),
    "alpha 3": replace(BASE, alpha=3.0),
    **{f"width x {factor:g}": replace(BASE, width_factor=factor) for factor in (0.01, 0.1, 10.0, 100.0)},
    "median width": replace(BASE, width="median"),
    "paper's width": replace(BASE, width="paper"),
    "paper's width, maps pooled to 2 x 2": replace(BASE, width="paper", pooled=2),
    "paper's width and alpha": Cmi(),
    "per-layer": replace(BASE, conditioning="per-layer"),
    "full": replace(BASE, conditioning="full"),
    "forward": replace(BASE, direction="forward"),
    "X-means": replace(BASE, cut_off="x-means"),
    "permutation": replace(BASE, cut_off="permutation"),
    "Scree, 20 bends": replace(BASE, bends=20),
    "labels one-hot": replace(BASE, labels="one-hot"),
}


def main() -> None:
    """Print one line per setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lenet5")
    parser.add_argument("--dataset", default="mnist-sample")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=SETTINGS, metavar="NAME", default=list(SETTINGS))
    options = parser.parse_args()
    print("| setting | removed | kept | saturated | cut | rebuilt | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for name in options.only:
            cells = [
                _one(store, NetworkSpec(options.model, options.dataset, seed=s), SETTINGS[name])
                for s in range(options.seeds)
            ]
            removed, cut, rebuilt = (_spread([cell[place] for cell in cells]) for place in range(3))
            first, seconds = cells[0], mean(cell[5] for cell in cells)
            print(f"| {name} | {removed} | {first[3]} | {first[4]} | {cut} | {rebuilt} | {seconds:.1f} |", flush=True)


def _one(store: Store, network: NetworkSpec, settings: Cmi) -> tuple[float, float, float, str, int, float]:
    spec = RunSpec(network, pruner="cmi", settings=settings, measured=(20,))
    experiment = Experiment(spec, store.stages(spec.hash), torch.device("cpu"), silent)
    _ = experiment.dense()
    started = time.perf_counter()
    (point,), _ = experiment.prune()
    seconds = time.perf_counter() - started
    found, examined = experiment.measured(point.masks), experiment.examined
    assert examined is not None and found.accuracy_pruned is not None and found.accuracy_rebuilt is not None
    early = (cut.ordering.saturated_at for cut in examined.layers)
    halves = [len(cut.ordering.order) / 2 for cut in examined.layers]
    saturated = sum(at is not None and at < half for at, half in zip(early, halves, strict=True))
    kept = "/".join(map(str, point.masks.kept.values()))
    return point.masks.sparsity, found.accuracy_pruned, found.accuracy_rebuilt, kept, saturated, seconds


def _spread(shares: list[float]) -> str:
    return f"{mean(shares):.1%} ± {100 * pstdev(shares):.1f}"


if __name__ == "__main__":
    main()

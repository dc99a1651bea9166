"""How much the confidence level changes: `python -m benchmarks.sensitivity [dataset]`.

Prunes one trained LeNet5 with estimates of several sizes and prints, per level, units kept in each layer and the
accuracy after rebuilding.  Uses one seed and, by default, the embedded sample; see docs/estimates.md.
"""

import sys
from dataclasses import replace

import torch

from mipp_core import Mipp, NetworkSpec, RunSpec, Store
from mipp_core.experiments.experiment import Experiment
from mipp_core.information import confidence_of
from mipp_core.vocabulary import silent

LEVELS = (0, 1, 5, 9, 19)
FIXED = Mipp(reference="fixed", estimate_size=256)
VARIANTS = {
    **{f"estimates of {size} samples": Mipp(estimate_size=size) for size in (16, 64, 256, 1024)},
    "60 retraining steps per test": Mipp(unit_steps=60),
    **{f"fixed reference, {size}": replace(FIXED, estimate_size=size) for size in (16, 64, 256, 1024, 4096)},
    "fixed, 256, 60 steps per test": replace(FIXED, unit_steps=60),
    "current reference, 16384": replace(FIXED, reference="current", estimate_size=16384),
}


def main() -> None:
    """Print one line per variant and level."""
    network = NetworkSpec("lenet5", sys.argv[1] if len(sys.argv) > 1 else "mnist-sample")
    confidences = tuple(confidence_of(level) for level in LEVELS)
    for name, settings in VARIANTS.items():
        spec = RunSpec(network, settings=settings, confidences=confidences)
        experiment = Experiment(spec, Store.at().stages(spec.hash), torch.device("cpu"), silent)
        points, _ = experiment.prune()
        for level, point in zip(LEVELS, points, strict=True):
            reached = experiment.measured(point.masks)
            kept = "/".join(map(str, point.masks.kept.values()))
            share = f"{point.masks.sparsity:6.1%} removed, rebuilt {reached.accuracy_rebuilt:.2%}"
            print(f"{name:34} level {level:2}  {kept:14} {share}", flush=True)


if __name__ == "__main__":
    main()

"""Does MIPP's test find the right units?  TERC's two synthetic sets, many seeds, every confidence level at once.

X1, X2, X3 are fair bits and the target is A = 1 where all three agree.  Three more variables copy them:

    set a   X4 = X5 = X6 = X1
    set b   (X4, X5, X6) = (X1, X2, X3)

No variable alone tells anything about A, so ranking by pairwise information fails.  The right result is exactly three
survivors, one for each distinct bit.  Run from the repository's root:

    python -m benchmarks.terc_synthetic [seeds]

Prints one row per set and setting; fails if fewer than 95% of the seeds are right at the judged level.
"""

import sys
from time import perf_counter

import torch
from jaxtyping import Bool
from torch import Tensor

from mipp_core.information import LEVELS, confidence_of, quantiles
from mipp_core.information.terc import keep_masks
from mipp_core.pruners import Mipp

SAMPLES = 10_000
JUDGED_LEVEL = 5  # confidence 0.984375
BITS = {"a": [0, 1, 2, 0, 0, 0], "b": [0, 1, 2, 0, 1, 2]}
SETTINGS = {
    "small (32, 32)": Mipp(hidden=(32, 32), fit_steps=800, unit_steps=150),
    "default (256, 256)": Mipp(),
}


def survivors(which: str, pruner: Mipp, seed: int) -> Bool[Tensor, "levels 6"]:
    """Return the keep-mask of every level for one fresh sample of a set."""
    bits = torch.randint(0, 2, (SAMPLES, 3), generator=torch.Generator().manual_seed(seed)).float()
    agree = (bits.std(1) == 0).float().unsqueeze(1)
    thresholds = quantiles(tuple(confidence_of(level) for level in range(LEVELS)))
    wanted = torch.ones(LEVELS, 1, dtype=torch.bool)
    rounds = pruner.test_units(which, bits[:, BITS[which]], agree, wanted, thresholds, seed)
    return keep_masks([decision for made in rounds for decision in made], 6, LEVELS)


def is_right(which: str, keep: Bool[Tensor, " 6"]) -> bool:
    """Tell whether exactly one copy of each distinct bit survived."""
    return sorted(BITS[which][unit] for unit in keep.nonzero().flatten().tolist()) == [0, 1, 2]


def main(seeds: int) -> int:
    """Print the table; return 1 if a row fails."""
    failed = False
    print(f"{SAMPLES} samples, {seeds} seeds, {torch.get_num_threads()} threads; seeds that are right at each level")
    print(f"{'set':4}{'setting':20}{'judged':>8}{'seconds':>9}  levels 0..{LEVELS - 1}")
    for name, pruner in SETTINGS.items():
        for which in BITS:
            start = perf_counter()
            masks = [survivors(which, pruner, seed) for seed in range(seeds)]
            right = [sum(is_right(which, mask[level]) for mask in masks) for level in range(LEVELS)]
            seconds = perf_counter() - start
            print(f"{which:4}{name:20}{right[JUDGED_LEVEL]:>5}/{seeds}{seconds:>9.1f}  {right}", flush=True)
            failed = failed or right[JUDGED_LEVEL] < 0.95 * seeds
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))

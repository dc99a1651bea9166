"""CMI orders against the plain loop: `python -m benchmarks.cmi_ordering [--json] [--units 64] [--samples 256]`.

Orders units that know the labels of ten classes more or less (5 x 5 numbers each, seed 0) twice: as the package does,
and by the loop of the paper, in which every candidate's product is formed anew and its two entropies are those of
eigenvalues.  Prints seconds, their ratio, and whether both found the same order; then a layer of 512 units, fast only.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mipp_core.information.ordering import ordered
from mipp_core.information.renyi import entropy, gaussian, of_eigenvalues, same, squared_distances, squared_widths

CLASSES, NUMBERS = 10, 25
ALPHAS = (2.0, 1.01)


def layer(units: int, samples: int) -> tuple[Tensor, Tensor]:
    """Return the kernels of a layer's units, and labels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, CLASSES, (samples,), generator=generator)
    known = torch.rand(units, 1, 1, generator=generator)
    means = known * torch.randn(units, CLASSES, NUMBERS, generator=generator)
    maps = (means[:, labels] + torch.randn(units, samples, NUMBERS, generator=generator)).relu()
    distances = squared_distances(maps)
    return gaussian(distances, squared_widths(distances, NUMBERS, "shared", together=units)), labels


def plainly(kernels: Tensor, labels: Tensor, alpha: float) -> tuple[int, ...]:
    """Judge one candidate after another, each from its own product."""
    target, order = same(labels), list[int]()

    def by_eigenvalues(product: Tensor) -> float:
        return of_eigenvalues(torch.linalg.eigvalsh(product / len(product)), alpha).item()

    while len(order) < len(kernels):
        found: dict[int, float] = {}
        for unit in (unit for unit in range(len(kernels)) if unit not in order):
            product = torch.ones_like(target)
            for chosen in (*order, unit):
                product = product * kernels[chosen]
            found[unit] = entropy(target, alpha).item() + by_eigenvalues(product) - by_eigenvalues(product * target)
        order.append(max(found, key=lambda unit: found[unit]))
    return tuple(order)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that some work took, and its answer."""
    started = time.perf_counter()
    answer = work()
    return time.perf_counter() - started, answer


def main() -> None:
    """Print a line per order of entropy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument(
        "--wide", type=int, default=512, help="units of the layer that only the package orders; 0: none"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    kernels, labels = layer(options.units, options.samples)
    rows = []
    for alpha in ALPHAS:
        fast, found = timed(lambda alpha=alpha: ordered(kernels, labels, alpha).order)
        slow, expected = timed(lambda alpha=alpha: plainly(kernels, labels, alpha))
        row = {"alpha": alpha, "units": options.units, "seconds": fast, "plain": slow, "same": found == expected}
        rows.append({**row, "ratio": slow / fast})
        if not options.json:
            agree = "the same order" if found == expected else "another order"
            print(f"alpha {alpha}: {fast:.3f} s, plain {slow:.1f} s, {slow / fast:.1f}x, {agree}", flush=True)
    if options.wide:
        wide, labels = layer(options.wide, options.samples)
        seconds, _ = timed(lambda: ordered(wide, labels, 2.0))
        rows.append({"alpha": 2.0, "units": options.wide, "seconds": seconds})
        if not options.json:
            print(f"alpha 2.0, {options.wide} units: {seconds:.2f} s; {torch.get_num_threads()} threads")
    if options.json:
        print(json.dumps({"threads": torch.get_num_threads(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()

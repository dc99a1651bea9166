"""CMI's own cuts of networks for CIFAR-10: `python -m benchmarks.cmi_on_cifar10 resnet20 --weights FILE`.

Or `… vgg16`, of a quarter of its width, which is trained first.  FILE has public ResNet20 weights that were trained
with ImageNet's statistics.  One setting is changed at a time, around α = 2 with shared widths, compact, both ways,
Scree; every cut is measured as it is, rebuilt, and retrained for 4 epochs.  Prints a line per variant; one seed.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.at_equal_cost import MEAN, STD
from benchmarks.shipped_cmi import row
from mipp_core import NetworkSpec, Store
from mipp_core.experiments import run
from mipp_core.experiments.uploads import keep_entry
from mipp_core.reports.cmi_questions import USUAL, answer, own_cut, trained
from mipp_core.training import RECIPES

NARROW = (16, 16, 32, 32, 64, 64, 64, 128, 128, 128, 128, 128, 128)
VARIANTS = {
    "compact, Scree": USUAL,
    "nothing, Scree": replace(USUAL, conditioning="per-layer"),
    "full, Scree": replace(USUAL, conditioning="full"),
    "compact, X-means": replace(USUAL, cut_off="x-means"),
    "compact, permutation": replace(USUAL, cut_off="permutation"),
    "compact, forward, Scree": replace(USUAL, direction="forward"),
}


def network_of(name: str, weights: Path | None, store: Store) -> NetworkSpec:
    """Return the network, with the given weights or to be trained."""
    if weights is None:
        return trained(name, "cifar10", NARROW if name == "vgg16" else None)
    found = NetworkSpec(name, "cifar10", recipe=RECIPES["none"], mean=MEAN, std=STD)
    return replace(found, weights=keep_entry(weights, found.architecture, store).name)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=["resnet20", "vgg16"])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, metavar="VARIANT", default=list(VARIANTS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        network = network_of(options.network, options.weights, store)
        print(f"| {options.network} | removed | kept | saturated | cut | rebuilt | retrained | seconds |")
        print(f"|{' --- |' * 8}", flush=True)
        for name in options.only:
            spec = own_cut(network, VARIANTS[name])
            result, _ = run(spec, store, device=options.device, data_dir=options.data_dir)
            found = answer([result.to_json()])
            assert found
            print(row(name, found), flush=True)


if __name__ == "__main__":
    main()

"""Make the runs that ship with the package.

    python -m benchmarks.shipped_runs OUT [--only NAME …] [--device cuda] [--paper]

Each is made by one command line of ``python -m mipp_core sweep``, printed before it runs.  A run that is already
complete in OUT is not made again.  Afterwards the runs are packed into ``mipp_core/shipped``.
"""

import argparse
import gzip
import json
import shutil
from pathlib import Path

from mipp_core.command_line import main as mipp
from mipp_core.reports.archive import SHIPPED, load_run

SWEEP = ["sweep", "--json"]
TRAINED = ["--controls", "random,magnitude", "--retrain-controls"]
UNTRAINED = ["--untrained", "--controls", "random", "--retrain-controls"]
CLOSED = ["--pruner", "mipp-closed-form"]
FEW = ["--measure", "1,5,9,12,15,17,19"]
USUAL = (
    *(f"trained-{seed}" for seed in range(3)),
    *(f"{name}-0" for name in ("untrained", "pixels", "closed-trained", "closed-untrained", "closed-pixels")),
    *(f"{name}-0" for name in ("fashion", "closed-fashion", "deformed-trained", "deformed-untrained")),
    *(f"{name}-0" for name in ("collapse-l2", "collapse-std", "resnet20", "closed-resnet20")),
)
"""What ships; each is made by default."""


def commands(paper: bool, seeds: int) -> dict[str, list[str]]:
    """Return each run's name and arguments: with the paper's 90 epochs, or a recipe that takes minutes."""
    dense = "paper-mnist" if paper else "short"
    again = "paper-mnist" if paper else "short-retrain"
    photographs = "resnet-cifar" if paper else "live-cifar"
    runs = {}
    for seed in range(seeds):
        lenet5 = [*SWEEP, "--model", "lenet5", "--recipe", dense, "--seed", str(seed)]
        digits = [*lenet5, "--dataset", "mnist"]
        trained, untrained = [*digits, "--retrain-recipe", again], [*digits, "--retrain-recipe", dense]
        deformed = ["--deformation", "1", *FEW]
        clothes = [*lenet5, "--dataset", "fashion-mnist", "--retrain-recipe", again, *FEW, *TRAINED]
        cifar = [*SWEEP, "--model", "resnet20", "--dataset", "cifar10", "--recipe", photographs, "--seed", str(seed)]
        cifar += ["--retrain-recipe", "live-cifar-retrain", *FEW]
        found = {
            "trained": [*trained, *TRAINED],
            "untrained": [*untrained, *UNTRAINED],
            "pixels": [*trained, "--pixels", *TRAINED],
            "closed-trained": [*trained, *CLOSED, *TRAINED],
            "closed-untrained": [*untrained, *CLOSED, *UNTRAINED],
            "closed-pixels": [*trained, *CLOSED, "--pixels"],
            "fashion": clothes,
            "closed-fashion": [*clothes, *CLOSED],
            "deformed-trained": [*trained, *deformed],
            "deformed-untrained": [*untrained, *deformed, "--untrained"],
            "collapse-l2": [*trained, "--set", "collapse=l2", *FEW],
            "collapse-std": [*trained, "--set", "collapse=std", *FEW],
            "resnet20": [*cifar, "--small"],
            "closed-resnet20": [*cifar, *CLOSED],
        }
        runs |= {f"{name}-{seed}": words for name, words in found.items()}
    return runs


def pack(folder: Path) -> None:
    """Copy a finished run into the package; its document is compressed the same way every time."""
    document = load_run(folder)
    target = SHIPPED / folder.name
    target.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, separators=(",", ":")).encode()
    (target / "run.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    shutil.copyfile(folder / "weights.safetensors", target / "weights.safetensors")


def whole(folder: Path) -> bool:
    """Tell whether a run is finished."""
    document = load_run(folder)
    return bool(document) and document["state"] == "done" and (folder / "weights.safetensors").exists()


def main() -> None:
    """Make what is missing, then pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--paper", action="store_true", help="the paper's 90-epoch recipe")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these, as trained-0; by default what ships")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pack-only", action="store_true", help="pack what is finished, make nothing")
    chosen = parser.parse_args()
    for name, words in commands(chosen.paper, chosen.seeds).items():
        if name not in (chosen.only or USUAL):
            continue
        folder = chosen.out / name
        if not whole(folder) and not chosen.pack_only:
            print("python -m mipp_core", *words, flush=True)
            mipp([*words, "--device", chosen.device, "--save-dir", str(folder)])
        if whole(folder):
            pack(folder)
            print(f"packed {name}")


if __name__ == "__main__":
    main()

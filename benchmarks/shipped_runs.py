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

FULL = ["sweep", "--model", "lenet5", "--dataset", "mnist", "--json"]
TRAINED = ["--controls", "random,magnitude", "--retrain-controls"]
UNTRAINED = ["--untrained", "--controls", "random", "--retrain-controls"]


def commands(paper: bool, seeds: int) -> dict[str, list[str]]:
    """Return each run's name and arguments: with the paper's 90 epochs, or a recipe that takes minutes."""
    dense = "paper-mnist" if paper else "short"
    again = "paper-mnist" if paper else "short-retrain"
    runs = {}
    for seed in range(seeds):
        common = [*FULL, "--recipe", dense, "--seed", str(seed)]
        runs[f"trained-{seed}"] = [*common, "--retrain-recipe", again, *TRAINED]
        runs[f"untrained-{seed}"] = [*common, "--retrain-recipe", dense, *UNTRAINED]
        runs[f"pixels-{seed}"] = [*common, "--retrain-recipe", again, "--pixels", *TRAINED]
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
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these runs, such as trained-0")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pack-only", action="store_true", help="pack what is finished, make nothing")
    chosen = parser.parse_args()
    for name, words in commands(chosen.paper, chosen.seeds).items():
        if chosen.only and name not in chosen.only:
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

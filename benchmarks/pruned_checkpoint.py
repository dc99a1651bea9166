"""From a checkpoint to checked ONNX files: `python -m benchmarks.pruned_checkpoint FILE --data-dir DIR [--store DIR]`.

Takes public CIFAR-10 weights of ResNet20, trained with ImageNet's statistics, and does with the command line what a
user would: one sweep per pruner at shares of the parameters within reach, cut, recalibrated and rebuilt without any
training, and one export per network, which is run in onnxruntime and compared.  Prints a table of test accuracies.
What the store already holds is not computed again.
"""

import argparse
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

from mipp_core.command_line import main

PRUNERS = ("magnitude", "synflow", "taylor", "mipp")
SHARES = (0.25, 0.5, 0.75)
IMAGENET = ("--mean", "0.485", "0.456", "0.406", "--std", "0.229", "0.224", "0.225")
HEADER = """\
| pruner | of what can go | parameters | MACs | cut | recalibrated | rebuilt | largest difference in ONNX |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def call(*arguments: str) -> Any:
    """Run a command, and return what it prints as JSON; end with it if it fails."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = main([*arguments, "--json"])
    if status:
        sys.exit(status)
    return json.loads(printed.getvalue())


def reach() -> float:
    """Return the share of the parameters that can be removed."""
    found: float = call("inspect", "resnet20", "--dataset", "cifar10")["reach"]["parameters"]
    return found


def rows(pruner: str, within: float, options: argparse.Namespace) -> None:
    """Sweep with one pruner, export, and print a row per share."""
    places = ("--data-dir", options.data_dir, "--store", options.store)
    network = ("--model", "resnet20", "--dataset", "cifar10", "--weights", options.file, "--recipe", "none", *IMAGENET)
    wanted = ",".join(f"{share * within:.6f}" for share in SHARES)
    asked = ("--pruner", pruner, "--share-of", "parameters", "--sparsities", wanted, "--retrain-recipe", "none")
    run = call("sweep", *network, *asked, *(("--small",) if pruner == "mipp" else ()), *places)
    for share, level in zip(SHARES, run["levels"], strict=True):
        point = (run["hash"], "--level", str(level["level"]), "--weights", "rebuilt", "--format", "onnx")
        folder = str(Path(options.store) / "exported" / f"{pruner}-{share}")
        written = call("export", *point, *places, "--save-dir", folder)
        left = [1 - level[name] / run[name] for name in ("parameters", "macs")]
        found = [level[f"accuracy_{measure}"] for measure in ("pruned", "recalibrated", "rebuilt")]
        cells = [pruner, f"{share:.0%}", *(f"−{each:.1%}" for each in left), *(f"{each:.2%}" for each in found)]
        print(f"| {' | '.join([*cells, difference(written)])} |", flush=True)


def difference(exported: Any) -> str:
    """Return by how much an exported file's answers differ, as a share of the largest one."""
    return f"{exported['written'][0]['difference']:.1e}"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--store", default="pruned-checkpoint")
    parser.add_argument("--pruners", default=",".join(PRUNERS))
    return parser.parse_args()


if __name__ == "__main__":
    chosen = arguments()
    share_within = reach()
    print(f"{share_within:.1%} of the parameters within reach\n\n{HEADER}", flush=True)
    for each in chosen.pruners.split(","):
        rows(each, share_within, chosen)

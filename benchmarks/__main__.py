"""Everything that is fast, beside the plain way and beside peers, in one run.

    python -m benchmarks [--device cuda] [--json OUT] [--only NAME ...] [--full] [--times 3]

Prints a table in Markdown, line by line; small sizes take minutes on two CPU cores.  Needs torch and torchvision;
torch-pruning's lines are left out where it is not installed.  docs/benchmarks.md has the figures and says what they
mean.
"""

import argparse
import json
import shlex
import sys
from importlib import import_module
from pathlib import Path

import torch

from benchmarks.side_by_side.rows import HEADING, How, Row, machine

NAMES = ("starts", "train", "scores", "surgery", "rebuild", "sweep", "order", "perceptrons")


def main() -> None:
    """Print the table, and write it where it was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME")
    parser.add_argument("--full", action="store_true", help="sizes as they are used")
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    how = How(torch.device(options.device), options.times, options.full)
    found = machine(how.device)
    print("; ".join(f"{name} {value}" for name, value in found.items()), flush=True)
    print(f"\n{HEADING}", flush=True)
    rows: list[Row] = []
    for name in options.only:
        for row in import_module(f"benchmarks.side_by_side.{MODULES[name]}").measure(how):
            print(row, flush=True)
            rows.append(row)
    if options.json:
        command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
        document = {"command": command, "machine": found, "times": how.times, "rows": [row.to_json() for row in rows]}
        options.json.write_text(json.dumps(document, indent=1) + "\n")


MODULES = {
    "starts": "starting",
    "train": "training",
    "scores": "scoring",
    "surgery": "cutting",
    "rebuild": "rebuilding",
    "sweep": "sweeping",
    "order": "ordering",
    "perceptrons": "perceptrons",
}
"""Benchmark -> the module of ``benchmarks.side_by_side`` that has it."""

if __name__ == "__main__":
    main()

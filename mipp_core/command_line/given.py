"""What given weights are worth, said before anything is done to them."""

import sys
from argparse import Namespace
from pathlib import Path

import torch

from mipp_core.command_line.progress import progress_line
from mipp_core.experiments.given import worth
from mipp_core.runs import RunSpec
from mipp_core.store import Store


def say_worth(chosen: Namespace, spec: RunSpec, device: torch.device) -> None:
    """Say on stderr which test accuracy the weights of ``--weights`` have; without weights nothing is said."""
    if not chosen.weights or spec.network.weights is None:
        return
    store, data_dir = Store.at(chosen.store), chosen.data_dir
    with progress_line() as report:
        found = worth(spec.network, store, run=spec.hash, data_dir=data_dir, device=device, report=report)
    print(f"{Path(chosen.weights).name}: {found}", file=sys.stderr)

"""The command ``plan``, and the same lines before a run."""

import sys
from argparse import Namespace
from typing import Any

import torch

from mipp_core.command_line.reading import cell_of, usable_device
from mipp_core.experiments.planning import as_json, offers_small, plan_run, small
from mipp_core.pruners import Decider
from mipp_core.runs import RunSpec

Answer = tuple[Any, list[str]]


def plan_command(chosen: Namespace) -> Answer:
    """Say what a run will take, with the settings given and, where there are smaller ones, with them."""
    spec, device = cell_of(chosen), usable_device(chosen.device)
    found = {"as asked": plan_run(spec, device)}
    if small(spec) != spec:
        found["with --small"] = plan_run(small(spec), device)
    return {name: as_json(each) for name, each in found.items()}, [f"{name}: {each}" for name, each in found.items()]


def announce(spec: RunSpec, device: torch.device) -> None:
    """Say on stderr what a run will take, if its pruner decides."""
    if not isinstance(spec.settings, Decider):
        return
    found = plan_run(spec, device)
    print(found, file=sys.stderr)
    if offers_small(spec, found, device):
        print(f"With --small: {plan_run(small(spec), device)}", file=sys.stderr)

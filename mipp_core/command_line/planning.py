"""The command ``plan``, and the same line before a run."""

import sys
from argparse import Namespace
from dataclasses import asdict
from typing import Any

import torch

from mipp_core.command_line.reading import grid_of, usable_device
from mipp_core.data import DATASETS
from mipp_core.experiments import RunSpec
from mipp_core.experiments.networks import initial_network
from mipp_core.information import LEVELS
from mipp_core.pruners import SMALL, Mipp, Plan, plan

Answer = tuple[Any, list[str]]

_LONG = 600
"""Seconds on a CPU from which on the small setting is offered."""


def plan_run(chosen: Namespace) -> Answer:
    """Say what MIPP will take, with the settings given and with the small ones."""
    (spec,), device = grid_of(chosen).cells(), usable_device(chosen.device)
    settings = spec.settings if isinstance(spec.settings, Mipp) else spec.follow or Mipp()
    found = {"settings": planned(spec, settings, device), "small": planned(spec, SMALL, device)}
    return {name: asdict(each) for name, each in found.items()}, [f"{name}: {each}" for name, each in found.items()]


def planned(spec: RunSpec, settings: Mipp, device: torch.device) -> Plan:
    """Return the plan of a run's pruning."""
    card = DATASETS[spec.network.dataset]
    model = initial_network(spec.network, device)
    return plan(settings, model, card.image_shape, card.train_size, len(spec.confidences or range(LEVELS)))


def announce(spec: RunSpec, device: torch.device) -> None:
    """Say on stderr what a run of MIPP will take."""
    if not isinstance(spec.settings, Mipp):
        return
    found = planned(spec, spec.settings, device)
    print(f"Plan: {found}", file=sys.stderr)
    if device.type == "cpu" and found.usual_seconds > _LONG:
        small = planned(spec, SMALL, device)
        if small.usual_seconds < found.usual_seconds / 2:
            print(f"With --small: {small}", file=sys.stderr)

"""From words on the command line to values."""

import json
import sys
from argparse import Namespace
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from mipp_core.command_line.images import dataset_of, datasets_of
from mipp_core.cutting.targets import Target
from mipp_core.data.normalisation import channel_numbers
from mipp_core.errors import SettingError
from mipp_core.experiments.uploads import keep_entry
from mipp_core.models import load_file
from mipp_core.own_files import names_a_file, shown
from mipp_core.pruners import SMALL, Decider, Pruner, load_pruner
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.runs.grid import Grid, usual_recipes
from mipp_core.store import Store
from mipp_core.training import recipe
from mipp_core.vocabulary import Counted

_FILES = {".pt", ".pth", ".th", ".tar", ".ckpt", ".bin", ".pkl", ".safetensors"}
"""How names of files of weights usually end; names of pretrained weights never do."""


def usable_device(name: str) -> torch.device:
    """Return a device that is there.

    Raises:
        SettingError: the name is unknown, or this machine has no such device.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as problem:
        raise SettingError(
            f"The device {name!r} cannot be used here; choose cpu, or an accelerator PyTorch sees."
        ) from (problem)
    return device


def network_of(chosen: Namespace) -> NetworkSpec:
    """Read one network's specification; weights in a file are checked and kept in the store."""
    dataset = dataset_of(chosen)
    fresh = NetworkSpec(
        model=_model(chosen.model),
        dataset=dataset,
        widths=widths_of(chosen.widths),
        deformation=chosen.deformation,
        recipe=recipe(chosen.recipe) if chosen.recipe else usual_recipes(dataset)[0],
        seed=_one(chosen.seed),
        mean=_channels("mean", chosen.mean),
        std=_channels("std", chosen.std),
    )
    return replace(fresh, weights=_weights(chosen, fresh))


def _model(text: str) -> str:
    """Return a family's name; the file that PATH.py:FUNCTION names is run."""
    return load_file(text) if names_a_file(text) else text


def _pruner(text: str) -> str:
    """Return a pruner's name; the file that PATH.py:CLASS names is run."""
    return load_pruner(text) if names_a_file(text) else text


def _weights(chosen: Namespace, fresh: NetworkSpec) -> str | None:
    """Return the name of the weights to start from; those in a file are checked and kept in the store."""
    if not Path(chosen.weights).is_file():
        if chosen.entry:
            raise SettingError("--entry chooses from a file of weights; give the file with --weights.")
        if Path(chosen.weights).suffix in _FILES:
            raise SettingError(
                f"There is no file {chosen.weights}; give a file of weights, or a name of pretrained ones."
            )
        return chosen.weights or None
    fresh.architecture.check_runs()
    kept = keep_entry(Path(chosen.weights), fresh.architecture, Store.at(chosen.store), chosen.entry)
    for note in kept.notes:
        print(f"{Path(chosen.weights).name}: {note}", file=sys.stderr)
    return kept.name


def _channels(name: str, parts: list[str] | None) -> tuple[float, ...] | None:
    return channel_numbers(name, " ".join(parts or []))


def _one(text: str) -> int:
    found = numbers(text)
    if len(found) != 1:
        raise SettingError(f"This command takes one seed, not {text!r}; sweep takes several.")
    return found[0]


def widths_of(text: str | None) -> tuple[int, ...] | None:
    """Read the widths that a flag gives, if it does.

    Raises:
        SettingError: they are not whole numbers.
    """
    try:
        return tuple(int(part) for part in text.split(",")) if text else None
    except ValueError as problem:
        raise SettingError(f"The widths {text!r} are not whole numbers; write them as 6,16,120,84.") from problem


def grid_of(chosen: Namespace) -> Grid:
    """Read a grid from flags, each of which may hold several values."""
    names = tuple(_pruner(text) for text in chosen.pruner.split(","))
    settings: dict[str, dict[str, Any]] = {"mipp": changed_settings(SMALL)} if chosen.small else {}
    for text in [*chosen.set, *(["pixels=true"] if chosen.pixels else [])]:
        name, value = _setting(text)
        owner, dot, own = name.partition(".")
        if not dot and len(names) > 1:
            raise SettingError(f"Say which pruner {text!r} is for, as {names[0]}.{text}.")
        settings.setdefault(owner if dot else names[0], {})[own if dot else name] = value
    models, sets = tuple(map(_model, chosen.model.split(","))), datasets_of(chosen)
    mean, std = _channels("mean", chosen.mean), _channels("std", chosen.std)
    fresh = NetworkSpec(models[0], sets[0], widths_of(chosen.widths), mean=mean, std=std)
    return Grid(
        model=models,
        dataset=sets,
        weights=_weights(chosen, fresh) or "",
        mean=mean or (),
        std=std or (),
        pruner=names,
        seed=numbers(chosen.seed),
        trained=(not chosen.untrained,),
        deformation=(chosen.deformation,),
        widths=widths_of(chosen.widths) or (),
        levels=numbers(getattr(chosen, "levels", "")),
        fine=getattr(chosen, "fine", False),
        sparsities=_shares(getattr(chosen, "sparsities", "")),
        share_of=getattr(chosen, "share_of", "units"),
        follow=getattr(chosen, "follow", False),
        scope=getattr(chosen, "scope", ""),
        floor=getattr(chosen, "floor", 0),
        measure=numbers(getattr(chosen, "measure", "")),
        recipe=chosen.recipe,
        retrain_recipe=chosen.retrain_recipe or "",
        controls=tuple(name for name in chosen.controls.split(",") if name),
        retrain_controls=chosen.retrain_controls,
        settings=settings,
    )


def cell_of(chosen: Namespace) -> RunSpec:
    """Read one run from flags.

    Raises:
        SettingError: a flag holds several values.
    """
    cells = grid_of(chosen).cells()
    if len(cells) != 1:
        raise SettingError(f"This command takes one run, not {len(cells)}; give one value per flag, or use sweep.")
    return cells[0]


def asked_of(chosen: Namespace, spec: RunSpec) -> RunSpec:
    """Return a run asked at the one amount that was given.

    Raises:
        SettingError: none or several were given, it is out of its range, or it does not go with the pruner.
    """
    shares: dict[Counted, float | None] = {
        "units": chosen.sparsity,
        "parameters": chosen.parameters,
        "macs": chosen.macs,
    }
    targets = [Target(share, of) for of, share in shares.items() if share is not None]
    decides, name = isinstance(spec.settings, Decider), shown(spec.pruner)
    if decides and (chosen.scope or chosen.floor):
        raise SettingError(f"{name} finds its own ratio for each layer; leave --scope and --floor out.")
    if not decides and chosen.confidence is not None:
        raise SettingError(f"{name} ranks units, without a confidence; leave the confidence out, and give {_SHARES}.")
    amounts = len(targets) + (chosen.confidence is not None)
    if not amounts and spec.own_point is not None:
        if chosen.scope or chosen.floor:
            raise SettingError(f"{name}'s own ratios have no scope or floor; leave them out, or give {_SHARES}.")
        return replace(spec, measured=(spec.own_point,))
    if amounts != 1:
        given = "this command has none" if not targets and chosen.confidence is None else "give only one"
        ways = f"--confidence 0.99, or {_SHARES}" if decides else _SHARES
        ways += ", or none of them for its own ratios" if spec.own_point is not None else ""
        raise SettingError(f"Say how much {name} is to prune, and {given}: {ways}.")
    if targets:
        return replace(spec, sparsities=(targets[0].share,), share_of=targets[0].of)
    if not 0.5 <= chosen.confidence < 1:
        raise SettingError(
            f"The confidence {chosen.confidence} is outside [0.5, 1); choose 0.5 (prune little) up to 0.999999."
        )
    return replace(spec, confidences=(chosen.confidence,))


_SHARES = "--sparsity 0.5, --parameters 0.5 or --macs 0.5"


def changed_settings(settings: Pruner) -> dict[str, Any]:
    """Return the settings that are not the usual ones."""
    usual = type(settings)()
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: value for name, value in values.items() if value != getattr(usual, name)}


def _shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part)
    except ValueError as problem:
        raise SettingError(f"The sparsities {text!r} are not numbers; write them as 0.5,0.9.") from problem


def numbers(text: str) -> tuple[int, ...]:
    """Read 3, 0,1,2 or 0-4.

    Raises:
        SettingError: it is none of these.
    """
    found: list[int] = []
    try:
        for part in filter(None, str(text).split(",")):
            first, dash, last = part.partition("-")
            found += range(int(first), int(last) + 1) if dash and first else [int(part)]
    except ValueError as problem:
        raise SettingError(f"{text!r} is not a list of whole numbers; write them as 3, 0,1,2 or 0-4.") from problem
    return tuple(found)


def _setting(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is JSON, or a bare word."""
    name, found, value = text.partition("=")
    if not found:
        raise SettingError(f"The setting {text!r} has no value; write it as NAME=VALUE, as in members=5.")
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    return name, tuple(read) if isinstance(read, list) else read

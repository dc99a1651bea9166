"""Commands that compute."""

import json
from argparse import Namespace
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from mipp_core.command_line.progress import progress_line
from mipp_core.errors import SettingError
from mipp_core.evaluation import macs, parameters
from mipp_core.experiments import NetworkSpec, RunResult, RunSpec, Store, collapsed_layers
from mipp_core.experiments.archive import save_run, save_slim, slim_description
from mipp_core.experiments.bench import Bench
from mipp_core.experiments.grid import Grid
from mipp_core.experiments.spec import digest
from mipp_core.experiments.store.files import write_json, write_tensors
from mipp_core.experiments.sweep import run
from mipp_core.experiments.uploads import keep_weights
from mipp_core.models import load_file
from mipp_core.pruners import SMALL, Pruner
from mipp_core.training import recipe

Answer = tuple[Any, list[str]]


def train(chosen: Namespace) -> Answer:
    """Train a dense network, or find it in the store."""
    spec, device = _network_spec(chosen), usable_device(chosen.device)
    with progress_line() as report:
        run_spec = RunSpec(network=spec)
        bench = Bench(run_spec, Store.at(chosen.store).stages(run_spec.hash), device, report, chosen.data_dir)
        model, trained = bench.model, bench.dense().value
    document = {
        "spec": network_json(spec),
        "hash": digest(spec),
        "accuracy": trained["accuracy"],
        "parameters": parameters(model),
        "macs": macs(model, spec.architecture.image_shape),
    }
    if chosen.save_dir:
        write_tensors(chosen.save_dir / "dense.safetensors", model.state_dict())
        write_json(chosen.save_dir / "dense.json", document)
    return document, [f"test accuracy {document['accuracy']:.4f}, {document['parameters']} parameters"]


def network_json(spec: NetworkSpec) -> dict[str, Any]:
    """Return a network's specification as plain JSON."""
    return RunSpec(network=spec).to_json()["network"]


def prune(chosen: Namespace) -> Answer:
    """Prune at one confidence."""
    (cell,) = grid_of(chosen).cells()
    return run_now(chosen, replace(cell, confidences=(_confidence(chosen.confidence),)))


def _confidence(value: float) -> float:
    if not 0.5 <= value < 1:
        raise SettingError(f"The confidence {value} is outside [0.5, 1); choose 0.5 (prune little) up to 0.999999.")
    return value


def run_now(chosen: Namespace, spec: RunSpec) -> Answer:
    """Do one run in this process, with a line of progress, and keep it in the store."""
    device, store = usable_device(chosen.device), Store.at(chosen.store)

    def publish(result: RunResult) -> None:
        if chosen.save_dir:
            write_json(chosen.save_dir / "run.json", result.to_json())

    with progress_line() as report:
        result, weights = run(spec, store, data_dir=chosen.data_dir, device=device, report=report, publish=publish)
    document = result.to_json()
    store.runs.record(spec, document)
    if chosen.save_dir:
        save_run(chosen.save_dir, result, weights)
        if chosen.command == "prune":
            save_slim(chosen.save_dir, slim_description(document, 0), weights[0])
    return document, _table(document)


def _table(document: dict[str, Any]) -> list[str]:
    """Return the curve as lines of text."""
    head = f"dense {document['dense_accuracy']:.4f}, {document['parameters']} parameters, {document['device']}"
    rows = [
        f"{'level':>5} {'x':>10} {'removed':>8} {'parameters':>10} {'pruned':>7} {'rebuilt':>8} {'retrained':>9}  kept"
    ]
    for level in document["levels"]:
        confidence = "" if level["confidence"] is None else f"{level['confidence']:.6f}"
        kept = "/".join(str(layer["kept"]) for layer in level["layers"])
        warning = f"  collapsed: {', '.join(collapsed_layers(level))}" if collapsed_layers(level) else ""
        rows.append(
            f"{level['level']:>5} {confidence:>10} {level['sparsity']:>8.1%} {level['parameters']:>10} "
            f"{level['accuracy_pruned']:>7.4f} {level['accuracy_rebuilt']:>8.4f} {level['accuracy_retrained']:>9.4f}"
            f"  {kept}{warning}"
        )
    return [head, *rows]


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


def _network_spec(chosen: Namespace) -> NetworkSpec:
    fresh = NetworkSpec(
        model=_model(chosen.model),
        dataset=chosen.dataset,
        widths=_widths(chosen.widths),
        deformation=chosen.deformation,
        recipe=recipe(chosen.recipe),
        seed=_one(chosen.seed),
    )
    return replace(fresh, weights=_weights(chosen, fresh))


def _model(text: str) -> str:
    """Return a family's name; the file that PATH.py:FUNCTION names is run."""
    return load_file(text) if text.rpartition(":")[0].endswith(".py") else text


def _weights(chosen: Namespace, fresh: NetworkSpec) -> str | None:
    """Return the name of the weights to start from; those in a file are checked and kept in the store."""
    if not Path(chosen.weights).is_file():
        return chosen.weights or None
    return keep_weights(Path(chosen.weights), fresh.architecture, Store.at(chosen.store))


def _one(text: str) -> int:
    found = numbers(text)
    if len(found) != 1:
        raise SettingError(f"This command takes one seed, not {text!r}; sweep takes several.")
    return found[0]


def _widths(text: str | None) -> tuple[int, ...] | None:
    try:
        return tuple(int(part) for part in text.split(",")) if text else None
    except ValueError as problem:
        raise SettingError(f"The widths {text!r} are not whole numbers; write them as 6,16,120,84.") from problem


def grid_of(chosen: Namespace) -> Grid:
    """Read a grid from flags, each of which may hold several values."""
    names = tuple(chosen.pruner.split(","))
    settings: dict[str, dict[str, Any]] = {"mipp": changed_settings(SMALL)} if chosen.small else {}
    for text in [*chosen.set, *(["pixels=true"] if chosen.pixels else [])]:
        name, value = _setting(text)
        owner, dot, own = name.partition(".")
        if not dot and len(names) > 1:
            raise SettingError(f"Say which pruner {text!r} is for, as {names[0]}.{text}.")
        settings.setdefault(owner if dot else names[0], {})[own if dot else name] = value
    models, sets = tuple(map(_model, chosen.model.split(","))), tuple(chosen.dataset.split(","))
    fresh = NetworkSpec(models[0], sets[0], _widths(chosen.widths))
    return Grid(
        model=models,
        dataset=sets,
        weights=_weights(chosen, fresh) or "",
        pruner=names,
        seed=numbers(chosen.seed),
        trained=(not chosen.untrained,),
        deformation=(chosen.deformation,),
        widths=_widths(chosen.widths) or (),
        levels=numbers(getattr(chosen, "levels", "")),
        sparsities=_shares(getattr(chosen, "sparsities", "")),
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

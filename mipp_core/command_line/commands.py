"""Commands that compute."""

import json
from argparse import Namespace
from dataclasses import replace
from typing import Any

import torch

from mipp_core.command_line.progress import progress_line
from mipp_core.errors import SettingError
from mipp_core.evaluation import accuracy, macs, parameters
from mipp_core.experiments import NetworkSpec, RunResult, RunSpec, Store, collapsed_layers
from mipp_core.experiments.archive import save_run, save_slim, slim_description
from mipp_core.experiments.networks import load_data, trained_network
from mipp_core.experiments.spec import digest
from mipp_core.experiments.store import write_json, write_tensors
from mipp_core.experiments.sweep import run
from mipp_core.pruners import pruner
from mipp_core.training import RECIPES, recipe

Answer = tuple[Any, list[str]]


def train(chosen: Namespace) -> Answer:
    """Train a dense network, or find it in the store."""
    spec, device = _network_spec(chosen), usable_device(chosen.device)
    with progress_line() as report:
        data = load_data(spec, chosen.data_dir, device, report)
        model = trained_network(spec, data, Store.at(chosen.store), report)
    document = {
        "spec": network_json(spec),
        "hash": digest(spec),
        "accuracy": accuracy(model, data.test),
        "parameters": parameters(model),
        "macs": macs(model, data.image_shape),
    }
    if chosen.save_dir:
        write_tensors(chosen.save_dir / "dense.safetensors", model.state_dict())
        write_json(chosen.save_dir / "dense.json", document)
    return document, [f"test accuracy {document['accuracy']:.4f}, {document['parameters']} parameters"]


def network_json(spec: NetworkSpec) -> dict[str, Any]:
    """Return a network's specification as plain JSON."""
    return RunSpec(network=spec).to_json()["network"]


def sweep(chosen: Namespace) -> Answer:
    """Prune at all levels."""
    return _run(chosen, _run_spec(chosen))


def prune(chosen: Namespace) -> Answer:
    """Prune at one confidence."""
    return _run(chosen, replace(_run_spec(chosen), confidences=(_confidence(chosen.confidence),)))


def _confidence(value: float) -> float:
    if not 0.5 <= value < 1:
        raise SettingError(f"The confidence {value} is outside [0.5, 1); choose 0.5 (prune little) up to 0.999999.")
    return value


def _run(chosen: Namespace, spec: RunSpec) -> Answer:
    device = usable_device(chosen.device)

    def publish(result: RunResult) -> None:
        if chosen.save_dir:
            write_json(chosen.save_dir / "run.json", result.to_json())

    with progress_line() as report:
        result, weights = run(
            spec, Store.at(chosen.store), data_dir=chosen.data_dir, device=device, report=report, publish=publish
        )
    document = result.to_json()
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
    return NetworkSpec(
        model=chosen.model,
        dataset=chosen.dataset,
        widths=_widths(chosen.widths),
        deformation=chosen.deformation,
        recipe=recipe(chosen.recipe),
        seed=chosen.seed,
    )


def _widths(text: str | None) -> tuple[int, ...] | None:
    try:
        return tuple(int(part) for part in text.split(",")) if text else None
    except ValueError as problem:
        raise SettingError(f"The widths {text!r} are not whole numbers; write them as 6,16,120,84.") from problem


def _run_spec(chosen: Namespace) -> RunSpec:
    network = _network_spec(chosen)
    settings = dict(_setting(text) for text in chosen.set)
    if chosen.pixels:
        settings["pixels"] = True
    if chosen.retrain_recipe:
        retraining = recipe(chosen.retrain_recipe)
    else:
        retraining = RECIPES["live-retrain"] if not chosen.untrained else network.recipe
    return RunSpec(
        network=network,
        trained=not chosen.untrained,
        pruner=chosen.pruner,
        settings=pruner(chosen.pruner, **settings),
        retraining=retraining,
        controls=tuple(name for name in chosen.controls.split(",") if name),
        retrain_controls=chosen.retrain_controls,
    )


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

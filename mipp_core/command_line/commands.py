"""Commands that compute."""

from argparse import Namespace
from typing import Any

from mipp_core.command_line.announcing import announce_collapse
from mipp_core.command_line.given import say_worth
from mipp_core.command_line.planning import announce
from mipp_core.command_line.progress import progress_line
from mipp_core.command_line.reading import asked_of, cell_of, network_of, usable_device
from mipp_core.evaluation import macs, parameters
from mipp_core.experiments.experiment import Experiment
from mipp_core.experiments.remaking import remade
from mipp_core.experiments.sweep import run
from mipp_core.reports.archive import save_run, save_slim, slim_description
from mipp_core.reports.tables import measures_of
from mipp_core.runs import NetworkSpec, RunResult, RunSpec, collapsed_layers, masks_of, passed_layers
from mipp_core.runs.document import LevelDocument, NetworkDocument, RunDocument
from mipp_core.runs.naming import digest
from mipp_core.runs.result import accuracy_of
from mipp_core.store import Store
from mipp_core.store.files import Tensors, write_json, write_tensors

Answer = tuple[Any, list[str]]


def train(chosen: Namespace) -> Answer:
    """Train a dense network, or find it in the store."""
    spec, device = network_of(chosen), usable_device(chosen.device)
    run_spec = RunSpec(network=spec)
    say_worth(chosen, run_spec, device)
    with progress_line() as report:
        experiment = Experiment(run_spec, Store.at(chosen.store).stages(run_spec.hash), device, report, chosen.data_dir)
        model, trained = experiment.model, experiment.dense().value
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


def network_json(spec: NetworkSpec) -> NetworkDocument:
    """Return a network's specification as plain JSON."""
    return RunSpec(network=spec).to_json()["network"]


def prune(chosen: Namespace) -> Answer:
    """Prune by one amount: a confidence, or a share of the units, parameters or MACs."""
    document, lines = run_now(chosen, asked_of(chosen, cell_of(chosen)))
    (level,) = document["levels"]
    fewer, quicker = 1 - level["parameters"] / document["parameters"], 1 - level["macs"] / document["macs"]
    gone = f"{level['sparsity']:.1%} of the units, {fewer:.1%} of the parameters, {quicker:.1%} of the MACs"
    return document, [*lines, f"removed: {gone}"]


def run_now(chosen: Namespace, spec: RunSpec) -> Answer:
    """Do one run in this process, with a line of progress, and keep it in the store."""
    device, store = usable_device(chosen.device), Store.at(chosen.store)

    def publish(result: RunResult) -> None:
        if chosen.save_dir:
            write_json(chosen.save_dir / "run.json", result.to_json())

    say_worth(chosen, spec, device)
    if store.runs.document(spec.hash) is None:
        announce(spec, device)
    with progress_line() as report:
        result, weights = run(spec, store, data_dir=chosen.data_dir, device=device, report=report, publish=publish)
    document = result.to_json()
    store.runs.record(spec, document)
    if chosen.save_dir:
        save_run(chosen.save_dir, result, weights)
        if chosen.command == "prune":
            state = weights[0] if chosen.weights_saved == "retrained" else _remade(chosen, spec, document)
            save_slim(chosen.save_dir, slim_description(document, 0, chosen.weights_saved), state)
    announce_collapse(spec, document)
    return document, _table(document)


def _remade(chosen: Namespace, spec: RunSpec, document: RunDocument) -> Tensors:
    """Return the slim network's weights that were asked for in place of the retrained ones."""
    masks, store = masks_of(document["levels"][0]), Store.at(chosen.store)
    return remade(
        spec, masks, chosen.weights_saved, store, data_dir=chosen.data_dir, device=usable_device(chosen.device)
    )


def _table(document: RunDocument) -> list[str]:
    """Return the curve as lines of text, a column for every accuracy that was measured."""
    measures = measures_of(document)
    heads = "".join(f" {name:>12}" for name in measures)
    own = RunSpec.from_json(document["spec"]).own_point
    rows = [f"{'level':>5} {'x':>10} {'removed':>8} {'parameters':>10}{heads}  kept"]
    for level in document["levels"]:
        confidence = "" if level["confidence"] is None else f"{level['confidence']:.6f}"
        point = "own" if level["level"] == own else level["level"]
        accuracies = "".join(f" {_share(accuracy_of(level, name)):>12}" for name in measures)
        rows.append(
            f"{point:>5} {confidence:>10} {level['sparsity']:>8.1%} {level['parameters']:>10}{accuracies}"
            f"  {'/'.join(str(layer['kept']) for layer in level['layers'])}{_warning(level)}"
        )
    head = f"dense {document['dense_accuracy']:.4f}, {document['parameters']} parameters, {document['device']}"
    return [head, *rows]


def _share(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.4f}"


def _warning(level: LevelDocument) -> str:
    words = {"collapsed": collapsed_layers(level), "passed by": passed_layers(level)}
    return "".join(f"  {word}: {', '.join(names)}" for word, names in words.items() if names)

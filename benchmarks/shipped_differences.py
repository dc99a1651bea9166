"""Measure, for the runs that ship, how far each cut network is from its definition.

    python -m benchmarks.shipped_differences STORE

STORE is the store in which the runs were made; it still has their dense networks.  Cuts these again by the kept units
of every level and writes the difference from the masked network into the shipped documents.  New runs measure it
themselves.
"""

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import torch

from mipp_core.cutting.surgery import cut_difference
from mipp_core.experiments.experiment import Experiment
from mipp_core.experiments.remaking import can_be_remade
from mipp_core.reports.archive import load_run, shipped_runs
from mipp_core.runs import RunSpec, masks_of
from mipp_core.store import Store
from mipp_core.vocabulary import silent


def differences(document: dict[str, Any], store: Store) -> list[float]:
    """Cut a run's network at every level and compare."""
    spec = RunSpec.from_json(document["spec"])
    if not can_be_remade(spec, store):
        raise SystemExit(f"{store.root} has no dense network of {document['hash']}; give the store it was made in.")
    experiment = Experiment(spec, store.stages(spec.hash), torch.device("cpu"), silent)
    images = experiment.data.test.take(torch.arange(64)).in_memory().images
    found = []
    for level in document["levels"]:
        masks = masks_of(level)
        found.append(cut_difference(experiment.model, experiment.cut(masks), masks, images))
    return found


def main() -> None:
    """Fill in every shipped run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    store = Store(parser.parse_args().store)
    for folder in shipped_runs():
        document = load_run(folder)
        found = differences(document, store)
        for level, difference in zip(document["levels"], found, strict=True):
            level["cut_difference"] = difference
        text = json.dumps(document, separators=(",", ":")).encode()
        (folder / "run.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))
        print(f"{folder.name}: at most {max(found):.1e} at {len(found)} levels")


if __name__ == "__main__":
    main()

"""Ship the dense networks of the shipped runs, and for those that are looked at most the rebuilt ones.

    python -m benchmarks.shipped_networks STORE --data-dir DIR

STORE is where ``benchmarks.shipped_runs`` made the runs; dense networks that are not in it stay out.  Every network is
measured again on the test images, and must reach exactly what its run says.
"""

import argparse
from pathlib import Path

import torch

from mipp_core.checkpoints.fitting import load
from mipp_core.cutting.surgery import shrink
from mipp_core.errors import DataError
from mipp_core.evaluation import accuracy
from mipp_core.experiments.networks import initial_network, load_data
from mipp_core.experiments.remaking import remade
from mipp_core.experiments.subject import Subject
from mipp_core.reports.archive import load_run, shipped_runs
from mipp_core.reports.networks import save_dense, save_rebuilt
from mipp_core.runs import NetworkSpec, RunSpec, masks_of
from mipp_core.runs.document import RunDocument
from mipp_core.runs.result import device_name
from mipp_core.store import Store
from mipp_core.store.files import Tensors
from mipp_core.store.weights import SlimWeights
from mipp_core.vocabulary import silent

CPU = torch.device("cpu")

REBUILT = ("trained-0", "closed-trained-0", "fashion-0", "closed-fashion-0")
"""Runs whose rebuilt networks ship, too."""


class Judge:
    """Compares networks with the accuracies that a run says they have."""

    def __init__(self, network: NetworkSpec, data_dir: Path) -> None:
        self._test = load_data(network, data_dir).test
        self._dense = initial_network(network)

    def dense(self, weights: Tensors, said: float | None) -> None:
        """Compare the dense network."""
        load(self._dense, weights)
        self._require(accuracy(self._dense, self._test), said)

    def slim(self, weights: Tensors, document: RunDocument, level: int) -> None:
        """Compare a level's rebuilt network; the dense one is measured before."""
        entry = document["levels"][level]
        masks = masks_of(entry)
        slim = shrink(self._dense, masks)
        load(slim, weights)
        self._require(accuracy(slim, self._test, view=masks.blank_pixels), entry["accuracy_rebuilt"])

    @staticmethod
    def _require(found: float, said: float | None) -> None:
        if found != said:
            raise DataError(f"A network reaches {found} and its run says {said}; make the run again.")


def rebuilt(document: RunDocument, store: Store, judged: Judge, data_dir: Path) -> SlimWeights:
    """Return a run's rebuilt networks, each measured."""
    spec, made = RunSpec.from_json(document["spec"]), {}
    for place, entry in enumerate(document["levels"]):
        made[entry["level"]] = remade(spec, masks_of(entry), "rebuilt", store, data_dir=data_dir)
        judged.slim(made[entry["level"]], document, place)
    return made


def main() -> None:
    """Collect, measure and pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    store, dense = Store(options.store), dict[NetworkSpec, Tensors]()
    for folder in shipped_runs():
        document = load_run(folder)
        assert document
        spec = RunSpec.from_json(document["spec"])
        stages = store.stages(spec.hash, device_name(CPU))
        if not stages.knows("train", {"network": spec.network}):
            continue
        if spec.network not in dense:
            dense[spec.network] = Subject(spec, stages, CPU, silent, options.data_dir).dense().tensors or {}
        judged = Judge(spec.network, options.data_dir)
        judged.dense(dense[spec.network], document["dense_accuracy"])
        if folder.name in REBUILT:
            save_rebuilt(folder, rebuilt(document, store, judged, options.data_dir))
        print(folder.name, flush=True)
    save_dense(dense)


if __name__ == "__main__":
    main()

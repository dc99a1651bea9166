"""Make what ships for the page Information: every estimator's readings, and a trained LeNet5.

    python -m benchmarks.shipped_information [--only PAIR …] [--network]

Without options, asks all estimators about all pairs of variables, which takes one core about seven minutes, and trains
the network, which takes seconds.  ``--only`` asks about some pairs, ``--network`` only trains.  What is packed already
stays.  Numbers have six digits.
"""

import argparse
from time import perf_counter
from typing import Any

import torch

from benchmarks.shipped_limits import pack, packed, said, short
from mipp_core.evaluation import accuracy
from mipp_core.experiments.networks import initial_network, load_data
from mipp_core.playground.grid import measure
from mipp_core.playground.known import DISTRIBUTIONS
from mipp_core.reports.information import DENSE, PACKED, WEIGHTS
from mipp_core.runs.result import device_name, versions
from mipp_core.store.files import write_tensors
from mipp_core.training import one_thread, train


def stamped(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with where it was made."""
    with one_thread():
        return {**document, "device": device_name(torch.device("cpu")), "versions": versions()}


def trained() -> dict[str, Any]:
    """Train the network, keep its weights in half precision, and say how right these are."""
    start, data = perf_counter(), load_data(DENSE)
    network = initial_network(DENSE)
    train(network, data.train, DENSE.recipe, seed=DENSE.seed)
    halves = {name: tensor.half() for name, tensor in network.state_dict().items()}
    write_tensors(WEIGHTS, halves)
    network.load_state_dict({name: half.float() for name, half in halves.items()})
    return stamped({"accuracy": accuracy(network, data.test), "seconds": perf_counter() - start})


def main() -> None:
    """Measure, train and pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=DISTRIBUTIONS, metavar="PAIR", default=[])
    parser.add_argument("--network", action="store_true")
    chosen = parser.parse_args()
    if chosen.network or not chosen.only:
        pack({"dense": short(trained())}, PACKED)
        print(f"trained: {packed(PACKED)['dense']['accuracy']:.2%} right")
    for name in chosen.only or ([] if chosen.network else DISTRIBUTIONS):
        document = short(stamped(measure(name, report=said())))
        pack({"pairs": {**packed(PACKED).get("pairs", {}), name: document}}, PACKED)
        print(f"{name}: {document['seconds']:.0f} s; {PACKED.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main()

"""Make what the page Pixels ships with: MIPP's pixels beside other rankings, on all of MNIST.

    python -m benchmarks.shipped_pixels STORE --data-dir DIR [--only studies repetitions trained] [--pack-only]

Studies take a minute each; repetitions, three seeds on plain and on deformed digits, a minute each, of which most is
training the dense network; networks trained on only the chosen pixels, seven to ten seconds each on one core.  What is
finished stays in STORE, so that a run that was stopped goes on where it was.
"""

import argparse
import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path

import torch

from benchmarks.shipped_limits import short
from mipp_core.experiments import run
from mipp_core.experiments.networks import initial_network, load_data
from mipp_core.experiments.remaking import dense_weights
from mipp_core.pixels.choosing import Keep
from mipp_core.pixels.study import FULL, blanked, choices, parts, to_train, trained_on
from mipp_core.pruners import ClosedForm
from mipp_core.recipes import RECIPES, Recipe
from mipp_core.reports import pixels
from mipp_core.reports.archive import SHIPPED, command_of, load_run
from mipp_core.reports.networks import shipped_dense
from mipp_core.reports.pixels import Measured, PixelStudy, Repetition
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store
from mipp_core.store.files import read_json, write_bytes, write_json

SEEDS = (0, 1, 2)
DEFORMATIONS = (0.0, 1.0)
SMALL = Recipe(epochs=2, learning_rate=5e-2, milestones=(1,))
"""How networks are trained on the chosen pixels: 98.6% with all of them."""

TRAINED_AT = {pixels.CLOSED_FORM: (14, 19), pixels.DEFORMED: (14, 19), pixels.REGRESSORS: (0,)}
"""Levels at whose numbers of pixels networks are trained; from level 1 on the run by regressors has 29 or fewer."""

SHIPPED_RUNS = {pixels.REGRESSORS: "pixels-0", pixels.CLOSED_FORM: "closed-pixels-0"}


def closed_form(deformation: float, seed: int) -> RunSpec:
    """Return the run that is repeated: nothing is retrained, since only the pixels are asked for."""
    network = NetworkSpec("lenet5", "mnist", deformation=deformation, recipe=RECIPES["short"], seed=seed)
    settings = ClosedForm(pixels=True)
    return RunSpec(network, True, "mipp-closed-form", settings, retraining=RECIPES["none"], controls=())


def study(name: str, store: Store, data_dir: Path | None) -> PixelStudy:
    """Make one study, without the networks that are trained."""
    if name in SHIPPED_RUNS:
        document = load_run(SHIPPED / SHIPPED_RUNS[name])
        assert document
        spec = RunSpec.from_json(document["spec"])
        weights = shipped_dense(spec.network) or {}
    else:
        spec = closed_form(1.0, 0)
        document = run(spec, store, data_dir=data_dir)[0].to_json()
        weights = dense_weights(spec, store) or {}
    model, test = pixels.dense_network(spec, weights), load_data(spec.network, data_dir).test
    found = pixels.studied(document, model, test, FULL)
    return {**found, "blanked": pixels.blanked_in(found, model, test, FULL)}


def repetition(deformation: float, seed: int, store: Store, data_dir: Path | None) -> Repetition:
    """Make one of the runs that plain and deformed digits are compared by."""
    spec = closed_form(deformation, seed)
    document = run(spec, store, data_dir=data_dir)[0].to_json()
    model = pixels.dense_network(spec, dense_weights(spec, store) or {})
    masks, test = pixels.masks_by_level(document), load_data(spec.network, data_dir).test
    return {
        "run": spec.hash,
        "command": command_of(spec),
        "deformation": deformation,
        "seed": seed,
        "dense": document["dense_accuracy"] or 0.0,
        "levels": [level["level"] for level in document["levels"]],
        "kept": [pixels.written(keep) for keep in masks],
        "blanked": blanked(model, test, {"MIPP": [masks]})["MIPP"][0],
    }


def cells(name: str, found: PixelStudy) -> Iterator[tuple[str, int, Keep | None, int]]:
    """Yield what is trained: whose pixels, at which place, which, and the seed; all pixels once per seed."""
    chosen = choices([pixels.read(text) for text in found["kept"]], found["orders"], FULL.draws)
    places = [found["levels"].index(level) for level in TRAINED_AT[name]]
    for seed in SEEDS:
        yield "all", 0, None, seed
        for who, place, keep in to_train(chosen, places, seed):
            yield who, place, keep, seed


def train_missing(name: str, found: PixelStudy, kept: Path, data_dir: Path | None) -> None:
    """Train what is not there yet; every network's accuracy is written as soon as it is known."""
    known, network = read_json(kept) or {}, NetworkSpec("lenet5", "mnist", deformation=found["deformation"])
    data = load_data(network, data_dir)
    _, judged = parts(data.test, FULL)
    for who, place, keep, seed in cells(name, found):
        cell = f"{who}/{place}/{seed}"
        if cell not in known:
            model = initial_network(NetworkSpec("lenet5", "mnist", seed=seed))
            shown = torch.ones(len(found["kept"][0]), dtype=torch.bool) if keep is None else keep
            known[cell] = trained_on(model, data.train, judged, shown, SMALL, seed)
            write_json(kept, known)
            print(f"{name}: {cell} {known[cell]:.4f}", flush=True)


def trained(name: str, found: PixelStudy, kept: Path) -> Measured | None:
    """Return the accuracies of networks that were trained; None where some are missing."""
    known = read_json(kept) or {}
    if any(f"{who}/{place}/{seed}" not in known for who, place, _, seed in cells(name, found)):
        return None
    places = [found["levels"].index(level) for level in TRAINED_AT[name]]
    rows = {
        who: [[known[f"{who}/{place}/{seed}"] for place in places] for seed in SEEDS]
        for who in found["blanked"]["rows"]
    }
    whole = [known[f"all/0/{seed}"] for seed in SEEDS]
    return {"places": places, "rows": rows, "whole": whole, "images": found["blanked"]["images"]}


def pack(folder: Path) -> None:
    """Pack what is finished."""
    studies = {}
    for name in TRAINED_AT:
        found = read_json(folder / f"{name}.json")
        if found:
            again = trained(name, found, folder / f"{name}, trained.json")
            studies[name] = {**found, "trained": {**again, "recipe": asdict(SMALL)}} if again else found
    repetitions = [read_json(folder / f"{strength:g}-{seed}.json") for strength, seed in product(DEFORMATIONS, SEEDS)]
    content = {"studies": studies, "repetitions": [each for each in repetitions if each]}
    text = json.dumps(short(content), separators=(",", ":"), allow_nan=False)
    write_bytes(pixels.PACKED, gzip.compress(text.encode(), 9, mtime=0))
    print(f"packed {', '.join(studies)}; {pixels.PACKED.stat().st_size:,} bytes")


def main() -> None:
    """Make what is missing, and pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("MIPP_DATA"))
    parser.add_argument("--only", nargs="+", choices=("studies", "repetitions", "trained"), metavar="PART")
    parser.add_argument("--pack-only", action="store_true", help="pack what is finished, make nothing")
    chosen = parser.parse_args()
    folder, wanted = chosen.store / "pixels", chosen.only or ("studies", "repetitions", "trained")
    for part in () if chosen.pack_only else wanted:
        make(part, folder, Store(chosen.store), chosen.data_dir)
    pack(folder)


def make(part: str, folder: Path, store: Store, data_dir: Path | None) -> None:
    """Make what is missing of one part."""
    if part == "repetitions":
        for strength, seed in product(DEFORMATIONS, SEEDS):
            path = folder / f"{strength:g}-{seed}.json"
            if not path.exists():
                write_json(path, repetition(strength, seed, store, data_dir))
        return
    for name in TRAINED_AT:
        if not (folder / f"{name}.json").exists():
            write_json(folder / f"{name}.json", study(name, store, data_dir))
        if part == "trained":
            train_missing(name, read_json(folder / f"{name}.json"), folder / f"{name}, trained.json", data_dir)


if __name__ == "__main__":
    main()

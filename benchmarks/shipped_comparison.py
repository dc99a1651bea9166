"""Make the comparison that ships with the package.

    python -m benchmarks.shipped_comparison STORE [--untrained] [--paper] [--seeds 3] [--devices cpu] [--only ENTRY …]
        [--pack-only]

Runs every entry on LeNet5 and full MNIST at the ratios that MIPP finds, with the queue and its workers: what STORE
already holds is not run again, and a killed run continues from its last stage.  MIPP's own decisions are taken from
the runs that ship with the package, if they are there (``benchmarks.shipped_runs``).  Afterwards the documents are
packed into ``mipp_core/shipped``, without weights.
"""

import argparse
import gzip
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mipp_core import NetworkSpec, RunSpec, Store, jobs
from mipp_core.jobs.executors import run_here
from mipp_core.reports.archive import SHIPPED, load_run
from mipp_core.reports.comparison import ENTRIES, leader, member, name_of, usual
from mipp_core.runs import masks_of
from mipp_core.store import Job, Outcome
from mipp_core.training import RECIPES


def base(seed: int, trained: bool, paper: bool) -> RunSpec:
    """Return MIPP's run, with all controls."""
    dense = RECIPES["paper-mnist" if paper else "short"]
    again = RECIPES["paper-mnist" if paper else "short-retrain"]
    return leader(NetworkSpec("lenet5", "mnist", recipe=dense, seed=seed), trained, again)


def cells(trained: bool, paper: bool, seeds: int) -> list[RunSpec]:
    """Return all runs, the entries of one seed together."""
    names = usual(trained)
    return [member(base(seed, trained, paper), name) for seed in range(seeds) for name in names]


def shipped(spec: RunSpec) -> dict[str, Any] | None:
    """Return the shipped run that already holds MIPP's decisions; None if there is none."""
    name = f"{'trained' if spec.trained else 'untrained'}-{spec.network.seed}"
    document = load_run(SHIPPED / name) if (SHIPPED / name).exists() else None
    same = document is not None and RunSpec.from_json(document["spec"]).network == spec.network
    return document if same else None


def plant(store: Store, spec: RunSpec) -> None:
    """Write a shipped run's decisions into the store, where MIPP's own stage would write them."""
    document = shipped(spec)
    if document is None:
        return
    rows = [{"masks": masks_of(level).to_json(), "confidence": level["confidence"]} for level in document["levels"]]
    asked = {"pruner": "mipp", "settings": spec.settings, "confidences": None}
    stages = store.stages(spec.hash, document["device"])
    key = {"network": spec.network, "trained": spec.trained, **asked}
    stages.remember("prune", key, lambda: Outcome({"points": rows, "decisions": document["decisions"]}))


def pack(store: Store, specs: list[RunSpec], name: str) -> int:
    """Write the documents of the finished runs into the package; return how many there are.

    What the store does not have stays as it was packed before.
    """
    path = SHIPPED / f"{name}.json.gz"
    packed = json.loads(gzip.decompress(path.read_bytes())) if path.exists() else []
    before = {document["hash"]: document for document in packed}
    found = [(spec, store.runs.document(spec.hash)) for spec in specs]
    whole = [
        _bare(spec, document) if document and document["state"] == "done" else before.get(spec.hash)
        for spec, document in found
    ]
    kept = [document for document in whole if document]
    text = json.dumps(kept, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, 9, mtime=0))
    return len(kept)


def _bare(spec: RunSpec, document: dict[str, Any]) -> dict[str, Any]:
    """Leave out the decisions, which the shipped runs hold; if they come from one, give the time they took there."""
    before = shipped(spec) if spec.pruner == "mipp" else None
    taken = {"prune": before["seconds"]["prune"]} if before else {}
    return {**document, "decisions": {}, "seconds": document["seconds"] | taken}


def watch(seen: set[str]) -> Callable[[list[Job]], None]:
    """Print every run as it ends."""

    def look(found: list[Job]) -> None:
        for job in found:
            if job.state not in ("queued", "running") and job.hash not in seen:
                seen.add(job.hash)
                spec = RunSpec.from_json(job.spec)
                name = name_of(spec) or spec.pruner
                print(f"{len(seen)}/{len(found)} {name} seed {spec.network.seed}: {job.state} {job.message}")
                sys.stdout.flush()

    return look


def main() -> None:
    """Run what is missing, then pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--untrained", action="store_true", help="networks at initialisation")
    parser.add_argument("--paper", action="store_true", help="the paper's 90-epoch recipe")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--devices", default=",".join(jobs.devices()), help="one worker each")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("MIPP_DATA"))
    parser.add_argument("--only", nargs="+", choices=ENTRIES, metavar="ENTRY", help="run only these; pack all")
    parser.add_argument("--pack-only", action="store_true", help="pack what is finished, run nothing")
    chosen = parser.parse_args()
    store = Store(chosen.store)
    specs = cells(not chosen.untrained, chosen.paper, chosen.seeds)
    if not chosen.pack_only:
        for seed in range(chosen.seeds):
            plant(store, base(seed, not chosen.untrained, chosen.paper))
        wanted = [spec for spec in specs if not chosen.only or name_of(spec) in chosen.only]
        run_here(wanted, store, tuple(chosen.devices.split(",")), watch(set()), chosen.data_dir)
    name = f"comparison-{'untrained' if chosen.untrained else 'trained'}"
    print(f"packed {pack(store, specs, name)} of {len(specs)} runs as {name}")


if __name__ == "__main__":
    main()

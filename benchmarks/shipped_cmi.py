"""Make the answers to CMI's open questions that ship with the package, and print them as tables.

    python -m benchmarks.shipped_cmi STORE [--only QUESTION …] [--devices cpu] [--pack-only]

Runs every variant of ``mipp_core.reports.cmi_questions`` with three seeds, with the queue and its workers; what STORE
already holds is not run again.  Afterwards the documents are packed into ``mipp_core/shipped``, without weights, their
curves to six digits, and with pictures of the units for the first seed only.
"""

import argparse
import gzip
import json
import os
from pathlib import Path
from typing import Any

from benchmarks.shipped_comparison import watch
from mipp_core import RunSpec, Store, jobs
from mipp_core.jobs.executors import run_here
from mipp_core.reports.archive import SHIPPED
from mipp_core.reports.cmi_questions import QUESTIONS, Answer, answer
from mipp_core.runs.document import RunDocument


def document_of(store: Store, spec: RunSpec) -> RunDocument | None:
    """Return a finished run, as it ships."""
    found = store.runs.document(spec.hash)
    if found is None or found["state"] != "done":
        return None
    orders = _short(found["orders"] if spec.network.seed == 0 else {**found["orders"], "pictures": None})
    return {**found, "orders": orders}


def _short(value: Any) -> Any:
    """Return numbers to six digits, which halves what ships."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return [_short(each) for each in value] if isinstance(value, list) else value


def row(name: str, found: Answer) -> str:
    """Return one line of a table."""
    shares = (
        f"{mean:.1%} ± {100 * off:.1f}" for mean, off in (found.removed, found.cut, found.rebuilt, found.retrained)
    )
    removed, *reached = shares
    kept = "/".join(map(str, found.kept))
    return " | ".join(["", name, removed, kept, str(found.saturated), *reached, f"{found.seconds:.0f}", ""]).strip()


def main() -> None:
    """Run what is missing, pack, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, metavar="QUESTION", default=list(QUESTIONS))
    parser.add_argument("--devices", default=",".join(jobs.devices()), help="one worker each")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("MIPP_DATA"))
    parser.add_argument("--pack-only", action="store_true", help="pack what is finished, run nothing")
    chosen = parser.parse_args()
    store = Store(chosen.store)
    asked = {name: QUESTIONS[name].seeded() for name in chosen.only}
    specs = {spec.hash: spec for variants in asked.values() for some in variants.values() for spec in some}
    if not chosen.pack_only:
        run_here([*specs.values()], store, tuple(chosen.devices.split(",")), watch(set()), chosen.data_dir)
    every = {s.hash: s for question in QUESTIONS.values() for some in question.seeded().values() for s in some}
    found = {name: document for name, spec in every.items() if (document := document_of(store, spec))}
    text = json.dumps([*found.values()], separators=(",", ":")).encode()
    (SHIPPED / "cmi.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"packed {len(found)} of {len(every)} runs, {(SHIPPED / 'cmi.json.gz').stat().st_size / 1e3:.0f} kB")
    for name, variants in asked.items():
        print(
            f"\n{QUESTIONS[name].asks}\n\n| {name} | removed | kept | saturated | cut | rebuilt | retrained | seconds |"
        )
        print(f"|{' --- |' * 8}")
        for variant, some in variants.items():
            given = answer([found[spec.hash] for spec in some if spec.hash in found])
            if given:
                print(row(variant, given))


if __name__ == "__main__":
    main()

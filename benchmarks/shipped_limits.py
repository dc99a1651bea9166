"""Make the experiments of No Free Prune that ship with the package.

    python -m benchmarks.shipped_limits STORE [--only NAME …] [--data-dir DIR]

Runs every study with its full setting, which takes one core about an hour together.  The documents are kept in STORE,
one file per study, and packed into ``mipp_core/shipped`` as {name: document}, numbers to six digits; documents of other
names that are packed already stay.
"""

import argparse
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mipp_core.limits.studies import STUDIES
from mipp_core.reports.limits import PACKED
from mipp_core.store.files import write_bytes, write_json
from mipp_core.vocabulary import Progress


def short(value: Any) -> Any:
    """Return numbers to six digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: short(each) for name, each in value.items()}
    return [short(each) for each in value] if isinstance(value, list | tuple) else value


def packed(path: Path = PACKED) -> dict[str, Any]:
    """Return the documents that are packed already."""
    return json.loads(gzip.decompress(path.read_bytes())) if path.exists() else {}


def pack(documents: dict[str, Any], path: Path = PACKED) -> None:
    """Pack documents, and those of other names that are there already."""
    text = json.dumps(short({**packed(path), **documents}), separators=(",", ":"), allow_nan=False, sort_keys=True)
    write_bytes(path, gzip.compress(text.encode(), 9, mtime=0))


def said() -> Callable[[Progress], None]:
    """Return a report that prints every new stage."""
    stages = set[str]()

    def report(progress: Progress) -> None:
        if progress.stage not in stages:
            stages.add(progress.stage)
            print(f"{progress.done:4.0%} {progress.stage}", flush=True)

    return report


def main() -> None:
    """Run, keep and pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--only", nargs="+", choices=STUDIES, metavar="NAME", default=list(STUDIES))
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("MIPP_DATA"))
    chosen = parser.parse_args()
    for name in chosen.only:
        document = short(STUDIES[name].measure(True, said(), chosen.data_dir))
        write_json(chosen.store / f"{name}.json", document)
        pack({name: document})
        print(f"{name}: {document['seconds']:.0f} s; packed {', '.join(packed())}, {PACKED.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

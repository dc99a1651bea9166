"""Progress on stderr: one line that rewrites itself on a terminal, one line per stage elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mipp_core.vocabulary import Progress, Report


@contextmanager
def progress_line() -> Iterator[Report]:
    """Yield a receiver of progress; leave the terminal on a fresh line."""
    stages: list[str] = []
    live = sys.stderr.isatty()

    def report(progress: Progress) -> None:
        if live:
            sys.stderr.write(f"\r\x1b[K{progress.stage} {progress.done:.0%}")
            sys.stderr.flush()
        elif not stages or stages[-1] != progress.stage:
            print(progress.stage, file=sys.stderr)
        stages[:] = [progress.stage]

    try:
        yield report
    finally:
        if live and stages:
            sys.stderr.write("\r\x1b[K")

"""What does the runs of a sweep: this machine's workers, or a Ray cluster (``on_ray``, which needs the package ray)."""

from mipp_core.jobs.executors.local import run_here

__all__ = ["run_here"]

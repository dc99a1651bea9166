"""How a run is doing, in words."""

from mipp_core.store import Job

_MINUTES = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45, 60, 75, 90)


def goes_on(job: Job | None) -> bool:
    """Tell whether a run waits or is computed."""
    return job is not None and job.state in ("queued", "running")


def words(job: Job) -> str:
    """Say how a run that waits or goes on is doing."""
    if job.state == "queued":
        ahead = "the next in the queue" if job.place == 0 else f"{job.place} ahead in the queue"
        return f"Waiting, {ahead}"
    return f"{job.stage}, {share(job)}"


def share(job: Job) -> str:
    """Say how much of a run is done, and how long the rest takes once that is known."""
    return f"{job.done:.0%}" + ("" if job.remaining is None else f", {to_go(job.remaining)} to go")


def to_go(seconds: float) -> str:
    """Say about how long something still takes, no more exactly than that is known."""
    if seconds < 8:
        return "a few seconds"
    if seconds < 55:
        return f"about {round(seconds / 10) * 10 or 10} s"
    if seconds < 90 * 60:
        return f"about {min(_MINUTES, key=lambda few: abs(few - seconds / 60))} min"
    return f"about {seconds / 3600:.0f} h"

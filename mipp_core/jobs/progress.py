"""From a stage's progress to the whole run's."""

STAGE_SHARES = {"Training": 0.05, "Testing": 0.55, "Rebuilding": 0.1, "Retraining": 0.3}
"""Rough shares of a run's time, by the first word of a stage; they only shape the overall percentage."""


def overall(stage: str, done: float) -> float:
    """Turn a stage's progress into the whole run's, from ``STAGE_SHARES``."""
    before = 0.0
    for word, share in STAGE_SHARES.items():
        if stage.startswith(word):
            return before + share * done
        before += share
    return 0.0

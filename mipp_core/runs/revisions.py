"""Revisions: numbers that are raised when code gives other results, so that a run's name tells old results from new.

A run is named by the digest of its specification.  What the specification says is in the digest by value; what the code
makes of it is in there by revision:

    what                      where its revision is
    a pruner                  ``revision`` of its class
    a model's initial weights ``revision`` of its ``Family``
    a dataset's images        ``revision`` of its ``DatasetCard``
    training by a recipe      ``Recipe.revision``
    scores to keep-masks      ``Selection.revision``
    a stage of a run          ``STAGES`` below

Revision 1 is left out of the digest.  Raise the number in the same commit that changes the results:
``tests/contracts/test_records.py`` fails until that is done.
"""

STAGES: dict[str, int] = {
    "train": 1,
    "evaluate": 1,
    "prune": 1,
    "measure": 1,
    "retrain": 1,
    "scratch": 1,
    "reinitialise": 1,
    "remake": 1,
}
"""Stage -> revision of its code in ``mipp_core.experiments``, with all it calls that has no revision of its own."""

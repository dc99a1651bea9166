"""Experiments: the stages of a run, from the dense network to the retrained ones."""

from mipp_core.experiments.sweep import run

__all__ = ["run"]

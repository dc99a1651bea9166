"""Checkpoints that people bring: read as what they state, never as what they ask to be executed."""

from mipp_core.checkpoints.reading import read_checkpoint
from mipp_core.checkpoints.uploads import keep_upload

__all__ = ["keep_upload", "read_checkpoint"]

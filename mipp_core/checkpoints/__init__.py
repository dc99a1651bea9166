"""Checkpoints from users: the weights are found and read without running any code, or the file is refused."""

from mipp_core.checkpoints.reading import Checkpoint, open_checkpoint, read_checkpoint

__all__ = ["Checkpoint", "open_checkpoint", "read_checkpoint"]

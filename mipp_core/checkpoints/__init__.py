"""Checkpoints from users: the state dict is read without running any code, or the file is refused."""

from mipp_core.checkpoints.reading import read_checkpoint

__all__ = ["read_checkpoint"]

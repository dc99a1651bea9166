"""Files that people bring: a state dict is read from them without running anything, or the file is refused."""

from mipp_core.checkpoints.reading import read_checkpoint

__all__ = ["read_checkpoint"]

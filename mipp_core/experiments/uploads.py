"""Weights that somebody brings, kept where runs find them."""

from pathlib import Path

from mipp_core.checkpoints import read_checkpoint
from mipp_core.experiments.store import Store
from mipp_core.models import Architecture


def keep_weights(data: bytes | Path, architecture: Architecture, store: Store) -> str:
    """Check an untrusted checkpoint, keep its tensors in the store and return their content name.

    The name is what ``NetworkSpec.weights`` takes.

    Raises:
        DataError: the file cannot be read, is damaged, too large, or not a checkpoint; or the store cannot be written.
        ModelError: its tensors are not those of the architecture, or hold values that are not finite.
    """
    return store.blobs.put(read_checkpoint(data, architecture))

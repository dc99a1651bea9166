"""The networks of shipped runs: the dense one that was trained, and every level's as rebuilt."""

from pathlib import Path

from mipp_core.reports.archive import SHIPPED
from mipp_core.runs.naming import digest
from mipp_core.runs.spec import NetworkSpec
from mipp_core.store.files import Tensors, read_tensors, write_tensors
from mipp_core.store.weights import SlimWeights, flat_weights, split_weights

DENSE = SHIPPED / "dense.safetensors"
"""Trained dense networks, once for all runs that share one; names are prefixed by the network's own."""

_REBUILT = "rebuilt.safetensors"


def shipped_dense(network: NetworkSpec, path: Path = DENSE) -> Tensors | None:
    """Return a trained dense network's weights; None where they do not ship."""
    prefix = f"{digest(network)}/"
    found = read_tensors(path) or {}
    return {name.removeprefix(prefix): tensor for name, tensor in found.items() if name.startswith(prefix)} or None


def shipped_rebuilt(folder: Path) -> SlimWeights:
    """Return every level's weights as rebuilt in closed form, before retraining; empty where they do not ship."""
    return split_weights(read_tensors(folder / _REBUILT) or {})


def save_dense(networks: dict[NetworkSpec, Tensors], path: Path = DENSE) -> None:
    """Write dense networks, in place of those that are there."""
    write_tensors(
        path, {f"{digest(spec)}/{name}": tensor for spec, state in networks.items() for name, tensor in state.items()}
    )


def save_rebuilt(folder: Path, weights: SlimWeights) -> None:
    """Write every level's rebuilt weights beside a shipped run."""
    write_tensors(folder / _REBUILT, flat_weights(weights))

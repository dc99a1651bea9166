"""The weights of all levels of a run as one state dict."""

from torch import Tensor

SlimWeights = dict[int, dict[str, Tensor]]
"""Level -> state dict of its retrained slim network."""


def flat_weights(weights: SlimWeights) -> dict[str, Tensor]:
    """Put all levels' state dicts into one, names prefixed by the level."""
    return {f"{level}/{name}": tensor for level, state in weights.items() for name, tensor in state.items()}


def split_weights(flat: dict[str, Tensor]) -> SlimWeights:
    """Undo ``flat_weights``."""
    weights: SlimWeights = {}
    for name, tensor in flat.items():
        level, _, rest = name.partition("/")
        weights.setdefault(int(level), {})[rest] = tensor
    return weights

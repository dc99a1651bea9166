"""Network Slimming: channels by the scale of their normalisation (Liu et al., arXiv 1708.06519)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.errors import ModelError
from mipp_core.network.channels import parts_read
from mipp_core.network.layers import Wiring, wiring_of
from mipp_core.network.operations import BATCH_NORMS, called
from mipp_core.pruners.contract import Need, Ranker, Scores, Variant

_NAMED = 8  # most layers named in an error message


@dataclass(frozen=True)
class NetworkSlimming(Ranker):
    """Score a unit by the magnitude of the scale that its batch normalisation gives it.

    Idea: batch normalisation gives all units the same variance and then multiplies each by a learned scale, so the
    scale tells how strongly the unit affects the next layer.  Training with an L1 penalty on the scales drives those of
    useless units towards 0, and one threshold across the whole network removes them.
    Formula: |gamma|; in training, lambda * sum |gamma| is added to the loss (Equation 1), lambda 1e-4 or 1e-5.
    Needs: a batch normalisation with a scale in every layer; the weights alone.  Cost: one pass over them.

    Departures: the penalty belongs to the training recipe (``scale_penalty``, as in the recipe ``slimming-cifar``), so
    that all pruners can be given the same network; after a recipe without it, scales have not been pushed towards 0.  A
    unit that several normalisations read, for example after a concatenation, is scored by the first of them.  A network
    with a layer that has none is refused, because its units could not be compared with the others.

    Example:
        >>> prune(normalised, images, pruner="network-slimming", sparsity=0.5).masks.sparsity
        0.5
    """

    variants: ClassVar[Mapping[str, Variant]] = {"Network Slimming": Variant()}
    needs: ClassVar[frozenset[Need]] = frozenset({"normalisation"})

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Look up every unit's scale.

        Raises:
            ModelError: names the layers that have no scale.
        """
        wiring = wiring_of(model)
        found = scales(model, wiring)
        missing = [name for name in wiring.names if name not in found]
        if missing:
            named = ", ".join(missing[:_NAMED]) + (f" and {len(missing) - _NAMED} more" if missing[_NAMED:] else "")
            raise ModelError(
                f"Network Slimming ranks units by the scale of their batch normalisation, and {len(missing)} of this "
                f"network's {len(wiring.names)} layers have none ({named}); choose a network in which every layer is "
                "normalised, or another pruner."
            )
        return {name: found[name].abs().cpu() for name in wiring.names}


def is_normalised(model: nn.Module) -> bool:
    """Tell whether every prunable layer of a network has a batch normalisation with a scale."""
    wiring = wiring_of(model)
    return set(wiring.names) <= set(scales(model, wiring))


def scales(model: nn.Module, wiring: Wiring) -> dict[str, Float[Tensor, " units"]]:
    """Return the scales of every layer's units in the first batch normalisation that reads them and has any.

    Args:
        model: the network.
        wiring: of the network; a layer whose units no such normalisation reads is left out.
    """
    found: dict[str, Tensor] = {}
    for use in wiring.flow.passes:
        module = called(use.node, wiring.network)
        for part, start in parts_read(use):
            whole = part.space in wiring.names and part.numbers == wiring[part.space].units
            if whole and isinstance(module, BATCH_NORMS) and module.weight is not None:
                found.setdefault(part.space, module.weight.detach()[start : start + part.units])
    return found

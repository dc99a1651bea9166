"""MI ordering: how much each unit alone tells about the next layer."""

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.information.ensemble import Ensemble, Pairs, Weights, descend
from mipp_core.memory import halving

_TOGETHER = 128  # units ranked in one batch: limits the memory of their regressors
_JUDGED_ON = 1000  # held-out samples: enough for an order


def single_unit_information(
    pairs: Pairs, hidden: tuple[int, ...], batch_size: int, steps: int, learning_rate: float, seed: int
) -> Float[Tensor, "c t"]:
    """Estimate by how much each unit alone reduces each target's squared error.

    One regressor per unit, all with the same initial weights and minibatches, is trained for a few steps (35 in the
    paper).  The sum of a row over the kept targets sets the unit's place in the order of testing.

    Returns:
        Held-out loss reduction, [units, next units], in units of squared standardised activations.
    """
    ensemble = Ensemble(members=1, hidden=hidden, batch_size=batch_size)
    generator = torch.Generator().manual_seed(seed)
    first = ensemble.fresh(1, 1, pairs.targets.shape[1], generator, pairs.inputs)
    index = torch.randint(len(pairs.inputs), (steps, batch_size), generator=generator).to(pairs.inputs.device)
    columns = torch.arange(pairs.inputs.shape[1], device=pairs.inputs.device)

    def work(together: int) -> Tensor:
        return torch.cat(
            [_rank(ensemble, first, pairs, units, index, learning_rate) for units in columns.split(together)]
        )

    return halving(work, _TOGETHER, "units")


def _rank(
    ensemble: Ensemble, first: Weights, pairs: Pairs, units: Tensor, index: Tensor, learning_rate: float
) -> Float[Tensor, "c t"]:
    weights = tuple(weight.expand(len(units), *weight.shape[1:]) for weight in first)

    def errors(trained: Weights, inputs: Tensor, targets: Tensor) -> Tensor:
        alone = inputs[:, units].T[:, None, :, None]
        return (ensemble.predict(trained, alone) - targets).square().squeeze(1)

    def loss(step: int, trained: Weights) -> Tensor:
        batch = index[step]
        return errors(trained, pairs.inputs[batch], pairs.targets[batch]).mean((1, 2)).sum()

    trained = descend(weights, len(index), learning_rate, loss)
    judged = slice(0, _JUDGED_ON)
    with torch.no_grad():
        return pairs.baseline[judged].mean(0) - errors(
            trained, pairs.held_inputs[judged], pairs.held_targets[judged]
        ).mean(1)

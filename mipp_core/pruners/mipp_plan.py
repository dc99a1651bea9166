"""Estimates what a run of MIPP by perceptrons will take, before it starts.

The network's forward pass and the regressors' steps are timed briefly on the device itself, once for each shape of
layer.  The number of tests depends on their outcomes: with all 20 levels of the schedule, the shipped runs of LeNet5
took 4 to 7 tests per unit in its wide layers and up to 18 in the narrow ones, whose levels agree less.  So the time is
given as a range: from one test per unit to one per unit and level, with 6 per unit as the usual number.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod

import torch
from torch import nn

from mipp_core.information import Ensemble, Pairs
from mipp_core.information.ensemble import Reading, draw_batches
from mipp_core.information.ranking import single_unit_information
from mipp_core.network.channels import sizes_of
from mipp_core.network.layers import device_of, weighted, wiring_of
from mipp_core.pruners.mipp import Mipp
from mipp_core.pruners.plans import Plan, forward_seconds, plan, seconds_of

_USUAL_TESTS = 13
"""Tests of a unit at 20 levels: 9 to 16 in six shipped runs, 13 on average."""

_CONTROLS = 0.35
"""Controls that are retrained beside every test: 1,359 beside 3,929 on LeNet5 and the sample."""

_TIMED_STEPS = 3
_TIMED_ROWS = 400
_TIMED_UNITS = 16
_COPIES = 4
"""Copies of every weight while regressors are trained: itself, its gradient, and Adam's two moments."""


@dataclass(frozen=True)
class Shape:
    """A layer's units and the next layer's."""

    units: int
    targets: int


@dataclass(frozen=True)
class Timing:
    """Seconds of one step of fitting a layer, of one test of one branch, and of one step of ranking one unit."""

    step: float
    test: float
    rank_step: float


@plan.register(Mipp)
@torch.no_grad()
def plan_mipp(settings: Mipp, model: nn.Module, image_shape: tuple[int, int, int], samples: int, levels: int) -> Plan:
    """Estimate a run of MIPP; see ``mipp_core.pruners.plans.plan``."""
    shapes, count = _shapes(model), min(samples, settings.samples)
    seen, layers = sum(shape.units for shape in shapes), len(shapes)
    if settings.pixels:
        wiring = wiring_of(model)
        first = weighted(wiring.network, wiring.image_readers[0])
        shapes.append(Shape(prod(image_shape), sizes_of(first)[1]))
    timings = {shape: _timed(settings, shape, count, device_of(model)) for shape in dict.fromkeys(shapes)}
    fits = sum(timings[shape].step * (settings.fit_steps + settings.refit_steps) for shape in shapes)
    ranks = sum(timings[shape].rank_step * settings.rank_steps * shape.units for shape in shapes)
    beside = 1 + (_CONTROLS if settings.reference == "control" else 0)
    one_each = beside * sum(timings[shape].test * shape.units for shape in shapes)
    fixed = forward_seconds(model, image_shape) * count + fits + ranks
    widest = max(_weights(settings, shape) for shape in shapes)
    return Plan(
        layers=layers,
        units=seen,
        samples=count,
        levels=levels,
        how=f"{settings.members} regressors per test",
        bytes=4 * (count * (prod(image_shape) + 2 * seen) + _COPIES * levels * settings.members * widest),
        least_seconds=fixed + one_each / settings.longest_block,
        usual_seconds=fixed + one_each * min(levels, _USUAL_TESTS),
        most_seconds=fixed + one_each * levels,
    )


def _shapes(model: nn.Module) -> list[Shape]:
    wiring = wiring_of(model)
    widths = {name: sizes_of(weighted(wiring.network, name))[1] for name in wiring.weighted}
    return [Shape(layer.units, widths.get(layer.reader, layer.units)) for layer in wiring.layers]


def _weights(settings: Mipp, shape: Shape) -> int:
    sizes = (shape.units, *settings.hidden, shape.targets)
    return sum(reads * gives for reads, gives in pairwise(sizes))


def _timed(settings: Mipp, shape: Shape, samples: int, device: torch.device) -> Timing:
    """Time a layer of the given shape on random activations."""
    generator = torch.Generator().manual_seed(0)
    columns = [
        torch.randn(_TIMED_ROWS, width, generator=generator).to(device) for width in (shape.units, shape.targets)
    ]
    held_out = min(max(settings.held_out, 0.01), 0.99)  # so that both parts get some of these few rows
    pairs, few = (Pairs.split(inputs, columns[1], held_out) for inputs in (columns[0], columns[0][:, :_TIMED_UNITS]))
    ensemble = Ensemble(settings.members, settings.hidden, settings.batch_size)
    weights = ensemble.fresh(1, shape.units, shape.targets, generator, pairs.inputs)
    reading, wanted = Reading(pairs.live_inputs[None]), pairs.live_targets[None]
    batches = draw_batches(_TIMED_STEPS, ensemble, len(pairs.inputs), 0, device)

    def step() -> None:
        ensemble.fit(weights, pairs, reading, wanted, batches, settings.learning_rate)

    def judge() -> None:
        ensemble.held_out_losses(weights, pairs, reading, wanted)

    def rank() -> None:
        single_unit_information(few, settings.hidden, settings.batch_size, _TIMED_STEPS, settings.learning_rate, 0)

    a_step = seconds_of(step, device) / _TIMED_STEPS
    judged = seconds_of(judge, device) * max(1.0, samples / _TIMED_ROWS)
    ranked = seconds_of(rank, device) / _TIMED_STEPS / few.inputs.shape[1]
    return Timing(a_step, a_step * settings.unit_steps + judged, ranked)

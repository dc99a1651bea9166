"""Estimates what a run of MIPP in closed form will take, before it starts.

All of it is arithmetic on matrices whose sizes are known, so a forward pass and one product of matrices are timed on
the device itself, and the rest is counted.  How many units go at the highest level is not known: the time is given as a
range from none to all, with all as the usual case, since the highest level leaves few.
"""

from dataclasses import dataclass
from math import prod

import torch
from torch import nn

from mipp_core.information.hearing import HEARD_ON, HEARD_PASSES
from mipp_core.information.next_layers import HELD_AT_ONCE
from mipp_core.information.whole_maps import Link, rows_for
from mipp_core.network.channels import sizes_of
from mipp_core.network.layers import Wiring, device_of, weighted, wiring_of
from mipp_core.pruners.closed_form import ClosedForm
from mipp_core.pruners.plans import Plan, forward_seconds, plan, seconds_of

_TILE = 512
_PER_SMALL = 30  # a small matrix takes so many times its size cubed: its factors, two solutions, and slow loops
_SLOWER = 1.6  # what is done beside products of such shapes: ResNet18 and ResNet50 took so many times as long
_STEP_SECONDS = 1e-3  # of all that is done once per unit, whatever its size
_TABLES = 3  # tables that are held at once while columns leave one


@dataclass(frozen=True)
class Size:
    """One regression.

    Attributes:
        columns: that are read or would come in.
        span: those of one unit.
        targets: that are predicted.
        units: that can be removed.
        rows: at most, from which products are made.
    """

    columns: int
    span: int
    targets: int
    units: int
    rows: int

    @property
    def products(self) -> float:
        """Multiplications for all products of columns, and for the first refit."""
        return float(self.rows * self.columns**2 + self.columns**3)

    @property
    def removals(self) -> float:
        """Multiplications if all units are removed, one by one."""
        judged = self.units**2 / 2 * _PER_SMALL * self.span**3 if self.span > 1 else self.units**2
        return self.columns**3 / 3 + self.columns**2 * self.targets + judged


@plan.register(ClosedForm)
@torch.no_grad()
def plan_closed_form(
    settings: ClosedForm, model: nn.Module, image_shape: tuple[int, int, int], samples: int, levels: int
) -> Plan:
    """Estimate a run of MIPP in closed form; see ``mipp_core.pruners.plans.plan``."""
    wiring, count, device = wiring_of(model), min(samples, settings.samples), device_of(model)
    sizes = [size for layer in wiring.layers for size in _sizes(wiring, layer.name, count)]
    if settings.pixels:
        seen = prod(image_shape)
        targets = sizes_of(weighted(wiring.network, wiring.image_readers[0]))[1]
        sizes.append(Size(seen, 1, targets * prod(image_shape[1:]), seen, count))
    tile = torch.ones(_TILE, _TILE, dtype=torch.float64, device=device)
    one = _SLOWER * seconds_of(lambda: tile @ tile, device) / _TILE**3
    passes = count + (HEARD_ON * HEARD_PASSES if settings.weighing in ("heard", "outputs") else 0)
    first = forward_seconds(model, image_shape) * passes + one * sum(size.products for size in sizes)
    every = first + sum(one * size.removals + _STEP_SECONDS * size.units for size in sizes)
    widest = max((size.columns for size in sizes), default=0)
    held = max(widest**2, min(HELD_AT_ONCE, sum(size.columns**2 for size in sizes)))
    return Plan(
        layers=len(wiring.layers),
        units=sum(layer.units for layer in wiring.layers),
        samples=count,
        levels=levels,
        how=f"regressions on up to {widest:,} columns",
        bytes=4 * count * prod(image_shape) + 8 * (held + _TABLES * widest**2),
        least_seconds=first,
        usual_seconds=every,
        most_seconds=every,
    )


def _sizes(wiring: Wiring, name: str, images: int) -> list[Size]:
    """Return the regressions by which a layer's units are judged."""
    layer = wiring[name]
    link = Link.between(wiring, layer, layer.reader, images)
    if link is None:
        width = layer.units * (2 if layer.in_stream else 1)
        return [Size(width, width // layer.units, layer.units, layer.units, images)]
    read, ways = link.patches.channels * link.patches.each, link.patches.groups
    numbers = link.numbers.numel() * link.patches.each
    span = numbers // layer.units * (2 if link.stream else 1)
    columns = read + (numbers // ways if link.stream else 0)
    rows = images * -(-rows_for(read) // images) if link.patches.each > 1 or link.stream else images
    return [Size(columns, span, link.patches.weights(0).shape[1], max(1, layer.units // ways), rows)] * ways

"""Estimates what CMI pruning will take, before it starts.

Every layer's candidates are judged at every pick, and every cut that is tried is judged on held-out images.  One
judgement of some candidates and one image are timed on the device itself; the rest is counted.  Going both ways, every
layer is first ordered by itself.
"""

from math import prod

import torch
from torch import nn

from mipp_core.information.ordering import ordered
from mipp_core.network.layers import device_of, wiring_of
from mipp_core.pruners.cmi import Cmi
from mipp_core.pruners.cmi_walk import PLACES
from mipp_core.pruners.plans import Plan, forward_seconds, plan, seconds_of

_TIMED_UNITS = 6


@plan.register(Cmi)
@torch.no_grad()
def plan_cmi(settings: Cmi, model: nn.Module, image_shape: tuple[int, int, int], samples: int, levels: int) -> Plan:
    """Estimate a run of CMI pruning; see ``mipp_core.pruners.plans.plan``."""
    wiring, device = wiring_of(model), device_of(model)
    count = min(settings.samples, max(1, samples // 2))
    judged = min(settings.validation, samples - count)
    widths = [layer.units for layer in wiring.layers]
    a_candidate = _candidate_seconds(settings, count, device)
    passes = 2 if settings.direction == "bi-directional" and len(widths) > 1 else 1
    orders = passes * sum(width * (width + 1) / 2 for width in widths) * a_candidate
    if settings.cut_off == "permutation":
        orders += passes * settings.shuffles * sum(widths) * a_candidate
    tried = passes * (settings.bends if settings.cut_off == "scree" else 1) * len(widths)
    places = sum(min(width, PLACES) for width in widths)
    an_image = forward_seconds(model, image_shape)
    judging = judged * an_image * (tried + places)
    kernels = 8 * count**2 * (sum(widths) + max(widths))
    return Plan(
        layers=len(widths),
        units=sum(widths),
        samples=count,
        levels=1,
        how=f"{sum(widths):,} kernels of {count:,} x {count:,}",
        bytes=kernels + 4 * (count + judged) * prod(image_shape),
        least_seconds=orders + judging * tried / (tried + places),
        usual_seconds=orders + judging,
        most_seconds=orders + judging,
    )


def _candidate_seconds(settings: Cmi, count: int, device: torch.device) -> float:
    """Return the seconds of judging one candidate once, from ordering a few variables."""
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(_TIMED_UNITS, count, 1, generator=generator, dtype=torch.double)
    kernels = torch.exp(-(points - points.mT).square()).to(device)
    labels = (torch.arange(count) % 2).to(device)
    seconds = seconds_of(lambda: ordered(kernels, labels, settings.alpha), device)
    return seconds / (_TIMED_UNITS * (_TIMED_UNITS + 1) / 2)

"""Many small perceptrons trained at once, beside one after the other (``benchmarks.batched_mlps``)."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.batched_mlps import plainly
from benchmarks.side_by_side.rows import How, Row
from mipp_core.limits.memorisation import FULL, random_points
from mipp_core.limits.mlp_training import logistic, trained
from mipp_core.limits.mlps import drawn


def measure(how: How) -> Iterator[Row]:
    """Time 100 seeds of No Free Prune's memorisation, on one CPU thread whatever the device."""
    setting = replace(FULL, seeds=250 if how.full else 50, epochs=100 if how.full else 40)
    points, start = random_points(setting), drawn(setting.sizes, range(setting.seeds))
    mine, other, fast, slow = how.compare(
        lambda: trained(start, points, setting.training, logistic), lambda: plainly(start, points, setting)
    )
    apart = 0.0
    for seed, own in enumerate(slow):
        pairs = zip(fast.weights, own, strict=True)
        apart = max(apart, *((layer[seed] - each).abs().max().item() for layer, each in pairs))
    same = f"weights within {apart:.0e}"
    name = f"train {setting.seeds} perceptrons, {setting.epochs} epochs"
    yield Row(name, "one after the other", mine, other, 8.0 if how.device.type == "cuda" else None, same)

"""Orders by conditional mutual information, beside the loop over candidates (``benchmarks.cmi_ordering``)."""

from collections.abc import Iterator

from benchmarks.cmi_ordering import layer, plainly
from benchmarks.side_by_side.rows import How, Row
from mipp_core.information.ordering import ordered


def measure(how: How) -> Iterator[Row]:
    """Time a layer of 24 units, in full of 64, on 256 images."""
    units = 64 if how.full else 24
    for alpha, wanted in ((2.0, 20.0), (1.01, None)):
        kernels, labels = (each.to(how.device) for each in layer(units, 256))
        mine, other, our, their = How(how.device, 1 if how.full else how.times).compare(
            lambda kernels=kernels, labels=labels, alpha=alpha: ordered(kernels, labels, alpha).order,
            lambda kernels=kernels, labels=labels, alpha=alpha: plainly(kernels, labels, alpha),
        )
        same = "the same order" if our == their else "another order"
        yield Row(f"CMI order of {units} units, α = {alpha:g}", "a loop over candidates", mine, other, wanted, same)

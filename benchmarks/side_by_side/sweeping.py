"""MIPP's decisions at several levels, beside the paper's algorithms written out plainly (``benchmarks.plain_mipp``)."""

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.plain_mipp import pruned
from benchmarks.side_by_side.rows import How, Row
from mipp_core import Mipp, architecture, load_dataset, train
from mipp_core.information import confidence_of
from mipp_core.pruners import ClosedForm, Decider
from mipp_core.pruners.deciding import masks_at_levels
from mipp_core.recipes import RECIPES
from mipp_core.vocabulary import silent

PAPERS = Mipp(reference="fixed", longest_block=1)
"""One unit at a time, as the paper has it; many levels and units are tested in one batch all the same."""


def measure(how: How) -> Iterator[Row]:
    """Time a narrow LeNet5 at three levels; in full LeNet5 at all 20: a quarter of an hour plainly."""
    widths = None if how.full else (4, 8, 24, 16)
    levels = tuple(range(20)) if how.full else (1, 5, 9)
    data = load_dataset("mnist-sample").train.in_memory().to(how.device)
    model = architecture("lenet5", (1, 28, 28), 10, widths).build().to(how.device)
    train(model, data, RECIPES["live"])
    images = data.stratified(PAPERS.samples, torch.Generator().manual_seed(0)).images
    confidences = tuple(map(confidence_of, levels))
    plain: list[dict[str, Tensor]] = []
    _, seconds = how.timed(lambda: plain.extend(pruned(model, images, each, PAPERS) for each in confidences))
    settings: dict[str, tuple[Decider, float]] = {
        "perceptrons": (PAPERS, 100.0 if how.device.type == "cuda" else 15.0),
        "closed form": (ClosedForm(), 300.0),
    }
    name = f"{len(levels)} levels, LeNet5{'' if how.full else ' of ' + '/'.join(map(str, widths or ()))}"
    for way, (decider, wanted) in settings.items():
        decisions, taken = how.timed(lambda decider=decider: decider.decide(model, data, 0, confidences, silent))
        masks = masks_at_levels(model, decisions, len(levels), data)
        same = f"the same about {_agreement(plain, [dict(each) for each in masks]):.0%} of the units"
        yield Row(f"MIPP, {way}: {name}", "Algorithms 1 and 2, plainly, once", (taken,), (seconds,), wanted, same)


def _agreement(plain: list[dict[str, Tensor]], found: list[dict[str, Tensor]]) -> float:
    pairs = list(zip(plain, found, strict=True))
    votes = [here[layer] == keep for here, there in pairs for layer, keep in there.items() if layer in here]
    return torch.cat([vote.flatten().cpu() for vote in votes]).float().mean().item()

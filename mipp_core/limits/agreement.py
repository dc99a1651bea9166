"""How far the masks of real pruners agree between data and between seeds: a proxy for what they know of the data.

For a network of useful size I(mask; data) cannot be counted.  What is known exactly are its bounds: 0 for a pruner
that never looks at the data, given its seed, and log2 of the number of masks of that size.  What can be measured is how
far masks agree.  Two masks made from the same initial weights and *different* images differ only if the mask follows
the data; their disagreement is no estimate of bits, but masks that are equal do not tell these images apart.

Masks here are of whole units.  So there are few of them: of 226 units no mask carries more than 226 bits, beside tens
of thousands of weights that stay.  p_eff of a network without some of its units is, up to logarithms, its weights.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import comb, log2
from statistics import fmean
from time import perf_counter
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Scope, Selection
from mipp_core.cutting.targets import Target
from mipp_core.data.dataset import Split
from mipp_core.errors import ModelError, SettingError, UnknownNameError
from mipp_core.information import LEVELS, confidence_of
from mipp_core.models import architecture
from mipp_core.pruners import PRUNERS, Cmi, Decider, Pruner, Ranker, Task
from mipp_core.pruners import SMALL as SMALL_MIPP
from mipp_core.pruners.deciding import masks_at_targets
from mipp_core.pruners.reaching import reach
from mipp_core.recipes import RECIPES, Recipe
from mipp_core.training import train
from mipp_core.vocabulary import Progress, Report, silent

CONFIDENCES = tuple(map(confidence_of, range(LEVELS)))

QUICK: Mapping[str, Pruner] = MappingProxyType({"mipp": SMALL_MIPP, "cmi": Cmi(alpha=2.0, width="shared")})
"""Settings of pruners that would take minutes per network with those of their papers."""


@dataclass(frozen=True)
class Agreement:
    """What is compared.

    Attributes:
        share: of the units that is removed, in (0, 1).
        copies: networks per way, at least 2: from as many seeds, and from as many disjoint parts of the images.
        recipe: how networks are trained.
        pruners: names; all by default.

    Raises:
        SettingError: a value is out of range.
        UnknownNameError: there is no such pruner.
    """

    share: float = 0.6
    copies: int = 3
    recipe: Recipe = RECIPES["live"]
    pruners: tuple[str, ...] = tuple(PRUNERS)

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or self.copies < 2:
            raise SettingError(
                f"Agreement was asked for at the share {self.share:g} with {self.copies} copies; give a share between "
                "0 and 1, and 2 copies or more, as 0.6 and 3."
            )
        for name in self.pruners:
            if name not in PRUNERS:
                raise UnknownNameError("pruner", name, PRUNERS)


FULL = Agreement()
SMALL = Agreement(copies=2, pruners=("mipp-closed-form", "random", "magnitude", "synflow", "snip", "grasp"))


@dataclass(frozen=True)
class Case:
    """One network and the images that it and its pruners see.

    Attributes:
        seed: of the initial weights, the order of images, and the pruners.
        part: number of the part of the images.
        images: that part.
        start: the network at initialisation.
        trained: the same, trained.
    """

    seed: int
    part: int
    images: Split
    start: nn.Module
    trained: nn.Module


def measure_agreement(how: Agreement, images: Split, report: Report = silent, device: str = "cpu") -> dict[str, Any]:
    """Train LeNet5 from several seeds and on several parts of the images, prune each, and compare the masks.

    Args:
        how: what is compared.
        images: the training split; every part has the same number of images of each class.
        report: called per network and pruner; may raise ``CancelledError``.
        device: where to compute.

    Returns:
        Plain JSON.  ``rows`` has one entry per pruner, ``start`` (``initial``, ``trained``) and ``way`` (``seeds``:
        other initial weights, same images; ``images``: same initial weights, other images): the mean ``overlap`` of
        two kept sets (units in both / mean size), what random masks with the same counts per layer have by ``chance``,
        and ``agreement`` = (overlap - chance) / (1 - chance), 1 for equal masks; ``kept`` units and ``weights`` that
        stay, ``bound`` = log2 of the number of such masks in bits, and whether the pruner ``looks`` at the data.
        ``refused`` says which pruners could not be asked, and why.

    Raises:
        SettingError: there are fewer images of a class than copies.
    """
    began, parts = perf_counter(), [each.to(device) for each in _parts(images, how.copies)]
    cases = list(_cases(how, parts, report))
    counter = Counter(cases[0].start, images.image_shape)
    rows, refused = [], dict[str, str]()
    for number, name in enumerate(how.pruners):
        share = 0.4 + 0.6 * number / len(how.pruners)
        report(Progress(name, share))
        try:
            heard = _at(report, name, share)
            rows += [row for start in ("initial", "trained") for row in _rows(name, start, how, cases, counter, heard)]
        except (ModelError, SettingError) as problem:
            refused[name] = str(problem)
    return {
        "study": "masks",
        "setting": asdict(how) | {"model": "lenet5", "images": len(parts[0])},
        "units": counter.dense.units,
        "parameters": counter.dense.parameters,
        "rows": rows,
        "refused": refused,
        "seconds": perf_counter() - began,
        "device": device,
    }


def _parts(images: Split, copies: int) -> list[Split]:
    """Divide the images into parts; each has the same number of every class."""
    fewest = int(images.labels.unique(return_counts=True)[1].min()) if len(images.labels) else 0
    if fewest < copies:
        raise SettingError(
            f"{copies} copies need as many parts of the images, but a class has {fewest}; give fewer copies, as 3."
        )
    places: list[list[int]] = [[] for _ in range(copies)]
    for label in images.labels.unique():
        found = (images.labels == label).nonzero().flatten().tolist()
        for part in range(copies):
            places[part] += found[part::copies][: len(found) // copies]
    return [images.take(torch.tensor(sorted(each))) for each in places]


def _cases(how: Agreement, parts: Sequence[Split], report: Report) -> Iterator[Case]:
    """Yield a network per seed on the first part, and one per other part from the first seed."""
    wanted = [*((seed, 0) for seed in range(how.copies)), *((0, part) for part in range(1, how.copies))]
    for number, (seed, part) in enumerate(wanted):
        words, share = f"training network {number + 1} of {len(wanted)}", 0.4 * number / len(wanted)
        data = parts[part]
        start = architecture("lenet5", data.image_shape, 10).build(seed).to(data.images.device).eval()
        trained = architecture("lenet5", data.image_shape, 10).build(seed).to(data.images.device)
        train(trained, data, how.recipe, seed=seed, report=_at(report, words, share))
        yield Case(seed, part, data, start, trained)


def _at(report: Report, words: str, share: float) -> Report:
    """Return a report that says where the whole is; so what is reported inside can stop it, too."""
    return lambda _: report(Progress(words, share))


def _rows(
    name: str, start: str, how: Agreement, cases: Sequence[Case], counter: Counter, report: Report
) -> list[dict[str, Any]]:
    kind = PRUNERS[name]
    if start == "initial" and "training" in kind.needs:
        return []
    pruner = QUICK.get(name) or kind()
    scope: Scope = pruner.scopes[0] if isinstance(pruner, Ranker) else "global"
    masks = {(case.seed, case.part): _mask(pruner, scope, start, how, case, counter, report) for case in cases}
    ways = {
        "seeds": [mask for (_, part), mask in masks.items() if part == 0],
        "images": [mask for (seed, _), mask in masks.items() if seed == 0],
    }
    left = fmean(counter.left(mask, "parameters") for mask in masks.values())
    return [
        {"pruner": name, "start": start, "way": way, **compared(found)}
        | {"kept": fmean(sum(mask.kept.values()) for mask in found), "weights": left}
        | {"bound": bound(found[0], scope), "looks": looks_at_data(pruner, start)}
        for way, found in ways.items()
    ]


def looks_at_data(pruner: Pruner, start: str) -> bool:
    """Tell whether a mask may follow the data: the pruner reads them, or weights that were trained on them.

    Random masks follow neither.
    """
    reads = bool(pruner.needs & {"data", "labels", "gradients", "activations", "training"})
    return reads or (start == "trained" and pruner != PRUNERS["random"]())


def _mask(
    pruner: Pruner, scope: Scope, start: str, how: Agreement, case: Case, counter: Counter, report: Report
) -> KeepMasks:
    target = [Target(how.share)]
    model = case.start if start == "initial" else case.trained
    if isinstance(pruner, Decider):
        return masks_at_targets(pruner.decide(model, case.images, case.seed, CONFIDENCES, report), target, counter)[0]
    assert isinstance(pruner, Ranker)
    model = case.start if "training" in pruner.needs else model
    task = Task(model, case.images, case.seed, _trainer(how, case), report)
    return reach(pruner, task, target, Selection(scope), counter)[0].masks


def _trainer(how: Agreement, case: Case) -> Callable[[nn.Module, Report], None]:
    return lambda model, report: train(model, case.images, how.recipe, seed=case.seed, report=report)


def compared(masks: Sequence[KeepMasks]) -> dict[str, float]:
    """Return the overlap of kept sets, what it is by chance, and the agreement beyond that; means over all pairs."""
    pairs = list(combinations(masks, 2))
    overlap = fmean(_overlap(a, b) for a, b in pairs)
    chance = fmean(_by_chance(a.kept, b.kept, a.units) for a, b in pairs)
    return {
        "overlap": overlap,
        "chance": chance,
        "agreement": (overlap - chance) / (1 - chance) if chance < 1 else 1.0,
        "least": min(_overlap(a, b) for a, b in pairs),
    }


def _overlap(a: KeepMasks, b: KeepMasks) -> float:
    both = sum(int((a[layer] & b[layer]).sum()) for layer in a)
    return both / _mean_size(a.kept, b.kept)


def _by_chance(a: Mapping[str, int], b: Mapping[str, int], units: Mapping[str, int]) -> float:
    return sum(a[layer] * b[layer] / units[layer] for layer in units) / _mean_size(a, b)


def _mean_size(a: Mapping[str, int], b: Mapping[str, int]) -> float:
    return max(1.0, (sum(a.values()) + sum(b.values())) / 2)


def bound(mask: KeepMasks, scope: Scope) -> float:
    """Return log2 of the number of masks of a size, in bits: of the whole network's, or of each layer's."""
    if scope == "layer":
        return sum(log2(comb(units, mask.kept[layer])) for layer, units in mask.units.items())
    return log2(comb(sum(mask.units.values()), sum(mask.kept.values())))

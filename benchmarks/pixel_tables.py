"""The tables of docs/pixels.md: `python -m benchmarks.pixel_tables [--data-dir DIR]`.

All are read from what ships with the page Pixels.  With a data folder, which must have MNIST, the last one is measured:
whether rankings made while a visitor waits, on few images, choose the pixels that many images choose; a minute on one
core.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, pstdev

import torch

from mipp_core.experiments.networks import load_data
from mipp_core.pixels.choosing import in_common, returned, top
from mipp_core.pixels.rankings import RANKINGS
from mipp_core.pixels.study import LIVE, MIPP, orders
from mipp_core.reports.archive import SHIPPED, load_run
from mipp_core.reports.networks import shipped_dense
from mipp_core.reports.pixel_repetitions import side
from mipp_core.reports.pixels import (
    CLOSED_FORM,
    Measured,
    PixelStudy,
    dense_network,
    likeness,
    read,
    shipped_pixels,
)
from mipp_core.runs import RunSpec

LEVELS = (0, 1, 2, 5, 9, 14, 19)
DRAWS = 5


def row(*cells: object) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def head(*cells: object) -> str:
    """Return a table's first two lines."""
    return f"{row(*cells)}\n|{' --- |' * len(cells)}"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Return a mean in percent, and the standard deviation of several values."""
    mean = f"{100 * fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * pstdev(values):.{digits}f}"


def places_of(study: PixelStudy) -> None:
    """Print how MIPP's pixels and those of other rankings overlap, and how close they lie."""
    print(head("level", "pixels", "by chance", *RANKINGS, "neighbours kept: MIPP", "the others"))
    common, together = likeness(study)
    for place, level in enumerate(study["levels"]):
        count = study["kept"][place].count("1")
        if level not in LEVELS or not count:
            continue
        shares = [f"{common[name][place]:.0%}" for name in RANKINGS]
        close = [together[name][place] or 0.0 for name in RANKINGS]
        own = together[MIPP][place] or 0.0
        print(row(level, count, f"{count / 784:.0%}", *shares, f"{own:.0%}", f"{min(close):.0%} to {max(close):.0%}"))


def accuracies(study: PixelStudy) -> None:
    """Print accuracies with only the chosen pixels, blanked and trained."""
    blanked, trained = study["blanked"], study.get("trained")
    places = trained["places"] if trained else blanked["places"][-1:]
    kinds: list[tuple[str, Measured]] = [("blanked", blanked), *([("trained", trained)] if trained else [])]
    counts = {place: study["kept"][place].count("1") for place in places}
    titles = [f"{counts[place]}, {kind}" for place in places for kind, _ in kinds]
    print(head("pixels of", *titles, *(f"all, {kind}" for kind, _ in kinds)))
    for who in blanked["rows"]:
        cells = [
            spread([each[measured["places"].index(place)] for each in measured["rows"][who]])
            for place in places
            for _, measured in kinds
        ]
        print(row(who, *cells, *(spread(measured["whole"]) for _, measured in kinds)))


def deformed() -> None:
    """Print plain beside deformed digits."""
    sides = [side(shipped_pixels()["repetitions"], strength) for strength in (0.0, 1.0)]
    measures, kinds = ("pixels kept", "accuracy, blanked", "away"), ("plain", "deformed")
    print(head("level", *(f"{measure}, {kind}" for measure in measures for kind in kinds)))
    for place, level in enumerate(sides[0].levels):
        if level in LEVELS:
            counts = ["{:.0f} ± {:.0f}".format(*each.counts[place]) for each in sides]
            shares = [f"{100 * each.accuracy[place][0]:.1f} ± {100 * each.accuracy[place][1]:.1f}" for each in sides]
            print(row(level, *counts, *shares, *("{:.1f} ± {:.1f}".format(*each.away[place]) for each in sides)))
    print("\nwith all pixels:", ", ".join(f"{100 * each.dense[0]:.1f} ± {100 * each.dense[1]:.1f}" for each in sides))


def few_images(data_dir: Path) -> None:
    """Print how many pixels rankings from few images have in common with those that ship."""
    document = load_run(SHIPPED / "closed-pixels-0")
    assert document
    spec, study = RunSpec.from_json(document["spec"]), shipped_pixels()["studies"][CLOSED_FORM]
    model = dense_network(spec, shipped_dense(spec.network) or {})
    test = load_data(spec.network, data_dir).test.in_memory()
    print(f"\n### {LIVE.ranked} images against {study['ranked']}\n\n{head('pixels', *RANKINGS)}")
    shuffled = [torch.randperm(len(test), generator=torch.Generator().manual_seed(seed)) for seed in range(DRAWS)]
    found = [orders(model, test.take(some[: LIVE.ranked])) for some in shuffled]
    for level in (0, 9, 14, 19):
        count = study["kept"][study["levels"].index(level)].count("1")
        whole = {name: top(study["orders"][name], count) for name in RANKINGS}
        shares = {n: [in_common(whole[n], top(each[n], count)) or 0.0 for each in found] for n in RANKINGS}
        print(row(count, *(spread(each, 0) for each in shares.values())))


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path)
    chosen = parser.parse_args()
    for name, study in shipped_pixels()["studies"].items():
        print(f"\n### {name}\n")
        places_of(study)
        print(f"\n{returned(list(map(read, study['kept'])))} pixels that a level removes are kept again by the next.\n")
        accuracies(study)
    print("\n### plain and deformed digits\n")
    deformed()
    if chosen.data_dir:
        few_images(chosen.data_dir)


if __name__ == "__main__":
    main()

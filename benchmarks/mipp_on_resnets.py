"""MIPP on whole residual networks: time, memory, ratios.  `python -m benchmarks.mipp_on_resnets [--device cuda]`

ResNet18 on images of 32x32 and torchvision's ResNet50 on images of 224x224, both at initialisation, at some levels of
the schedule.  Neither CIFAR, ImageNet nor pretrained weights can be had here: images are noise with the 1/f spectrum
of photographs, so the numbers say what a run costs, not what MIPP finds on photographs.  Prints the plan that a user
is shown, the time it took, the most memory, and for every level the share of units removed, of each place in the
blocks, and what is left after the cut, with the measured difference between cut and masked network.
"""

import argparse
import resource
import sys
import time

import torch
from torch import nn

from benchmarks.collapse_points import photographs
from mipp_core.evaluation import macs, parameters
from mipp_core.figures.layers import places_in_blocks
from mipp_core.information import confidence_of
from mipp_core.layers import wiring_of
from mipp_core.masks import KeepMasks
from mipp_core.models import architecture
from mipp_core.pruners import SMALL, Mipp, plan
from mipp_core.surgery import masked, shrink
from mipp_core.terc import keep_masks
from mipp_core.vocabulary import Progress

NETWORKS = {
    "resnet18": ("resnet18", (3, 32, 32), 10),
    "resnet50": ("torchvision:resnet50", (3, 224, 224), 1000),
}


def report(progress: Progress) -> None:
    """Show how far it has got."""
    sys.stderr.write(f"\r\x1b[K{progress.stage} {progress.done:.0%}")


def run(name: str, settings: Mipp, levels: tuple[int, ...], device: torch.device) -> None:
    """Prune one network and print what it took."""
    family, shape, classes = NETWORKS[name]
    model = architecture(family, shape, classes).build(seed=0).to(device).eval()
    data = photographs(settings.samples, seed=0, side=shape[1]).to(device)
    print(
        f"{name} on {device}, {torch.get_num_threads()} threads: {plan(settings, model, shape, len(data), len(levels))}"
    )
    started, spent = time.perf_counter(), {}

    def report(progress) -> None:
        spent[progress.stage] = time.perf_counter() - started

    decisions = settings.decide(model, data, 0, tuple(map(confidence_of, levels)), report)
    seconds = time.perf_counter() - started
    print(f"pruned in {seconds:.0f} s; most memory {memory(device):.1f} GB; {len(decisions)} decisions")
    layers = wiring_of(model).layers
    rows = {
        layer.name: keep_masks([d for d in decisions if d.layer == layer.name], layer.units, len(levels))
        for layer in layers
    }
    for place, level in enumerate(levels):
        describe(model, KeepMasks({layer: keep[place] for layer, keep in rows.items()}), shape, level)


def describe(model: nn.Module, masks: KeepMasks, shape: tuple[int, int, int], level: int) -> None:
    """Print one level: shares removed by place in the block, and what the cut network is."""
    ratios = [1 - masks.kept[name] / units for name, units in masks.units.items()]
    places = places_in_blocks(list(masks))
    inner = [place for place, name in zip(places, masks, strict=True) if "." in name]
    means = {
        place: sum(r for r, p, n in zip(ratios, places, masks, strict=True) if p == place and "." in n)
        / inner.count(place)
        for place in sorted(set(inner))
    }
    slim = shrink(model, masks)
    images = torch.randn(8, *shape, generator=torch.Generator().manual_seed(1)).to(next(model.parameters()).device)
    with torch.no_grad():
        whole, small = masked(model, masks)(images), slim(images)
    difference = (whole - small).abs().max() / whole.abs().max()
    by_place = ", ".join(f"conv{place + 1} {mean:.0%}" for place, mean in means.items())
    print(
        f"level {level}: {masks.sparsity:.1%} of units removed (by place in the block: {by_place}); "
        f"{parameters(slim) / parameters(model):.1%} of parameters and {macs(slim, shape) / macs(model, shape):.1%} of "
        f"MACs left; difference {difference:.1e}; layers: {' '.join(f'{ratio:.2f}' for ratio in ratios)}"
    )


def memory(device: torch.device) -> float:
    """Return the most memory used so far, in GB: of the device, or of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Run both networks, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=NETWORKS)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--samples", type=int, help="activations; by default the setting's")
    parser.add_argument("--levels", default="0,1,3,5,9,19")
    parser.add_argument("--full", action="store_true", help="the full setting also on a CPU")
    chosen = parser.parse_args()
    device = torch.device(chosen.device)
    settings = Mipp() if chosen.full or device.type == "cuda" else SMALL
    if chosen.samples:
        settings = Mipp(**{**vars(settings), "samples": chosen.samples})
    for name in [chosen.only] if chosen.only else NETWORKS:
        run(name, settings, tuple(map(int, chosen.levels.split(","))), device)


if __name__ == "__main__":
    main()

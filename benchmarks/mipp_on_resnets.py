"""MIPP on whole residual networks: time, memory, ratios.

    python -m benchmarks.mipp_on_resnets [--closed-form] [--device cuda]

By perceptrons or in closed form.  ResNet18 at 32x32, trained for one epoch on the embedded MNIST sample (digits with a
black border, in three equal channels), and torchvision's ResNet50 at 224x224, at initialisation, on noise with the 1/f
spectrum of photographs: ImageNet and weights pretrained on it were not available, so for ResNet50 the numbers say what
a run costs, not what MIPP finds on photographs.  Prints the plan that a user is shown, the time taken, the most memory,
and for every level the share of units removed, overall and for each place in the blocks, and what is left after the
cut, with the measured difference between cut and masked network; for ResNet18 also the test accuracy, cut and rebuilt.
"""

import argparse
import json
import resource
import sys
import time
from dataclasses import replace

import torch
from torch import nn

from benchmarks.collapse_points import photographs
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.surgery import cut_difference, shrink
from mipp_core.data import Samples, Split, load_dataset
from mipp_core.evaluation import accuracy, macs, parameters
from mipp_core.figures.layers import places_in_blocks
from mipp_core.information import confidence_of
from mipp_core.information.terc import keep_masks
from mipp_core.models import architecture
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import SMALL, ClosedForm, Decider, Mipp, plan
from mipp_core.recipes import Recipe
from mipp_core.training import train
from mipp_core.vocabulary import Progress

NETWORKS = {
    "resnet18": ("resnet18", (3, 32, 32), 10),
    "resnet50": ("torchvision:resnet50", (3, 224, 224), 1000),
}
EPOCH = Recipe(1, learning_rate=5e-2, batch_size=100, weight_decay=5e-4)


def digits(split: Samples) -> Split:
    """Return MNIST's digits with a border of two black pixels, in three equal channels."""
    images, labels = next(iter(split.batches(len(split))))
    black = images.min().item()
    return Split(nn.functional.pad(images, (2, 2, 2, 2), value=black).repeat(1, 3, 1, 1), labels)


def report(progress: Progress) -> None:
    """Show the progress."""
    sys.stderr.write(f"\r\x1b[K{progress.stage} {progress.done:.0%}")


def run(name: str, settings: Decider, samples: int, levels: tuple[int, ...], device: torch.device) -> None:
    """Prune one network and print the time and memory it took."""
    family, shape, classes = NETWORKS[name]
    model = architecture(family, shape, classes).build(seed=0).to(device).eval()
    test = None
    if name == "resnet18":
        sample = load_dataset("mnist-sample")
        data, test = (digits(split).to(device) for split in (sample.train, sample.test))
        train(model, data, EPOCH, seed=0, report=report)
        print(f"{name}: one epoch on {len(data)} digits, test accuracy {accuracy(model, test):.2%}")
    else:
        data = photographs(samples, seed=0, side=shape[1]).to(device)
    said = plan(settings, model, shape, len(data), len(levels))
    print(f"{name} on {device}, {torch.get_num_threads()} threads. {said}", flush=True)
    started, worked = time.perf_counter(), time.process_time()
    decisions = settings.decide(model, data, 0, tuple(map(confidence_of, levels)), report)
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    print(f"pruned in {seconds:.0f} s ({worked:.0f} s of a CPU); most memory {memory(device):.1f} GB", flush=True)
    rows = {
        layer.name: keep_masks([d for d in decisions if d.layer == layer.name], layer.units, len(levels))
        for layer in wiring_of(model).layers
    }
    for place, level in enumerate(levels):
        describe(model, KeepMasks({layer: keep[place] for layer, keep in rows.items()}), level, data, test)


def describe(model: nn.Module, masks: KeepMasks, level: int, data: Split, test: Split | None) -> None:
    """Print one level: shares removed by place in the block, and the cut network's size and accuracy."""
    shape = data.image_shape
    ratios = {name: 1 - masks.kept[name] / units for name, units in masks.units.items()}
    slim = shrink(model, masks)
    print(
        f"level {level}: {masks.sparsity:.1%} of units removed ({by_place(ratios)}); "
        f"{parameters(slim) / parameters(model):.1%} of parameters and {macs(slim, shape) / macs(model, shape):.1%} of "
        f"MACs left; difference {cut_difference(model, slim, masks, data.images[:8]):.1e}"
    )
    print(f"  pruning ratios: {' '.join(f'{ratio:.2f}' for ratio in ratios.values())}")
    if test is not None:
        cut, started = accuracy(slim, test), time.perf_counter()
        rebuild(model, slim, masks, data.images[:4000])
        seconds = time.perf_counter() - started
        print(f"  test accuracy: cut {cut:.2%}, rebuilt {accuracy(slim, test):.2%} in {seconds:.0f} s", flush=True)


def by_place(ratios: dict[str, float]) -> str:
    """Return the mean pruning ratio of each place in the blocks."""
    places = dict(zip(ratios, places_in_blocks(list(ratios)), strict=True))
    inside = {place: [ratios[n] for n in ratios if "." in n and places[n] == place] for place in set(places.values())}
    return ", ".join(f"conv{place + 1} of a block {sum(own) / len(own):.0%}" for place, own in sorted(inside.items()))


def memory(device: torch.device) -> float:
    """Return the most memory used so far, in GB: of the device, or of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Run both networks, or the one given by ``--only``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=NETWORKS)
    parser.add_argument("--closed-form", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, e.g. samples=1000")
    parser.add_argument("--levels", default="0,1,3,5,9,19")
    parser.add_argument("--full", action="store_true", help="use the full setting on a CPU too")
    chosen = parser.parse_args()
    device = torch.device(chosen.device)
    settings: ClosedForm | Mipp = Mipp() if chosen.full or device.type == "cuda" else SMALL
    settings = ClosedForm() if chosen.closed_form else settings
    changed = {name: json.loads(value) for name, value in (text.split("=") for text in chosen.set)}
    settings = replace(settings, **{n: tuple(v) if isinstance(v, list) else v for n, v in changed.items()})
    for name in [chosen.only] if chosen.only else NETWORKS:
        run(name, settings, settings.samples, tuple(map(int, chosen.levels.split(","))), device)


if __name__ == "__main__":
    main()

"""Algorithms 1 and 2 of the MIPP paper, written out plainly, and timed beside what we use instead, in one run.

    python -m benchmarks.plain_mipp [--levels 1,5,9] [--dataset mnist-sample] [--set NAME=VALUE ...]

One level at a time, one unit at a time, one regressor at a time, each an ``nn.Sequential`` with an optimiser of its
own, for networks without streams.  ``mipp`` decides the same levels by the same rule with the same settings, but tests
many levels and units in one batch of regressors; the closed form decides them without any.  Prints the units kept and
the seconds of each, and how often the two agree about a unit (regressors start from other random weights).
"""

import argparse
import json
import tempfile
import time
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from mipp_core import Mipp, NetworkSpec, RunSpec, Store
from mipp_core.experiments.experiment import Experiment
from mipp_core.information import confidence_of, quantiles
from mipp_core.network.activations import record
from mipp_core.network.finding import OUTPUT
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import ClosedForm, Decider
from mipp_core.pruners.deciding import masks_at_levels
from mipp_core.vocabulary import silent


@dataclass(frozen=True)
class Sample:
    """Standardised activations of a layer and of the next, one part to learn from and one to be judged on."""

    inputs: Tensor
    targets: Tensor
    judged_inputs: Tensor
    judged_targets: Tensor


def pruned(model: nn.Module, images: Tensor, confidence: float, how: Mipp) -> dict[str, Tensor]:
    """Algorithm 1: from the output to the input, keep of every layer what the pruned next layer needs."""
    activations, wiring = record(model, images, how.collapse), wiring_of(model)
    kept: dict[str, Tensor] = {}
    for layer in reversed(wiring.layers):
        following = OUTPUT if layer.reader == wiring.last else layer.reader
        targets = activations[following]
        targets = targets[:, kept[following]] if following in kept else targets
        kept[layer.name] = terc(split(activations[layer.name], targets, how.held_out), confidence, how)
    return kept


def terc(sample: Sample, confidence: float, how: Mipp) -> Tensor:
    """Algorithm 2, in the order of the paper's text: the least informative unit first."""
    keep = sample.inputs.std(0) > 0
    if not sample.targets.std(0).any():
        return torch.zeros_like(keep)
    enough = float(quantiles((confidence,)))
    regressors = [regressor(sample, how, member) for member in range(how.members)]
    for member, each in enumerate(regressors):
        fit(each, sample, keep, how.fit_steps, how.learning_rate, how.batch_size, member)
        fit(each, sample, keep, how.refit_steps, how.unit_learning_rate, how.batch_size, member)
    reference = [losses(each, sample, keep) for each in regressors]
    for unit in order(sample, how):
        if not keep[unit]:
            continue
        without = keep.clone()
        without[unit] = False
        tried = deepcopy(regressors)
        for member, each in enumerate(tried):
            fit(each, sample, without, how.unit_steps, how.unit_learning_rate, how.batch_size, unit * 97 + member)
        after = [losses(each, sample, without) for each in tried]
        if statistic(reference, after, sample, how.estimate_size) <= enough:
            keep, regressors = without, tried
            lower = torch.stack(after).mean() < torch.stack(reference).mean()
            reference = after if lower else reference
    return keep


def statistic(before: list[Tensor], after: list[Tensor], sample: Sample, size: int) -> float:
    """Return the mean gain of a unit in standard errors of estimates of so many samples."""
    gains = torch.stack([(a - b).mean() for a, b in zip(after, before, strict=True)])
    told = sample.judged_targets.square().mean(1)
    within = sum(((told - a).var() + (told - b).var() for a, b in zip(after, before, strict=True)), torch.zeros(()))
    error = ((gains.var() + within / len(gains) / size) / len(gains)).sqrt()
    return float(gains.mean() / error)


def order(sample: Sample, how: Mipp) -> list[int]:
    """Return the units, those first that tell least of the targets by themselves."""
    told = []
    for unit in range(sample.inputs.shape[1]):
        alone = torch.zeros(sample.inputs.shape[1], dtype=torch.bool)
        alone[unit] = True
        each = regressor(sample, how, unit)
        fit(each, sample, alone, how.rank_steps, 2 * how.learning_rate, how.batch_size, unit)
        told.append(-float(losses(each, sample, alone).mean()))
    return sorted(range(len(told)), key=told.__getitem__)


def regressor(sample: Sample, how: Mipp, seed: int) -> nn.Module:
    """Return a multilayer perceptron."""
    torch.manual_seed(seed)
    sizes = [sample.inputs.shape[1], *how.hidden]
    inner = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*inner, nn.Linear(sizes[-1], sample.targets.shape[1]))


def fit(model: nn.Module, sample: Sample, keep: Tensor, steps: int, rate: float, size: int, seed: int) -> None:
    """Train a regressor on the units that are kept, with a learning rate that falls to 0."""
    generator, optimiser = torch.Generator().manual_seed(seed), torch.optim.Adam(model.parameters(), rate)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
        rows = torch.randint(len(sample.inputs), (size,), generator=generator)
        loss = (model(sample.inputs[rows] * keep) - sample.targets[rows]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@torch.no_grad()
def losses(model: nn.Module, sample: Sample, keep: Tensor) -> Tensor:
    """Return the squared error of every sample that was held out."""
    return (model(sample.judged_inputs * keep) - sample.judged_targets).square().mean(1)


def split(inputs: Tensor, targets: Tensor, held_out: float) -> Sample:
    """Standardise by the part that is learned from; what never varies there is 0."""
    learned = len(inputs) - round(len(inputs) * held_out)
    columns = []
    for table in (inputs, targets):
        spread, mean = table[:learned].std(0), table[:learned].mean(0)
        columns.append(torch.where(spread > 1e-6, (table - mean) / spread.clamp_min(1e-6), 0.0))
    return Sample(columns[0][:learned], columns[1][:learned], columns[0][learned:], columns[1][learned:])


def main() -> None:
    """Print what each keeps and the seconds it takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", default="1,5,9")
    parser.add_argument("--dataset", default="mnist-sample")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of mipp")
    options = parser.parse_args()
    levels = tuple(int(level) for level in options.levels.split(","))
    how = replace(Mipp(longest_block=1, reference="fixed"), **{n: json.loads(v) for n, v in map(_pair, options.set)})
    with tempfile.TemporaryDirectory() as folder:
        spec = RunSpec(NetworkSpec("lenet5", options.dataset), settings=how)
        experiment = Experiment(spec, Store(Path(folder)).stages(spec.hash), torch.device("cpu"), silent)
        model, data = experiment.model, experiment.data.train.in_memory()
    images = data.stratified(how.samples, torch.Generator().manual_seed(0)).images
    plain, seconds = {}, {}
    for level in levels:
        started = time.perf_counter()
        plain[level] = pruned(model, images, confidence_of(level), how)
        seconds[level] = time.perf_counter() - started
        print(f"plainly, level {level}: {_kept(plain[level])} in {seconds[level]:.1f} s", flush=True)
    print(f"plainly, all: {sum(seconds.values()):.1f} s on {torch.get_num_threads()} threads")
    fast: dict[str, Decider] = {"mipp": how, "mipp-closed-form": ClosedForm()}
    for name, settings in fast.items():
        started = time.perf_counter()
        decisions = settings.decide(model, data, 0, tuple(map(confidence_of, levels)), silent)
        spent = time.perf_counter() - started
        masks = masks_at_levels(model, decisions, len(levels), data)
        print(
            f"{name}: {', '.join(_kept(dict(each)) for each in masks)} in {spent:.1f} s, "
            f"{sum(seconds.values()) / spent:.1f} times as fast"
        )
        if name == "mipp":
            same = [
                torch.cat([plain[level][layer] == keep for layer, keep in each.items()]).float().mean().item()
                for level, each in zip(levels, masks, strict=True)
            ]
            print(f"  the same about {', '.join(f'{share:.0%}' for share in same)} of the units")


def _kept(masks: dict[str, Tensor]) -> str:
    return "/".join(str(int(keep.sum())) for _, keep in sorted(masks.items()))


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


if __name__ == "__main__":
    main()

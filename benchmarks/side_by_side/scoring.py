"""Scores of ResNet18's units, beside loops over its layers that know nothing of what reads them, and torch-pruning's.

Ours find out first which layers can be pruned and what reads them; so does torch-pruning, and the loops need not.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.side_by_side.peers import torch_pruning
from benchmarks.side_by_side.rows import How, Row
from mipp_core import architecture, pruner
from mipp_core.data import Split
from mipp_core.pruners import Ranker

SHAPE, IMAGES, ROUNDS = (3, 32, 32), 500, 20

Scores = dict[str, Tensor]


def convolutions(model: nn.Module) -> dict[str, nn.Conv2d]:
    """Return a network's convolutions by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}


def per_filter(weights: Scores) -> Scores:
    """Sum over all but the first dimension."""
    return {name: weight.flatten(1).sum(1) for name, weight in weights.items()}


def magnitude(model: nn.Module, data: Split) -> Scores:
    """Sum every filter's magnitudes."""
    return per_filter({name: layer.weight.detach().abs() for name, layer in convolutions(model).items()})


def snip(model: nn.Module, data: Split) -> Scores:
    """Multiply weights by the slopes of the loss, in two batches."""
    layers = convolutions(model)
    model.zero_grad()
    for images, labels in zip(data.images.split(250), data.labels.split(250), strict=True):
        functional.cross_entropy(model(images), labels, reduction="sum").backward()
    return per_filter({name: (layer.weight * layer.weight.grad).detach().abs() for name, layer in layers.items()})


def taylor(model: nn.Module, data: Split) -> Scores:
    """Multiply activations by the slopes of the loss, batch by batch, by hooks."""
    kept: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        return lambda module, given, output: kept.__setitem__(name, output.requires_grad_())

    hooks = [layer.register_forward_hook(keep(name)) for name, layer in convolutions(model).items()]
    found: Scores = {}
    for images, labels in zip(data.images.split(50), data.labels.split(50), strict=True):
        loss = functional.cross_entropy(model(images), labels)
        slopes = torch.autograd.grad(loss, list(kept.values()))
        for (name, output), slope in zip(kept.items(), slopes, strict=True):
            found[name] = found.get(name, 0) + (output * slope).detach().sum((0, 2, 3)).square()
    for hook in hooks:
        hook.remove()
    return found


def synflow(model: nn.Module, data: Split) -> Scores:
    """Prune weights in rounds, each by the slopes of what flows from an image of ones."""
    copy = deepcopy(model).double().eval()
    for tensor in copy.state_dict().values():
        if tensor.is_floating_point():
            tensor.abs_()
    weights = {name: layer.weight for name, layer in convolutions(copy).items()}
    masks = {name: torch.ones_like(weight) for name, weight in weights.items()}
    ones = torch.ones(1, *SHAPE, device=data.images.device, dtype=torch.double)
    total = sum(mask.numel() for mask in masks.values())
    for number in range(1, ROUNDS + 1):
        slopes = torch.autograd.grad(copy(ones).sum(), list(weights.values()))
        pairs = zip(weights.items(), slopes, strict=True)
        scores = {name: (weight * slope).detach().abs() for (name, weight), slope in pairs}
        gone = int(total * (1 - 0.1 ** (number / ROUNDS)))
        threshold = torch.cat([each.flatten() for each in scores.values()]).kthvalue(max(1, gone)).values
        with torch.no_grad():
            for name, weight in weights.items():
                masks[name] = (scores[name] > threshold).double()
                weight.mul_(masks[name])
    return per_filter(scores)


PLAIN: dict[str, tuple[Callable[[nn.Module, Split], Scores], dict[str, object]]] = {
    "magnitude": (magnitude, {}),
    "snip": (snip, {"samples": IMAGES}),
    "taylor": (taylor, {"samples": IMAGES}),
    "synflow": (synflow, {"rounds": ROUNDS}),
}


def measure(how: How) -> Iterator[Row]:
    """Time scores of ResNet18 of full width on 500 images."""
    model = architecture("resnet18", SHAPE, 10).build().eval().to(how.device)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(IMAGES, *SHAPE, generator=generator).to(how.device)
    data = Split(images, (torch.arange(IMAGES) % 10).to(how.device))
    for name, (plain, settings) in PLAIN.items():
        ranker = pruner(name, **settings)
        assert isinstance(ranker, Ranker)

        def ours(ranker: Ranker = ranker) -> Scores:
            return ranker.scores(model, data, 0)

        def theirs(plain: Callable[[nn.Module, Split], Scores] = plain) -> Scores:
            return plain(model, data)

        mine, other, _, _ = how.compare(ours, theirs)
        yield Row(f"{name} scores, ResNet18", "a loop over layers", mine, other, 1.0)
    if torch_pruning is not None:
        yield from _peer(how, model, data)


def _peer(how: How, model: nn.Module, data: Split) -> Iterator[Row]:
    def theirs() -> list[Tensor]:
        copy = deepcopy(model)
        graph = torch_pruning.DependencyGraph().build_dependency(copy, data.images[:1])
        rule = torch_pruning.importance.MagnitudeImportance(p=1)
        return [rule(group) for group in graph.get_all_groups(root_module_types=[nn.Conv2d])]

    def ours() -> Scores:
        return pruner("magnitude").scores(model, data, 0)

    mine, other, _, _ = how.compare(ours, theirs)
    yield Row("magnitude scores, ResNet18", "torch-pruning", mine, other, 1.0)

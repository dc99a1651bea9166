"""The way of CMI pruning through a network: which layer comes next, what it is conditioned on, where it is cut."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import log

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mipp_core.data.dataset import Split, stratified_index
from mipp_core.errors import SettingError
from mipp_core.evaluation import accuracy
from mipp_core.information.cut_offs import permutation, product_after, scree, x_means
from mipp_core.information.feature_maps import FeatureMaps, Variables, feature_maps, variables
from mipp_core.information.ordering import Ordering, ordered
from mipp_core.information.renyi import entropy, mutual, same
from mipp_core.network.layers import Wiring, wiring_of
from mipp_core.network.recording import followed
from mipp_core.network.silencing import silence
from mipp_core.pruners.cmi_pictures import pictures
from mipp_core.pruners.cmi_settings import CmiSettings
from mipp_core.pruners.cmi_trace import CutLayer, Examined, Look, Tried
from mipp_core.vocabulary import Progress, Report

_DRAWS = 10
"""Orders of the labels for the bias of an estimate."""

PLACES = 8
"""Numbers of units of a wide layer at which its sensitivity is measured, beside the cuts that were tried."""

_FEWEST = 2
"""Images: one to look at, and another to judge cuts on."""


@dataclass
class Walk:
    """One walk through one network; see ``mipp_core.pruners.cmi.Cmi``."""

    settings: CmiSettings
    model: nn.Module
    wiring: Wiring
    maps: FeatureMaps
    drawn: Split
    validation: Split
    generator: torch.Generator
    report: Report
    kept: dict[str, Bool[Tensor, " units"]] = field(default_factory=dict)

    @classmethod
    def over(cls, settings: CmiSettings, model: nn.Module, data: Split, seed: int, report: Report) -> "Walk":
        """Draw the images, apart from those that cuts are judged on, and run the network.

        Raises:
            SettingError: there are fewer than two images.
            ModelError: an activation is not a finite number.
        """
        if len(data) < _FEWEST:
            raise SettingError(f"CMI was given {len(data)} image; give at least {_FEWEST}, one to judge the cuts on.")
        generator = torch.Generator().manual_seed(seed)
        everything = stratified_index(data.labels, len(data), generator)
        count = min(settings.samples, max(1, len(data) // 2))
        chosen = stratified_index(data.labels[everything], count, generator)
        others = torch.ones(len(everything), dtype=torch.bool)
        others[chosen.cpu()] = False
        held_out = everything[others.to(everything.device)][: settings.validation]
        drawn, validation = data.take(everything[chosen]), data.take(held_out)
        wiring = wiring_of(model, drawn.images)
        report(Progress("Measuring feature maps", 0.0))
        maps = feature_maps(model, wiring, drawn.images, settings.pooled, settings.scaled)
        return cls(settings, model, wiring, maps, drawn, validation, generator, report)

    @torch.no_grad()
    def taken(self) -> Examined:
        """Walk through all layers."""
        names, alone = self.wiring.names, {}
        start = 0
        if self.settings.direction == "bi-directional" and len(names) > 1:
            alone = {name: self._alone(name, place) for place, name in enumerate(names)}
            start = names.index(self._best_start(alone))
        way = [*names[start:], *reversed(names[:start])]
        cut = []
        for place, name in enumerate(way):
            self.report(Progress(f"Ordering {name}", (place + len(alone)) / (len(way) + len(alone))))
            found = self._cut(name, self._given(name, place <= len(names) - start - 1))
            cut.append(replace(found, sensitivity=tuple(self._sensitivity(found))))
            self.kept[name] = found.mask
            silence(*self._copy, name, found.mask)
        return Examined(tuple(cut), alone, self._dense, names, pictures(self.model, self.drawn))

    @cached_property
    def _dense(self) -> float:
        return accuracy(self.model, self.validation)

    def _alone(self, name: str, place: int) -> Tried:
        """Cut one layer of the whole network, conditioned on nothing."""
        self.report(Progress(f"Ordering {name} by itself", place / (2 * len(self.wiring.names))))
        cut = self._cut(name, {})
        return Tried(cut.kept, next(each.accuracy for each in cut.tried if each.kept == cut.kept))

    def _best_start(self, alone: dict[str, Tried]) -> str:
        """Return the layer that can be cut most at an acceptable accuracy; if none can, the one that costs least."""
        ratio = {name: 1 - each.kept / self.wiring[name].units for name, each in alone.items()}
        fine = [name for name in alone if alone[name].accuracy >= self._dense - self.settings.acceptable]
        if not fine:
            return max(alone, key=lambda name: alone[name].accuracy)
        return max(fine, key=lambda name: ratio[name])

    def _given(self, name: str, onwards: bool) -> dict[str, list[Variables]]:
        """Return what a layer's order is conditioned on, by the layers it belongs to."""
        how = self.settings.conditioning
        if how == "per-layer" or not self.kept:
            return {}
        if how == "full":
            names: Sequence[str] = tuple(self.kept)
        else:
            names = self.maps.owners.get(name, ()) if onwards else self.wiring[name].readers
        found = {other: self.maps.retained(self.kept, [other]) for other in names if other in self.kept}
        if onwards and how == "compact" and name in self.maps.shared:
            found[name] = self.maps.shared[name]
        return {other: each for other, each in found.items() if each}

    @torch.no_grad()
    def look(self, name: str) -> Look:
        """Order one layer, conditioned on nothing, and ask every rule where to cut it."""
        own = self.maps.units[name]
        living, still = _living(own)
        kernels = self._kernels(own[living], len(living))
        found = ordered(kernels, self._target, self.settings.alpha)
        bends = tuple((bend.kept, bend.ratio) for bend in scree(found.conditional)[: self.settings.bends])
        significant = self._significant(found, kernels, None) if living else 1
        rules = x_means(found.conditional), significant
        return Look(name, found.renamed(living, still), bends, *rules, self._chance(kernels.prod(0)))

    def _chance(self, product: Float[Tensor, "n n"]) -> float:
        """Return what variables seem to tell of labels that were shuffled, in bits, on average over some draws."""
        count = len(self._kernel)
        orders = (torch.randperm(count, generator=self.generator) for _ in range(_DRAWS))
        found = [mutual(product, self._kernel[order[:, None], order], self.settings.alpha).item() for order in orders]
        return sum(found) / len(found)

    def _sensitivity(self, cut: CutLayer) -> Iterator[Tried]:
        """Yield what the network reaches with other numbers of a layer's units, the first ones of its order."""
        units, known = len(cut.ordering.order), {each.kept: each for each in cut.tried}
        places = torch.linspace(0, log(units), min(units, PLACES)).exp().round().int().tolist()
        for kept in sorted({*places, *known}) if units > PLACES else range(1, units + 1):
            yield known.get(kept) or self._judged(cut.layer, cut.ordering, kept, None)

    def _cut(self, name: str, given: dict[str, list[Variables]]) -> CutLayer:
        own, others = self.maps.units[name], [each for some in given.values() for each in some]
        living, still = _living(own)
        together = len(living) + sum(map(len, others))
        kernels = self._kernels(own[living], together)
        product = None
        for each in others:
            product = self._kernels(each, together).prod(0) * (1 if product is None else product)
        found = ordered(kernels, self._target, self.settings.alpha, product)
        ordering = found.renamed(living, still)
        kept = dict(self._proposed(found, kernels, product))
        tried = tuple(self._judged(name, ordering, *each) for each in kept.items())
        best = max(tried, key=lambda each: (each.accuracy, -each.kept))
        whole = kernels.prod(0) if product is None else kernels.prod(0) * product
        return CutLayer(name, tuple(given), ordering, tried, best.kept, tuple(still), self._chance(whole))

    def _kernels(self, some: Variables, together: int) -> Float[Tensor, "k n n"]:
        return some.kernels(self.settings.width, self.settings.width_factor, together)

    @cached_property
    def _target(self) -> Tensor:
        """The labels, or their kernel."""
        if self.settings.labels == "exact":
            return self.drawn.labels
        one_hot = torch.nn.functional.one_hot(self.drawn.labels - self.drawn.labels.min()).double()
        return self._kernels(variables(one_hot[:, None], scaled=False), 1)[0]

    @cached_property
    def _kernel(self) -> Float[Tensor, "n n"]:
        """The labels' kernel."""
        return same(self._target) if self._target.ndim == 1 else self._target

    def _proposed(
        self, ordering: Ordering, kernels: Tensor, given: Tensor | None
    ) -> Iterator[tuple[int, float | None]]:
        """Yield the numbers of units that the rule would keep, each with its bend's ratio, if it has one."""
        if len(ordering.order) < 2:
            yield 1, None
        elif self.settings.cut_off == "scree":
            yield from ((bend.kept, bend.ratio) for bend in scree(ordering.conditional)[: self.settings.bends])
        elif self.settings.cut_off == "x-means":
            yield x_means(ordering.conditional), None
        else:
            yield self._significant(ordering, kernels, given), None

    def _judged(self, name: str, ordering: Ordering, kept: int, ratio: float | None) -> Tried:
        """Measure a cut of one layer on top of what was cut before."""
        network, wiring = self._copy
        tensors = [*network.parameters(), *network.buffers()]
        before = [tensor.clone() for tensor in tensors]
        silence(network, wiring, name, CutLayer(name, (), ordering, (), kept).mask)
        found = accuracy(network, self.validation)
        for tensor, value in zip(tensors, before, strict=True):
            tensor.copy_(value)
        return Tried(kept, found, ratio)

    @cached_property
    def _copy(self) -> tuple[nn.Module, Wiring]:
        """A copy of the network, in which removed units become silent, and its wiring."""
        copy = deepcopy(followed(self.model))
        return copy, wiring_of(copy)

    def _significant(self, ordering: Ordering, kernels: Tensor, given: Tensor | None) -> int:
        """Return how many units the permutation test keeps."""
        alpha, labels = self.settings.alpha, self._kernel
        rests = product_after(kernels, ordering.order)
        start = torch.ones_like(labels) if given is None else given
        chosen = [start]
        for unit in ordering.order:
            chosen.append(chosen[-1] * kernels[unit])

        def rest_tells(kept: int, order: Tensor) -> float:
            rest = rests[kept][order[:, None], order] * chosen[kept]
            return (entropy(rest, alpha) - entropy(rest * labels, alpha)).item()  # up to what k fixes

        units, settings = len(ordering.order), self.settings
        return permutation(rest_tells, units, len(labels), settings.shuffles, settings.level, self.generator)


def _living(own: Variables) -> tuple[list[int], list[int]]:
    """Return the units that vary and those that never do."""
    moves = own.living.tolist()
    return [unit for unit, does in enumerate(moves) if does], [unit for unit, does in enumerate(moves) if not does]

"""The open questions of CMI pruning as small experiments, each one setting changed at a time, and their answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, pstdev

from mipp_core.data import card_of
from mipp_core.pruners import Cmi
from mipp_core.pruners.cmi_trace import Examined
from mipp_core.runs.document import RunDocument
from mipp_core.runs.spec import NetworkSpec, RunSpec

SEEDS = 3
"""Seeds of the shipped answers."""

USUAL = Cmi(alpha=2.0, width="shared")
"""Around which settings are changed: in closed form, and with kernels that do not saturate."""


@dataclass(frozen=True)
class Question:
    """One experiment.

    Attributes:
        asks: what, in a sentence.
        variants: the runs that answer it, of seed 0.
        says: which of them is the usual one, and what else a reader should know.
    """

    asks: str
    variants: Mapping[str, RunSpec]
    says: str = ""

    def seeded(self, seeds: int = SEEDS) -> dict[str, list[RunSpec]]:
        """Return the variants with several seeds."""
        return {
            name: [replace(spec, network=replace(spec.network, seed=seed)) for seed in range(seeds)]
            for name, spec in self.variants.items()
        }


def own_cut(network: NetworkSpec, settings: Cmi) -> RunSpec:
    """Return the run that measures nothing but CMI's own cut."""
    spec = RunSpec(network, pruner="cmi", settings=settings, retraining=card_of(network.dataset).recipes.live_pair()[1])
    assert spec.own_point is not None
    return replace(spec, measured=(spec.own_point,))


def trained(model: str, dataset: str, widths: tuple[int, ...] | None = None, seed: int = 0) -> NetworkSpec:
    """Return a network that is trained as is usual for live runs on a dataset."""
    return NetworkSpec(model, dataset, widths, recipe=card_of(dataset).recipes.live_pair()[0], seed=seed)


_LENET5 = trained("lenet5", "mnist-sample")
_RESNET = trained("resnet20", "mnist-sample", (8, 16, 32))


def _varied(network: NetworkSpec, **settings: Cmi) -> dict[str, RunSpec]:
    return {name: own_cut(network, each) for name, each in settings.items()}


QUESTIONS: dict[str, Question] = {
    "alpha": Question(
        "Does the order α of the entropy matter?",
        _varied(_LENET5, **{f"α = {alpha:g}": replace(USUAL, alpha=alpha) for alpha in (0.5, 1.01, 2.0, 3.0)}),
        "The paper has 1.01, close to Shannon's; 2 needs no eigenvalues.",
    ),
    "width": Question(
        "How wide should kernels be?",
        _varied(_LENET5, **{f"σ × {f:g}": replace(USUAL, width_factor=f) for f in (0.01, 0.1, 1.0, 10.0, 100.0)}),
        "The shared width σ, over four decades.",
    ),
    "rule": Question(
        "By which rule is the width chosen?",
        _varied(
            _LENET5,
            shared=USUAL,
            median=replace(USUAL, width="median"),
            paper=replace(USUAL, width="paper"),
            **{"paper, maps 2 × 2": replace(USUAL, width="paper", pooled=2), "paper, α = 1.01": Cmi()},
        ),
        "The last one has all the paper's settings.",
    ),
    "given": Question(
        "What should an order be conditioned on?",
        _varied(
            _LENET5,
            compact=USUAL,
            nothing=replace(USUAL, conditioning="per-layer"),
            full=replace(USUAL, conditioning="full"),
            **{"compact, forward": replace(USUAL, direction="forward")},
        ),
        "Compact: on the neighbour that was cut before. Full: on all layers that were.",
    ),
    "cut-off": Question(
        "Where should the curve be cut?",
        _varied(
            _LENET5,
            **{"Scree": USUAL, "Scree, 20 bends": replace(USUAL, bends=20)},
            **{"X-means": replace(USUAL, cut_off="x-means"), "permutation": replace(USUAL, cut_off="permutation")},
        ),
        "The permutation test is known to cut too far, here and in the paper.",
    ),
    "residual": Question(
        "Does it work on residual networks?",
        _varied(
            _RESNET,
            compact=USUAL,
            nothing=replace(USUAL, conditioning="per-layer"),
            full=replace(USUAL, conditioning="full"),
            **{"X-means": replace(USUAL, cut_off="x-means")},
        ),
        "The paper's first open question. ResNet20 of half width; compact means: on the channels of the stream that a "
        "layer reads.",
    ),
    "images": Question(
        "Are photographs harder than digits?",
        {
            "MNIST": own_cut(trained("lenet5", "mnist"), USUAL),
            "Fashion-MNIST": own_cut(trained("lenet5", "fashion-mnist"), USUAL),
            "CIFAR-10": own_cut(trained("lenet5", "cifar10"), USUAL),
        },
        "LeNet5 with the same widths on whole datasets; each loses what its own cut costs.",
    ),
}


@dataclass(frozen=True)
class Answer:
    """What one variant gave, mean and spread (the standard deviation) over seeds; shares in [0, 1].

    Attributes:
        seeds: how many were run.
        removed: share of the units removed.
        kept: units kept per layer, of the first seed.
        saturated: layers of the first seed whose joint entropy was full before half of their units were picked.
        dense, cut, rebuilt, retrained: test accuracy.
        seconds: that ordering and cutting took.
    """

    seeds: int
    removed: tuple[float, float]
    kept: tuple[int, ...]
    saturated: int
    dense: tuple[float, float]
    cut: tuple[float, float]
    rebuilt: tuple[float, float]
    retrained: tuple[float, float]
    seconds: float


def answer(runs: Sequence[RunDocument]) -> Answer | None:
    """Sum up the finished runs of one variant; None if there are none."""
    whole = [run for run in runs if run["state"] == "done"]
    if not whole:
        return None
    levels = [run["levels"][-1] for run in whole]
    examined = Examined.from_json(whole[0]["orders"])

    def of(key: str) -> tuple[float, float]:
        return _spread([float(level[key]) for level in levels])  # type: ignore[literal-required]

    return Answer(
        len(whole),
        of("sparsity"),
        tuple(cut.kept for cut in examined.by_name.values()),
        sum(_is_saturated_early(examined)),
        _spread([run["dense_accuracy"] or 0.0 for run in whole]),
        of("accuracy_pruned"),
        of("accuracy_rebuilt"),
        of("accuracy_retrained"),
        fmean(run["seconds"]["prune"] for run in whole),
    )


def _is_saturated_early(examined: Examined) -> Iterable[bool]:
    for cut in examined.layers:
        at = cut.ordering.saturated_at
        yield at is not None and at < len(cut.ordering.order) / 2


def _spread(values: list[float]) -> tuple[float, float]:
    return fmean(values), pstdev(values)

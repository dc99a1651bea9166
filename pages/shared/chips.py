"""Short descriptions of runs and datasets that several pages use."""

from dataclasses import fields
from types import MappingProxyType

from mipp_core.data import DATASETS, card_of, shown
from mipp_core.experiments.planning import small
from mipp_core.pruners import SMALL, Mipp, describe
from mipp_core.reports.comparison import name_of
from mipp_core.runs import RunSpec
from pages.shared.plain import plainly

_METHODS = MappingProxyType({"mipp": "MIPP with trained regressors", "mipp-closed-form": "MIPP in closed form"})


def method_of(spec: RunSpec) -> str:
    """Name how a run chooses units, as Compare does: the pruner by its usual name, scope included."""
    return _METHODS.get(spec.pruner) or name_of(spec) or spec.pruner


def _method_chip(spec: RunSpec) -> str:
    """Return the method's chip: MIPP's two ways are a word there."""
    return spec.pruner if spec.pruner in _METHODS else method_of(spec)


def idea_of(spec: RunSpec | None) -> str:
    """Say in a sentence or two what decides which units go; of MIPP where there is no run."""
    if spec is not None and spec.pruner not in _METHODS:
        words = describe(spec.settings).text.partition("\n\n")[0]
        return f"A run of another pruner, {method_of(spec)}: {plainly(words)}"
    return (
        "A unit is removed when the next layer's activations can still be rebuilt without it. "
        "The **confidence level** says how sure one must be to *keep* it."
    )


def chips(spec: RunSpec) -> list[str]:
    """Return short phrases that set a run apart from others."""
    network = spec.network
    words = [network.model, shown(network.dataset), "trained" if spec.trained else "at initialisation"]
    words += [_method_chip(spec)]
    words += [f"deformed {network.deformation:g}"] if network.deformation else []
    words += [f"mean {_numbers(network.mean)}, std {_numbers(network.std)}"] if network.mean and network.std else []
    is_small = isinstance(spec.settings, Mipp) and small(spec) == spec
    plain = SMALL if is_small else type(spec.settings)()
    changed = [f.name for f in fields(plain) if getattr(spec.settings, f.name) != getattr(plain, f.name)]
    words += ["small setting"] if is_small else []
    words += (
        []
        if spec.pruner not in _METHODS and name_of(spec)
        else [_setting(name, getattr(spec.settings, name)) for name in changed]
    )
    words += [f"scope {spec.scope}"] if spec.scope and name_of(spec) is None else []
    words += [f"floor {spec.floor}"] if spec.floor else []
    words += ["MIPP's ratios"] if spec.follow else []
    words += ["fixed ratios"] if spec.sparsities else []
    words += [f"{len(spec.confidences)} levels"] if spec.confidences else []
    return [*words, f"seed {network.seed}"]


def _setting(name: str, value: object) -> str:
    return name if value is True else f"{name} {value}"


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


def where_images_are() -> str:
    """Say where the images of every dataset come from, for the menu of datasets."""
    places: dict[str, list[str]] = {}
    for name, card in DATASETS.items():
        places.setdefault("downloaded when a run first needs them" if card.download else card.obtained, []).append(name)
    return "; ".join(f"{', '.join(names)}: {place}" for place, names in places.items()) + (
        "; folders of pictures and .npz files of your own: in the data folder."
    )


def in_paper(dataset: str) -> str:
    """Say how long the paper trains and retrains; empty for a dataset without a counterpart there."""
    epochs = card_of(dataset).recipes.paper_epochs()
    return "" if epochs is None else f" (the paper has {epochs[0]} and {epochs[1]})"

"""What sets a run apart, in a few words each."""

from dataclasses import fields

from mipp_core.experiments.planning import small
from mipp_core.pruners import SMALL, Mipp
from mipp_core.runs import RunSpec


def chips(spec: RunSpec) -> list[str]:
    """Say in a few words each what sets a run apart."""
    network = spec.network
    words = [network.model, network.dataset, "trained" if spec.trained else "at initialisation", spec.pruner]
    words += [f"deformed {network.deformation:g}"] if network.deformation else []
    is_small = isinstance(spec.settings, Mipp) and small(spec) == spec
    plain = SMALL if is_small else type(spec.settings)()
    changed = [f.name for f in fields(plain) if getattr(spec.settings, f.name) != getattr(plain, f.name)]
    words += ["small setting"] if is_small else []
    words += [f"{name} {getattr(spec.settings, name)}" for name in changed]
    words += [f"scope {spec.scope}"] if spec.scope else []
    words += [f"floor {spec.floor}"] if spec.floor else []
    words += ["MIPP's ratios"] if spec.follow else []
    words += ["given ratios"] if spec.sparsities else []
    return [*words, f"seed {network.seed}"]

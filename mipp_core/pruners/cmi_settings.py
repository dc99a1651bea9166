"""The settings of CMI pruning; ``mipp_core.pruners.cmi.Cmi`` says what each means."""

from abc import ABC
from dataclasses import dataclass
from typing import Literal, get_args

from mipp_core.information.renyi import Width
from mipp_core.pruners.contract import Ranker
from mipp_core.pruners.settings import above_zero, at_least, on_or_off, one_of, setting, share

Conditioning = Literal["per-layer", "compact", "full"]
CutOff = Literal["scree", "x-means", "permutation"]
Direction = Literal["bi-directional", "forward"]
Labels = Literal["exact", "one-hot"]
"""How labels are compared: equal or not, or as one-hot vectors with the kernel of everything else."""


@dataclass(frozen=True)
class CmiSettings(Ranker, ABC):
    """What may be chosen, apart from what is done with it."""

    conditioning: Conditioning = setting("compact", one_of(get_args(Conditioning)))
    cut_off: CutOff = setting("scree", one_of(get_args(CutOff)))
    direction: Direction = setting("bi-directional", one_of(get_args(Direction)))
    alpha: float = setting(1.01, above_zero())
    width: Width = setting("paper", one_of(get_args(Width)))
    width_factor: float = setting(1.0, above_zero())
    pooled: int = setting(0, at_least(0))
    labels: Labels = setting("exact", one_of(get_args(Labels)))
    samples: int = setting(256, at_least(4))
    validation: int = setting(1000, at_least(1))
    acceptable: float = setting(0.02, share(including_zero=True))
    bends: int = setting(3, at_least(1))
    shuffles: int = setting(100, at_least(1))
    level: float = setting(0.05, share())
    scaled: bool = setting(True, on_or_off())

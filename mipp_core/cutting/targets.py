"""How much to remove, as a share of a network's units, parameters or multiply-accumulates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Selection
from mipp_core.errors import SettingError
from mipp_core.vocabulary import COUNTED, Counted

_ROUNDING = 1e-9
"""Of shares, which are quotients of whole numbers."""


@dataclass(frozen=True)
class Target:
    """How much to remove.

    Attributes:
        share: what is gone afterwards, in [0, 1]: 0 keeps all.
        of: the units of the prunable layers, or the parameters or MACs of the whole network.

    Raises:
        SettingError: the share is outside [0, 1].
    """

    share: float
    of: Counted = "units"

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise SettingError(
                f"The share of {COUNTED[self.of]} to remove is {self.share}; give 0 (keep all) to 1 (remove all)."
            )

    def left(self, counter: Counter) -> float:
        """Return how many are to be left of a network."""
        whole: int = getattr(counter.dense, self.of)
        return (1 - self.share) * whole


def keep_at(target: Target, scores: Mapping[str, Tensor], selection: Selection, counter: Counter) -> KeepMasks:
    """Remove units in the order of their scores until the network is nearest to the target.

    One more or one unit less would not be nearer.  Of equally near networks the one with most units is taken.

    Raises:
        SettingError: even without all units that may be removed the network has too much left.
    """
    most = selection.most({name: len(values) for name, values in scores.items()})
    require_reachable(target, selection.remove(scores, most), selection.floor, counter)
    left = cache(lambda count: counter.left(selection.remove(scores, count), target.of))
    return selection.remove(scores, nearest(left, most, target.left(counter)))


def nearest(left: Callable[[int], int], last: int, wanted: float) -> int:
    """Return the smallest argument from 0 to ``last`` at which a function is nearest to a value.

    Args:
        left: falls, or stays, as its argument grows.
        last: largest argument.
        wanted: the value.
    """
    end = _first(lambda count: count == last or left(count) <= wanted, last)
    if end and left(end - 1) - wanted <= wanted - left(end):
        end -= 1
    return _first(lambda count: left(count) <= left(end), end)


def _first(holds: Callable[[int], bool], last: int) -> int:
    """Return the smallest number at which something holds that goes on to hold up to the last."""
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def one_unit(what: Counted, masks: KeepMasks, counter: Counter) -> int:
    """Return the most that one unit is worth: how much goes if it is removed as well."""
    own = masks.without_input()
    fewer = [KeepMasks({**own, name: _without_one(mask)}) for name, mask in own.items()]
    return max(counter.left(masks, what) - counter.left(each, what) for each in fewer)


def _without_one(mask: Tensor) -> Tensor:
    fewer = mask.clone()
    fewer[mask.nonzero().flatten()[-1:]] = False
    return fewer


def emptied(floor: int, counter: Counter) -> KeepMasks:
    """Return keep-masks without any unit above the floor."""
    return KeepMasks({layer.name: torch.arange(layer.units) < floor for layer in counter.wiring.layers})


def require_reachable(target: Target, least: KeepMasks, floor: int, counter: Counter) -> None:
    """Refuse a target that lies beyond what is left when every unit above the floor is gone.

    Args:
        target: what is wanted.
        least: the keep-masks then.
        floor: units of each layer that stay.
        counter: of the network.

    Raises:
        SettingError: says what can be reached.
    """
    removable, words = counter.removed(least)[target.of], COUNTED[target.of]
    if target.share <= removable + _ROUNDING:
        return
    why, remedy = (f" with a floor of {floor}", " or lower the floor") if floor else ("", "")
    rest = "" if target.of == "units" else "; the rest is in layers and channels that pruning leaves whole"
    raise SettingError(
        f"The target is to remove {target.share:.1%} of the {words}, and at most {removable:.1%} of this network's can "
        f"be removed{why}{rest}; ask for {int(removable * 1000) / 1000:g} or less{remedy}."
    )

"""Every ranking pruner reaches a share of the parameters or MACs to one unit's worth, or says that it did not."""

from dataclasses import replace

import pytest
import torch
from quick_pruners import RANKERS, quick
from test_ranker_contract import task
from torch import nn

from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Selection
from mipp_core.cutting.targets import Target, one_unit
from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.pruners import Ranker
from mipp_core.pruners.reaching import RERUNS, Reached, reach
from mipp_core.vocabulary import Counted

SHAPES = {4: (1, 4, 4), 16: (1, 16, 16)}

AGAIN = ("synflow", "iter-snip", "iter-grasp", "imp", "thinet")
"""Those that score anew at every sparsity."""

on_one = pytest.mark.parametrize("subject", ["mlp"], indirect=True)


def asked(found: Ranker, subject: tuple[nn.Module, Split], target: Target, selection: Selection) -> Reached:
    model, split = subject
    counter = Counter(model, SHAPES[split.images.shape[-1]])
    (reached,) = reach(found, task(model, split), [target], selection, counter)
    return reached


@pytest.mark.parametrize(
    ("name", "subject"),
    [*((name, "mlp") for name in RANKERS), *((name, "lenet5") for name in ("synflow", "thinet"))],
    indirect=["subject"],
)
def test_a_target_is_reached_to_one_units_worth_or_it_is_said(name: str, subject: tuple[nn.Module, Split], state_of):
    model, split = subject
    before, found = state_of(model), quick(name)
    of: Counted = "macs" if split.images.shape[-1] == 4 else "parameters"
    counter = Counter(model, SHAPES[split.images.shape[-1]])
    target = Target(0.4, of)
    for scope in found.scopes:
        reached = asked(found, subject, target, Selection(scope, floor=1))
        assert not reached.masks.collapsed
        off = abs(counter.left(reached.masks, of) - target.left(counter))
        more = KeepMasks({layer: _one_more(mask) for layer, mask in reached.masks.items()})
        worth = max(one_unit(of, reached.masks, counter), one_unit(of, more, counter))
        assert (off <= worth) != bool(reached.note)
        assert not reached.note or "training" in found.needs, "the others remove the last units one by one"
    assert asked(found, subject, target, Selection(scope, floor=1)) == reached, "the same seed, the same answer"
    assert state_of(model) == before


def _one_more(mask: torch.Tensor) -> torch.Tensor:
    more = mask.clone()
    more[(~mask).nonzero().flatten()[:1]] = True
    return more


@on_one
@pytest.mark.parametrize("name", RANKERS)
def test_a_target_beyond_reach_is_a_sentence(name: str, subject: tuple[nn.Module, Split]):
    found = quick(name)
    with pytest.raises(SettingError, match=r"at most .* can be removed with a floor of 2.*or lower the floor"):
        asked(found, subject, Target(0.99, "parameters"), Selection(found.scopes[0], floor=2))


class Counting:
    """Counts how often a pruner is asked for keep-masks."""

    def __init__(self, found: Ranker, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times, kind, usual = 0, type(found), type(found).masks

        def masks(*given: object) -> list[KeepMasks]:
            self.times += 1
            return usual(*given)

        monkeypatch.setattr(kind, "masks", masks)


@on_one
@pytest.mark.parametrize("name", AGAIN)
def test_a_pruner_that_scores_anew_is_asked_few_times(
    name: str, subject: tuple[nn.Module, Split], monkeypatch: pytest.MonkeyPatch
):
    found = quick(name)
    counting = Counting(found, monkeypatch)
    asked(found, subject, Target(0.3, "macs"), Selection(found.scopes[0]))
    assert 1 <= counting.times <= RERUNS


@on_one
def test_one_round_scores_once(subject: tuple[nn.Module, Split], monkeypatch: pytest.MonkeyPatch):
    found = replace(quick("synflow"), rounds=1)
    counting = Counting(found, monkeypatch)
    asked(found, subject, Target(0.3, "macs"), Selection("global"))
    assert counting.times == 0

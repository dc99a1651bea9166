"""Every kind of network that is easily cut wrongly is cut exactly, or refused in one sentence."""

import pytest
import torch

from benchmarks.kinds import SHAPE, built, cut
from benchmarks.kinds_of_networks import NETWORKS, REFUSED
from mipp_core import MippError, prune
from mipp_core.network.layers import wiring_of
from mipp_core.network.outputs import largest_difference
from mipp_core.network.recording import recorded

WHOLE = {"head: two, added": {"fc", "more"}, "U-Net": {"out"}, "optional arguments": {"fc"}}
"""Layers that give the answer."""


@pytest.mark.parametrize("kind", NETWORKS)
def test_it_is_cut_exactly_and_left_alone(kind: str, state_of):
    model, pruned, gap = cut(kind)
    assert pruned.difference <= 1e-10
    assert gap <= 1e-10
    assert sum(each.numel() for each in pruned.network.parameters()) < sum(each.numel() for each in model.parameters())
    assert state_of(model)["tensors"] == state_of(built(kind))["tensors"]


@pytest.mark.parametrize("kind", NETWORKS)
@torch.no_grad()
def test_the_recording_is_the_network(kind: str):
    model, generator = built(kind), torch.Generator().manual_seed(2)
    images, unseen = (torch.randn(count, *SHAPE, dtype=torch.float64, generator=generator) for count in (2, 7))
    assert largest_difference(recorded(model, images)(unseen.clone()), model(unseen)) <= 1e-10


@pytest.mark.parametrize("kind", [kind for kind in NETWORKS if kind.startswith("head") or kind in WHOLE])
def test_what_gives_the_answer_stays_whole(kind: str):
    images = torch.randn(2, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    wiring = wiring_of(recorded(built(kind), images))
    assert WHOLE.get(kind, {"fc"}) <= set(wiring.whole)
    assert all("answer" in wiring.whole[name] for name in WHOLE.get(kind, {"fc"}))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning", "ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_in_one_sentence(kind: str):
    build, words = REFUSED[kind]
    with pytest.raises(MippError, match=words) as refusal:
        prune(build(), torch.randn(4, *SHAPE), pruner="magnitude", sparsity=0.5)
    assert str(refusal.value).count("\n") == 0

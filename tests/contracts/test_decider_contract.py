"""What every pruner that decides by confidence promises, on every family of models."""

import pytest
import torch
from quick_pruners import CONFIDENCES, DECIDERS, answer, quick
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.errors import CancelledError
from mipp_core.network.finding import Layer
from mipp_core.network.layers import wiring_of
from mipp_core.network.silencing import silence
from mipp_core.vocabulary import Progress, silent


@pytest.mark.parametrize("name", DECIDERS)
def test_a_decider_decides_every_unit_at_every_confidence_once(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    decisions = quick(name).decide(model, split, 0, CONFIDENCES, silent)
    for layer in wiring_of(model).layers:
        decided = torch.zeros(len(CONFIDENCES), layer.units, dtype=torch.int64)
        for d in decisions:
            if d.layer == layer.name:
                decided[d.first_level : d.last_level + 1, d.unit] += 1
        assert (decided == 1).all()
    assert {d.layer for d in decisions} == set(wiring_of(model).names)


@pytest.mark.parametrize("name", DECIDERS)
def test_the_same_seed_gives_the_same_decisions_to_the_last_digit(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    first, second = (quick(name).decide(model, split, 3, CONFIDENCES, silent) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", DECIDERS)
def test_dead_units_are_removed_at_every_confidence(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    wiring = wiring_of(model)
    for layer in wiring.layers:
        silence(model, wiring, layer.name, ~torch.isin(torch.arange(layer.units), torch.tensor([0, 2])))
    found = answer(quick(name), model, split)
    assert all(not keep[:, [0, 2]].any() for keep in found.values())
    assert len(found[wiring.names[0]]) == len(CONFIDENCES)


def nobody_reads(found: dict[str, Tensor], layer: Layer, level: int) -> bool:
    """Whether all layers that read a layer have no unit left."""
    return all(reader in found and not found[reader][level].any() for reader in layer.readers)


@pytest.mark.parametrize("name", DECIDERS)
def test_a_layer_whose_readers_collapsed_is_removed_whole(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    wiring = wiring_of(model)
    reader = wiring.layers[-1]
    silence(model, wiring, reader.name, torch.zeros(reader.units, dtype=torch.bool))
    found = answer(quick(name), model, split)
    assert not found[reader.name].any()
    unread = [layer.name for layer in wiring.layers if nobody_reads(found, layer, 0)]
    assert len(unread) == len(wiring.layers) - 1 or any(layer.in_stream for layer in wiring.layers)
    assert unread
    assert all(not found[layer][0].any() for layer in unread)


@pytest.mark.parametrize("name", DECIDERS)
def test_a_collapse_at_some_confidences_cascades_at_those(name: str, subject: tuple[nn.Module, Split]):
    model, split = subject
    found = answer(quick(name), model, split)
    for level in range(len(CONFIDENCES)):
        for layer in wiring_of(model).layers:
            assert not (nobody_reads(found, layer, level) and found[layer.name][level].any())


@pytest.mark.parametrize("name", DECIDERS)
def test_a_report_can_stop_it_and_the_network_is_as_it_was(name: str, subject: tuple[nn.Module, Split], state_of):
    model, split = subject
    before = state_of(model)

    def stop(progress: Progress) -> None:
        raise CancelledError(f"stopped while {progress.stage}")

    with pytest.raises(CancelledError, match="stopped while Testing"):
        quick(name).decide(model, split, 0, CONFIDENCES, stop)
    assert state_of(model) == before

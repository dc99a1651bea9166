"""What is counted on shapes alone is what the slim network has once it is made."""

import pytest
import torch
from followers import COUNTED, SHAPE, built

from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import shrink
from mipp_core.evaluation import macs, parameters


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 0.9])
@pytest.mark.parametrize("name", COUNTED)
def test_a_count_is_that_of_the_slim_network(name: str, share: float):
    model = built(name)
    counter = Counter(model, SHAPE)
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        kept = {layer.name: torch.rand(layer.units, generator=generator) < share for layer in counter.wiring.layers}
        masks = KeepMasks(kept)
        slim, found = shrink(model, masks), counter.size(masks)
        assert (found.units, found.parameters, found.macs) == (
            sum(masks.kept.values()),
            parameters(slim),
            macs(slim, SHAPE),
        )


@pytest.mark.parametrize("name", COUNTED)
def test_the_whole_network_is_counted_and_left_as_it_was(name: str, state_of):
    model = built(name)
    before = state_of(model)
    dense = Counter(model, SHAPE).dense
    assert (dense.parameters, dense.macs) == (parameters(model), macs(model, SHAPE))
    assert state_of(model) == before


def test_shares_are_of_the_whole_network():
    model = built("flattened")
    counter = Counter(model, SHAPE)
    masks = KeepMasks({"conv": torch.arange(5) < 3, "hidden": torch.arange(7) < 4})
    gone = counter.removed(masks)
    assert gone["units"] == pytest.approx(5 / 12)
    assert gone["parameters"] == 1 - parameters(shrink(model, masks)) / parameters(model)
    assert gone["macs"] == 1 - macs(shrink(model, masks), SHAPE) / macs(model, SHAPE)

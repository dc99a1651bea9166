import torch
from followers import SHAPE, built

from mipp_core.cutting.collapse import collapse_words, collapsed
from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import shrink


def masks(counter: Counter, *empty: str) -> KeepMasks:
    whole = {layer.name: torch.ones(layer.units, dtype=torch.bool) for layer in counter.wiring.layers}
    return KeepMasks({name: mask & (name not in empty) for name, mask in whole.items()})


def test_a_layer_that_nothing_goes_round_has_collapsed():
    counter = Counter(built("depthwise"), SHAPE)
    assert collapsed(masks(counter), counter.wiring) == ()
    assert collapsed(masks(counter, "expand"), counter.wiring) == (), "the stream goes round it"
    assert collapsed(masks(counter, "stem", "expand"), counter.wiring) == ("stem",)


def test_branches_collapse_together_and_not_alone():
    model = built("branches")
    counter = Counter(model, SHAPE)
    images = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0))
    for empty in (("left",), ("right",), ("left", "right")):
        found = masks(counter, *empty)
        answers = shrink(model, found)(images)
        says_one_thing = torch.allclose(answers, answers[:1].expand_as(answers))
        assert collapsed(found, counter.wiring) == (empty if says_one_thing else ())


def test_many_layers_are_not_all_named():
    words = collapse_words([f"layer{n}" for n in range(7)], "ask for less", "At 2 of 3 points")
    assert words == (
        "At 2 of 3 points, no unit is left in layer0, layer1, layer2, layer3 and 3 more, so the network gives one "
        "answer for every image; ask for less."
    )

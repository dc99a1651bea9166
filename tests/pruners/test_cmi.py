"""CMI pruning: the walk, its conditioning, and where it cuts."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from mipp_core import prune
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Selection
from mipp_core.data.dataset import Split
from mipp_core.errors import ModelError, SettingError
from mipp_core.information.ordering import ordered
from mipp_core.network.layers import wiring_of
from mipp_core.network.recording import recorded
from mipp_core.pruners import Cmi, Magnitude, Task, pruner
from mipp_core.pruners.cmi_trace import Examined, Look
from mipp_core.pruners.cmi_walk import Walk
from mipp_core.vocabulary import silent

QUICK = Cmi(alpha=2.0, samples=60, validation=60, width="shared")
CLASSES = 3


@pytest.fixture(scope="module")
def data() -> Split:
    """Images whose first columns say the class and whose others are noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(150) % CLASSES
    images = 0.3 * torch.randn(150, 1, 6, 6, generator=generator)
    images[torch.arange(150), 0, :, labels] += 1.0
    return Split(images, labels)


def network(reads: int = 36) -> nn.Module:
    """Neurons that read one pixel each: six know a class, six are noise, one is dead; and a layer behind them."""
    first, second, last = nn.Linear(reads, 13), nn.Linear(13, 6), nn.Linear(6, CLASSES)
    with torch.no_grad():
        first.weight.zero_()
        first.bias.zero_()
        for unit in range(6):
            first.weight[unit, 6 * unit + unit % CLASSES] = 1.0
            first.weight[6 + unit, 6 * unit + 4] = 1.0
        first.bias[12] = -1.0
        second.weight.zero_()
        second.bias.zero_()
        second.weight[torch.arange(6), torch.arange(6)] = 1.0
        last.weight.zero_()
        last.bias.zero_()
        last.weight[torch.arange(6) % CLASSES, torch.arange(6)] = 1.0
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), second, nn.ReLU(), last).eval()


def examined(settings: Cmi, model: nn.Module, data: Split) -> Examined:
    return settings.examine(recorded(model, data.images[:2]), data, 0)


def test_units_that_know_the_labels_come_before_noise_and_dead_ones_last(data: Split):
    found = examined(replace(QUICK, direction="forward"), network(), data)
    order = found.by_name["1"].ordering.order
    assert set(order[:6]) == set(range(6))
    assert order[-1] == 12 and found.by_name["1"].still == (12,)
    assert found.by_name["1"].scores[12] == 0


def test_forward_goes_from_the_input_on_and_both_ways_from_the_best_layer(data: Split):
    forward = examined(replace(QUICK, direction="forward"), network(), data)
    assert [each.layer for each in forward.layers] == ["1", "3"] and not forward.alone
    both = examined(QUICK, network(), data)
    start = both.layers[0].layer
    fine = {name: each for name, each in both.alone.items() if each.accuracy >= both.dense - QUICK.acceptable}
    widths = {"1": 13, "3": 6}
    if fine:
        assert start == max(fine, key=lambda name: 1 - fine[name].kept / widths[name])
    else:
        assert start == max(both.alone, key=lambda name: both.alone[name].accuracy)


def test_the_way_back_is_conditioned_on_the_next_layer(data: Split):
    """With an acceptance that only the last layer passes, the walk starts there and goes back."""
    walk = Walk.over(QUICK, recorded(network(), data.images[:2]), data, 0, silent)
    walk._best_start = lambda alone: "3"  # type: ignore[method-assign]
    found = walk.taken()
    assert [(each.layer, each.given) for each in found.layers] == [("3", ()), ("1", ("3",))]


@pytest.mark.parametrize(("conditioning", "given"), [("per-layer", ()), ("compact", ("3",)), ("full", ("1", "3"))])
def test_what_is_given(conditioning: str, given: tuple[str, ...], data: Split):
    model = network()
    deeper = nn.Sequential(*model[:5], nn.Linear(6, 6), nn.ReLU(), model[5]).eval()
    settings = replace(QUICK, direction="forward", conditioning=conditioning)
    assert examined(settings, deeper, data).by_name["5"].given == given


def test_the_curve_is_the_orders_given_what_was_kept_before(data: Split):
    """A slow twin of the second layer: kernels by themselves, the product of the first layer's kept ones given."""
    settings = replace(QUICK, direction="forward", width="median")
    walk = Walk.over(settings, recorded(network(), data.images[:2]), data, 0, silent)
    maps, labels = walk.maps, walk.drawn.labels
    found = walk.taken()
    first, second = found.layers
    own = maps.units["3"]
    given = maps.units["1"][first.mask].kernels("median", 1.0, 0).prod(0)
    living = own.living
    expected = ordered(own[living].kernels("median", 1.0, 0), labels, 2.0, given)
    assert second.ordering.mutual[: len(expected.mutual)] == pytest.approx(expected.mutual)


def test_a_residual_layer_is_given_the_stream_it_reads():
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.stem, self.inner = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1)
            self.outer, self.after, self.last = nn.Conv2d(5, 4, 1), nn.Conv2d(4, 5, 3), nn.Linear(5, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = torch.relu(self.stem(x))
            x = x + self.outer(torch.relu(self.inner(x)))
            return self.last(torch.relu(self.after(x)).mean((2, 3)))

    generator = torch.Generator().manual_seed(1)
    split = Split(torch.randn(80, 1, 8, 8, generator=generator), torch.arange(80) % 2)
    model = recorded(Block().eval(), split.images[:2])
    found = replace(QUICK, direction="forward", samples=30).examine(model, split, 0)
    assert {each.layer: each.given for each in found.layers}["after"] == ("after",)


@pytest.mark.parametrize("cut_off", ["scree", "x-means", "permutation"])
def test_every_rule_cuts_and_says_what_it_tried(cut_off: str, data: Split):
    found = examined(replace(QUICK, cut_off=cut_off, shuffles=20), network(), data)
    for layer in found.layers:
        assert 1 <= layer.kept <= len(layer.ordering.order)
        assert layer.kept in [each.kept for each in layer.tried]
        assert len(layer.tried) == (QUICK.bends if cut_off == "scree" else 1)
        best = max(layer.tried, key=lambda each: (each.accuracy, -each.kept))
        assert layer.kept == best.kept


def test_its_own_ratio_is_the_point_at_which_scores_are_a_half(data: Split):
    found = examined(QUICK, network(), data)
    for layer in found.layers:
        assert ((layer.scores > 0.5) == layer.mask).all()
    model = network()
    own = prune(model, data.images, data.labels, pruner=QUICK)
    same_share = prune(model, data.images, data.labels, pruner=QUICK, sparsity=own.masks.sparsity)
    assert own.masks == same_share.masks == found.masks
    assert own.difference < 1e-5


def test_a_pruner_without_ratios_of_its_own_says_so(data: Split):
    with pytest.raises(SettingError, match=r"Give either a confidence, such as 0\.99, or a sparsity"):
        prune(network(), data.images, data.labels, pruner="magnitude")
    with pytest.raises(SettingError, match=r"Magnitude has no ratio of its own; give a share to remove"):
        pruner("magnitude").own(Task(network(), data))  # type: ignore[union-attr]


def test_it_is_read_back_as_it_was_written(data: Split):
    found = examined(QUICK, network(), data)
    assert Examined.from_json(found.to_json()) == found
    look = QUICK.look(recorded(network(), data.images[:2]), data, 0, "3")
    assert Look.from_json(look.to_json()) == look


def test_a_look_at_a_layer_asks_every_rule(data: Split):
    model = recorded(network(), data.images[:2])
    look = replace(QUICK, shuffles=20).look(model, data, 0, "1")
    alone = replace(QUICK, conditioning="per-layer", direction="forward").examine(model, data, 0).by_name["1"]
    assert look.ordering == alone.ordering
    assert [kept for kept, _ in look.bends] == [each.kept for each in alone.tried]
    assert 1 <= look.x_means <= 12 and 1 <= look.permutation <= 12
    with pytest.raises(SettingError, match="There is no layer 'conv9' to prune; there are: 1, 3"):
        QUICK.look(model, data, 0, "conv9")


def test_a_layer_that_is_dead_keeps_one_unit(data: Split):
    model = network()
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].bias.fill_(-1.0)
    found = examined(QUICK, model, data)
    assert found.by_name["1"].kept == 1 and found.by_name["1"].still == tuple(range(13))
    assert not found.by_name["1"].scores.any()


def test_few_images_are_enough(data: Split):
    few = Split(data.images[:4], data.labels[:4])
    found = examined(replace(QUICK, samples=256), network(), few)
    assert found.layers[0].ordering.samples == 2


def test_one_image_is_too_few(data: Split):
    with pytest.raises(SettingError, match="CMI was given 1 image; give at least 2"):
        examined(QUICK, network(), Split(data.images[:1], data.labels[:1]))


def test_activations_that_are_no_numbers_are_a_sentence(data: Split):
    model = network()
    with torch.no_grad():
        model[1].weight[3, 3] = torch.nan
    with pytest.raises(ModelError, match="The activations of 1 are not all finite"):
        examined(QUICK, model, data)


def test_labels_as_one_hot_vectors_tell_less(data: Split):
    """Their kernel hardly tells classes apart with the paper's width, so all informations are smaller."""
    exact, soft = (
        examined(replace(QUICK, labels=how, direction="forward"), network(), data) for how in ("exact", "one-hot")
    )
    assert soft.layers[0].ordering.mutual[-1] < exact.layers[0].ordering.mutual[-1]


def test_wiring_is_that_of_the_network(data: Split):
    assert examined(QUICK, network(), data).names == wiring_of(recorded(network(), data.images[:2])).names


class OwnRatios(Magnitude):
    """Another pruner that cuts by itself, as somebody may write one."""

    cuts_itself = True

    def own(self, task: Task) -> KeepMasks:
        return self.masks(task, (0.25,), Selection("layer"))[0]


def test_any_ranking_pruner_may_cut_by_itself(data: Split):
    found = prune(network(), data.images, data.labels, pruner=OwnRatios())
    assert found.masks.kept == {"1": 10, "3": 4}


def test_its_own_ratios_have_no_floor_or_scope(data: Split):
    with pytest.raises(SettingError, match="Cmi's own ratios have no scope or floor; leave them out"):
        prune(network(), data.images, data.labels, pruner=QUICK, floor=2)


def test_a_sham_shows_the_bias_and_the_permutation_test_is_not_fooled_by_it(data: Split):
    """Shuffled labels: nothing can be told of them, but narrow kernels seem to tell them all."""
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(5))
    model, sham = recorded(network(), data.images[:2]), Split(data.images, data.labels[order])
    narrow = replace(QUICK, width_factor=0.05, shuffles=50)
    real, fake = (narrow.look(model, each, 0, "1") for each in (data, sham))
    assert fake.ordering.mutual[-1] == pytest.approx(real.ordering.mutual[-1], rel=0.05)
    assert fake.chance == pytest.approx(fake.ordering.mutual[-1], rel=0.05)
    assert fake.permutation == 1
    wide = replace(QUICK, shuffles=50).look(model, data, 0, "1")
    assert wide.chance < 0.5 * wide.ordering.mutual[-1]


def test_one_class_tells_nothing(data: Split):
    found = examined(QUICK, network(), Split(data.images, torch.zeros_like(data.labels)))
    for layer in found.layers:
        assert max(layer.ordering.mutual) < 1e-9


def test_a_layers_sensitivity_holds_the_cuts_that_were_tried(data: Split):
    found = examined(QUICK, network(), data)
    for cut in found.layers:
        known = {each.kept: each for each in cut.sensitivity}
        assert [*known] == sorted(known) and len(cut.ordering.order) in known
        assert all(known[each.kept] == each for each in cut.tried)
    first = found.layers[0]
    whole = first.sensitivity[-1]
    assert whole.accuracy == found.dense, "all units of the layer that is cut first are the whole network"


def test_what_shuffled_labels_seem_to_be_told_is_less_than_the_real_ones(data: Split):
    for cut in examined(QUICK, network(), data).layers:
        assert cut.chance is not None and 0 <= cut.chance < cut.ordering.mutual[-1]


def test_pictures_show_each_class_once_and_every_unit_from_dark_to_bright(data: Split):
    found = examined(QUICK, network(), data)
    again = Examined.from_json(found.to_json()).pictures
    assert again is not None and found.pictures is not None
    assert again.labels == (0, 1, 2)
    assert again.images.shape == (3, 1, 6, 6)
    assert {name: tuple(maps.shape) for name, maps in again.maps.items()} == {"1": (3, 13, 1, 1), "3": (3, 6, 1, 1)}
    assert all(torch.equal(again.maps[name], found.pictures.maps[name]) for name in again.maps)
    moving = again.maps["1"].amax((0, 2, 3)) > 0
    assert moving[:6].all() and not moving[12], "a dead neuron stays dark"


def test_it_reports_its_progress_and_can_be_cancelled_when_a_share_is_asked_for(data: Split):
    said: list[str] = []
    task = Task(recorded(network(), data.images[:2]), data, 0, report=lambda progress: said.append(progress.stage))
    assert QUICK.scored(task).keys() == {"1", "3"}
    assert "Ordering 3" in said

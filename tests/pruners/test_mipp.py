"""MIPP as a whole: its order, its cascades, its levels."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.errors import CancelledError, SettingError
from mipp_core.information import LEVELS, confidence_of, quantiles
from mipp_core.information.terc import Decision, keep_masks
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import Mipp
from mipp_core.vocabulary import Progress

TINY = Mipp(
    members=2,
    hidden=(16,),
    fit_steps=300,
    refit_steps=5,
    unit_steps=3,
    rank_steps=10,
    batch_size=30,
    samples=200,
    learning_rate=1e-2,
    estimate_size=32,
)
ALL = tuple(confidence_of(level) for level in range(LEVELS))
WIDTHS = {"input": 16, "fc1": 8, "fc2": 6}


def layers(decisions: list[Decision], levels: int) -> dict[str, Tensor]:
    names = dict.fromkeys(decision.layer for decision in decisions)
    return {n: keep_masks([d for d in decisions if d.layer == n], WIDTHS[n], levels) for n in names}


def fates(decisions: list[Decision], level: int) -> dict[tuple[str, int], tuple[bool, int, float]]:
    """What one level's sweep did to each unit: removed or not, tested with how many, at which statistic."""
    return {
        (d.layer, d.unit): (level >= d.removed_from, d.tested_with, d.gain.statistic if d.gain else 0.0)
        for d in decisions
        if d.first_level <= level <= d.last_level
    }


@pytest.mark.parametrize("settings", [{"longest_block": 1}, {"longest_block": 8}, {"reference": "current"}])
def test_a_level_decides_alike_alone_and_in_the_sweep(mlp: nn.Module, noise_split: Callable[..., Split], settings):
    mlp, split = mlp.double(), noise_split(800)
    split = Split(split.images.double(), split.labels)
    with torch.no_grad():  # every unit alive
        for parameter in mlp.parameters():
            parameter.mul_(2.5)
    pruner = replace(TINY, samples=600, **settings)
    swept = pruner.decide(mlp, split, 0, ALL)
    assert len({tuple(torch.cat(rows).tolist()) for rows in zip(*layers(swept, LEVELS).values(), strict=True)}) > 2
    for level in (0, 4, 9, 19):
        alone = fates(pruner.decide(mlp, split, 0, (ALL[level],)), 0)
        together = fates(swept, level)
        assert list(alone) == list(together)
        for unit, (removed, tested_with, statistic) in alone.items():
            assert together[unit][:2] == (removed, tested_with)
            assert together[unit][2] == pytest.approx(statistic, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("pixels", [False, True])
def test_layers_are_decided_from_the_output_to_the_input(
    mlp: nn.Module, noise_split: Callable[..., Split], pixels: bool
):
    decisions = replace(TINY, pixels=pixels).decide(mlp, noise_split(), 0, ALL)
    assert list(layers(decisions, LEVELS)) == ["fc2", "fc1", "input"][: 2 + pixels]
    for name in layers(decisions, LEVELS):
        decided = torch.zeros(LEVELS, WIDTHS[name], dtype=torch.int64)
        for d in decisions:
            if d.layer == name:
                decided[d.first_level : d.last_level + 1, d.unit] += 1
        assert (decided == 1).all()


def known(samples: int = 800) -> tuple[Tensor, Tensor]:
    """Units that tell ever more of the target, out of order; unit 2 never varies."""
    x = torch.randn(samples, 5, generator=torch.Generator().manual_seed(0))
    x[:, 2] = 0.5
    return x, (x * torch.tensor([3.0, 0.3, 0.0, 5.0, 1.0])).sum(1, keepdim=True)


def decisions_on(pruner: Mipp, inputs: Tensor, targets: Tensor, wanted: Tensor, levels: int = 1) -> list[Decision]:
    thresholds = quantiles(ALL[:levels])
    return [d for made in pruner.test_units("fc1", inputs, targets, wanted, thresholds, 0) for d in made]


def test_the_least_informative_unit_is_tested_first_and_the_constant_one_not_at_all():
    decisions = decisions_on(
        replace(TINY, rank_steps=200, longest_block=1), *known(), torch.ones(1, 1, dtype=torch.bool)
    )
    assert [d.unit for d in decisions] == [2, 1, 4, 0, 3]
    assert [d.order for d in decisions] == [0, 1, 2, 3, 4]
    assert [d.gain is None for d in decisions] == [True, False, False, False, False]


def test_a_constant_unit_is_removed_at_every_level():
    keep = keep_masks(decisions_on(TINY, *known(), torch.ones(6, 1, dtype=torch.bool), levels=6), 5, 6)
    assert not keep[:, 2].any()
    assert keep[:, 3].all()


def test_only_units_that_never_vary_are_left_without_a_test():
    inputs = torch.full((100, 3), 0.25)
    decisions = decisions_on(TINY, inputs, torch.randn(100, 1), torch.ones(2, 1, dtype=torch.bool), levels=2)
    assert [(d.unit, d.removed_from, d.gain) for d in decisions] == [(0, 0, None), (1, 0, None), (2, 0, None)]


def in_a_stream(used: list[int], samples: int = 1200) -> tuple[Tensor, Tensor, Tensor]:
    """A stream of four channels with a layer and without it, and a next layer that reads what some units add."""
    generator = torch.Generator().manual_seed(0)
    stream, added = torch.randn(2, samples, 4, generator=generator)
    return stream + added, stream, (stream + added)[:, used]


@pytest.mark.parametrize("used", [[1], [0, 3], [2]])
def test_in_a_stream_a_unit_stays_if_the_next_layer_needs_what_it_adds(used: list[int]):
    inputs, left, targets = in_a_stream(used)
    wanted = torch.ones(1, len(used), dtype=torch.bool)
    pruner = replace(TINY, fit_steps=600, unit_steps=60, rank_steps=100, estimate_size=256)
    thresholds = quantiles(ALL[3:4])
    rounds = pruner.test_units("fc1", inputs, targets, wanted, thresholds, 0, left)
    made = [decision for found in rounds for decision in found]
    assert keep_masks(made, 4, 1)[0].nonzero().flatten().tolist() == used


def test_a_unit_that_adds_nothing_to_its_stream_goes_untested_however_much_the_stream_says():
    inputs, left, targets = in_a_stream([0])
    left[:, 2] = inputs[:, 2]
    wanted, thresholds = torch.ones(1, 1, dtype=torch.bool), quantiles(ALL[:1])
    rounds = TINY.test_units("fc1", inputs, targets, wanted, thresholds, 0, left)
    made = [decision for found in rounds for decision in found]
    assert [(d.unit, d.order) for d in made if d.gain is None] == [(2, 0)]


def residual(small_architecture, seed: int = 1) -> nn.Module:
    return small_architecture("resnet18").build(seed).eval()


def test_a_block_that_is_given_up_does_not_take_the_blocks_before_it_along(small_architecture, noise_split):
    model, split = residual(small_architecture), noise_split(400, (2, 8, 8))
    with torch.no_grad():  # the last block adds nothing
        model.layer4[1].bn2.weight.zero_()
        model.layer4[1].bn2.bias.zero_()
    decisions = TINY.decide(model, split, 0, (0.5, 0.875))
    kept = {
        layer.name: keep_masks([d for d in decisions if d.layer == layer.name], layer.units, 2)
        for layer in wiring_of(model).layers
    }
    assert not kept["layer4.1.conv2"].any()
    assert not kept["layer4.1.conv1"].any()
    assert {d.gain for d in decisions if d.layer == "layer4.1.conv1"} == {None}
    assert any(d.gain is not None for d in decisions if d.layer == "layer4.0.conv2")
    assert kept["layer4.0.conv2"].any()


def test_nothing_wanted_removes_everything_at_those_levels_alone():
    inputs, targets = known()
    wanted = torch.tensor([[True], [True], [False]])
    decisions = decisions_on(TINY, inputs, targets, wanted, levels=3)
    keep = keep_masks(decisions, 5, 3)
    assert keep[:2, 3].all()
    assert not keep[2].any()
    assert [d.gain for d in decisions if d.first_level == 2] == [None] * 5


def test_a_target_that_never_varies_informs_nobody():
    inputs, _ = known()
    decisions = decisions_on(TINY, inputs, torch.ones(len(inputs), 1), torch.ones(1, 1, dtype=torch.bool))
    assert not keep_masks(decisions, 5, 1).any()


def test_targets_pruned_away_do_not_keep_their_informants():
    x = torch.randn(800, 2, generator=torch.Generator().manual_seed(0))
    wanted = torch.tensor([[True, True], [True, False]])
    long = replace(TINY, fit_steps=300, unit_steps=40, unit_learning_rate=3e-3, learning_rate=3e-3)
    keep = keep_masks(decisions_on(long, x, 2 * x, wanted, levels=2), 2, 2)
    assert keep[0].tolist() == [True, True]
    assert keep[1].tolist() == [True, False]


def test_a_collapsed_layer_takes_the_layers_before_it_along(mlp: nn.Module, noise_split: Callable[..., Split]):
    with torch.no_grad():
        mlp.fc3.weight.zero_()
    decisions = replace(TINY, pixels=True).decide(mlp, noise_split(), 0, ALL)
    assert not any(keep.any() for keep in layers(decisions, LEVELS).values())
    assert all(decision.gain is None for decision in decisions)


class TwoStems(nn.Module):
    """Two layers read the image; the outputs of the first are always 0."""

    def __init__(self) -> None:
        super().__init__()
        self.dumb, self.stem, self.head = nn.Linear(8, 3), nn.Linear(8, 4), nn.Linear(7, 3)
        nn.init.zeros_(self.dumb.weight)

    def forward(self, images: Tensor) -> Tensor:
        x = images.flatten(1)
        return self.head(torch.cat([self.dumb(x).relu(), self.stem(x).relu()], 1))


def test_pixels_are_tested_against_the_first_reader_that_has_a_unit_left(noise_split: Callable[..., Split]):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = TwoStems().eval()
    assert wiring_of(model).image_readers == ("dumb", "stem")
    decisions = replace(TINY, pixels=True).decide(model, noise_split(200, (2, 2, 2)), 0, ALL[:1])
    assert all(decision.gain is None for decision in decisions if decision.layer == "dumb")
    assert any(decision.gain is not None for decision in decisions if decision.layer == "input")


def test_dead_units_are_always_removed(mlp: nn.Module, noise_split: Callable[..., Split]):
    with torch.no_grad():
        mlp.fc1.bias[3] = -1e3
        mlp.fc2.bias[[0, 5]] = -1e3
    keep = layers(TINY.decide(mlp, noise_split(), 0, ALL), LEVELS)
    assert not keep["fc1"][:, 3].any()
    assert not keep["fc2"][:, [0, 5]].any()
    assert keep["fc2"].any()


def test_a_pixel_that_never_varies_is_removed(mlp: nn.Module, noise_split: Callable[..., Split]):
    split = noise_split()
    split.images[:, 0, 0, 1] = -0.4
    decisions = replace(TINY, pixels=True).decide(mlp, split, 0, ALL[:3])
    assert not layers(decisions, 3)["input"][:, 1].any()


def test_progress_grows_to_1_and_can_be_stopped(mlp: nn.Module, noise_split: Callable[..., Split]):
    heard: list[Progress] = []
    TINY.decide(mlp, noise_split(), 0, ALL, heard.append)
    shares = [progress.done for progress in heard]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert [progress.stage for progress in heard][:: len(heard) - 1] == ["Testing fc2", "Testing fc1"]

    def stop(progress: Progress) -> None:
        raise CancelledError("stopped")

    with pytest.raises(CancelledError, match="stopped"):
        TINY.decide(mlp, noise_split(), 0, ALL, stop)


def test_a_confidence_outside_its_range_is_refused(mlp: nn.Module, noise_split: Callable[..., Split]):
    with pytest.raises(SettingError, match=r"The confidence 0\.4 is outside"):
        TINY.decide(mlp, noise_split(), 0, (0.4, 0.9))


@pytest.mark.parametrize("confidences", [(0.99, 0.5), ()])
def test_confidences_that_do_not_ascend_are_refused(mlp: nn.Module, noise_split: Callable[..., Split], confidences):
    with pytest.raises(SettingError):
        TINY.decide(mlp, noise_split(), 0, confidences)


@pytest.mark.filterwarnings("ignore")
def test_regressors_that_diverge_are_not_taken_for_an_answer(mlp: nn.Module, noise_split: Callable[..., Split]):
    with pytest.raises(SettingError):
        replace(TINY, learning_rate=1e30).decide(mlp, noise_split(), 0, (0.9,))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("held_out", [0.05, 0.99])
def test_too_few_samples_on_either_side_are_refused(mlp: nn.Module, noise_split: Callable[..., Split], held_out: float):
    with pytest.raises(SettingError):
        replace(TINY, samples=16, held_out=held_out).decide(mlp, noise_split(), 0, (0.9,))


def test_the_mean_decides_as_l1_does_and_the_spread_of_a_map_otherwise(small_architecture, noise_split):
    found = small_architecture("lenet5")
    model, split = found.build(seed=1).double().eval(), noise_split(240, found.image_shape)
    split = Split(split.images.double(), split.labels)
    summed, mean, spread = (
        replace(TINY, collapse=how).decide(model, split, 0, (0.5, 0.9)) for how in ("l1", "mean", "std")
    )
    tests = [
        [(d.layer, d.unit, d.removed_from, d.gain and d.gain.statistic) for d in made if d.layer == "conv2"]
        for made in (summed, mean, spread)
    ]
    assert [test[:3] for test in tests[0]] == [test[:3] for test in tests[1]]
    assert tests[0] != tests[2]

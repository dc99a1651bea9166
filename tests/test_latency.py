from dataclasses import asdict
from time import perf_counter

import pytest
import torch
from torch import nn

from mipp_core import latency as measuring
from mipp_core.errors import SettingError
from mipp_core.latency import Latency, LatencyComparison, compare_latency, latency

SHAPE = (1, 4, 4)


def network(width: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, width), nn.ReLU(), nn.Linear(width, width), nn.Linear(width, 3))


def test_a_latency_says_how_it_was_measured(mlp: nn.Module):
    found = latency(mlp, SHAPE, batch_size=3, seconds=0.1)
    assert 0 < found.p10_ms <= found.median_ms <= found.p90_ms
    assert found.repeats >= 5
    assert (found.batch_size, found.device, found.threads, found.dtype) == (
        3,
        "cpu",
        torch.get_num_threads(),
        "float32",
    )


def test_a_network_fifty_times_as_large_is_not_faster():
    (found,) = compare_latency(network(1500), network(30), SHAPE, batches=(64,), seconds=0.5)
    assert found.ratio > 1
    assert found.ratio == found.dense.median_ms / found.slim.median_ms


def test_both_networks_run_in_turns_as_often_at_each_batch_size():
    ran = []

    class Noted(nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            assert torch.is_inference_mode_enabled()
            assert not self.training
            ran.append((self.name, len(images)))
            return images

    found = compare_latency(Noted("dense"), Noted("slim"), SHAPE, batches=(1, 4), seconds=0.02)
    assert ran[::2] == [("dense", size) for _, size in ran[1::2]]
    assert [comparison.dense.batch_size for comparison in found] == [1, 4]
    assert all(comparison.dense.repeats == comparison.slim.repeats for comparison in found)


def test_the_quantiles_are_those_of_the_runs(monkeypatch: pytest.MonkeyPatch, mlp: nn.Module):
    monkeypatch.setattr(measuring, "_rounds", lambda calls, *_, **__: [[n / 1000] for n in range(1, 102)])
    found = latency(mlp, SHAPE)
    assert (found.median_ms, found.p10_ms, found.p90_ms) == pytest.approx((51, 11, 91))
    assert found.repeats == 101


def test_the_time_is_bounded(mlp: nn.Module):
    started = perf_counter()
    compare_latency(mlp, mlp, SHAPE, seconds=0.4)
    assert perf_counter() - started < 5


def test_the_networks_and_the_random_state_are_left_alone(mlp: nn.Module, state_of):
    mlp.train()
    before = state_of(mlp)
    compare_latency(mlp, mlp, SHAPE, seconds=0.02)
    assert state_of(mlp) == before


def test_the_type_is_the_network_s(mlp: nn.Module):
    assert latency(mlp.double(), SHAPE, seconds=0.02).dtype == "float64"


@pytest.mark.parametrize(("batch_size", "seconds"), [(0, 1.0), (-1, 1.0), (1, 0.0), (1, -1.0)])
def test_nothing_to_measure_is_a_sentence(batch_size: int, seconds: float, mlp: nn.Module):
    with pytest.raises(SettingError, match="give at least 1 image and more than 0 seconds"):
        latency(mlp, SHAPE, batch_size, seconds=seconds)


def test_a_comparison_is_plain_values():
    one = Latency(1, 2.0, 1.0, 3.0, 9, "cpu", 1, "float32")
    assert asdict(LatencyComparison(one, one))["dense"]["median_ms"] == 2.0
    assert LatencyComparison(one, one).ratio == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_an_accelerator_is_waited_for():
    found = latency(network(2000), SHAPE, 256, "cuda", seconds=0.5)
    assert found.device == torch.cuda.get_device_name()
    assert found.median_ms > 0

import json
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchmarks.batched_mlps import model_of
from mipp_core.command_line import main
from mipp_core.errors import SettingError
from mipp_core.limits import noise
from mipp_core.limits.mlps import drawn, stream
from mipp_core.limits.noise import FULL, SMALL, Noise, correlations, measure, noisy_points

TINY = Noise(seeds=2, points=30, features=6, width=10, layers=2, teacher=(5, 5), rounds=3, epochs=8, batch=10, every=3)


def plainly(how: Noise, seed: int) -> list[float]:
    """Follow one seed's correlation, one network and one step at a time, at the beginning and end of every round."""
    points, noises = noisy_points(how)
    inputs, wanted, z, found = points.inputs[seed], points.wanted[seed], noises[seed], []
    start = drawn(how.sizes, (seed,))
    keep = [torch.ones_like(each[0], dtype=torch.bool) for each in start.weights]
    total = sum(each.numel() for each in keep)

    def correlation(model):
        said = model(inputs).squeeze(1).detach()
        return sum((f - said.mean()) * own for f, own in zip(said, z, strict=True)).item() / len(z)

    for number in range(how.rounds):
        model, generator = model_of(start, 0), stream(seed, "order")
        linears = [layer for layer in model if isinstance(layer, nn.Linear)]
        with torch.no_grad():
            for layer, kept in zip(linears, keep, strict=True):
                layer.weight *= kept
        optimiser = torch.optim.Adam(model.parameters(), how.rate)
        found.append(correlation(model))
        for _ in range(how.epochs):
            for index in torch.randperm(how.points, generator=generator).split(how.batch):
                optimiser.zero_grad()
                functional.mse_loss(model(inputs[index]).squeeze(1), wanted[index]).backward()
                for layer, kept in zip(linears, keep, strict=True):
                    layer.weight.grad *= kept
                optimiser.step()
        found.append(correlation(model))
        left = torch.cat([layer.weight.detach().abs().flatten() for layer in linears])
        left[~torch.cat([kept.flatten() for kept in keep])] = -1
        flags = torch.zeros(total, dtype=torch.bool)
        flags[left.argsort(descending=True)[: round(total * 0.8 ** (number + 1))]] = True
        keep = [flag.view_as(kept) for flag, kept in zip(flags.split([k.numel() for k in keep]), keep, strict=True)]
    return found


def test_rounds_at_once_are_rounds_one_at_a_time():
    rows = measure(TINY)["rows"]
    plain = [plainly(TINY, seed) for seed in range(2)]
    for row in rows:
        first, last = ([each[2 * row["round"] + end] for each in plain] for end in range(2))
        assert row["first"] == pytest.approx(sum(first) / 2, abs=1e-5)
        assert row["each"] == pytest.approx(last, abs=1e-5)


def test_a_study_has_a_row_per_round_and_a_curve_over_all():
    found = measure(TINY)
    assert [row["kept"] for row in found["rows"]] == [170, 136, 109]
    assert found["curves"]["epoch"] == [0, 3, 6, 8, 8, 11, 14, 16, 16, 19, 22, 24]
    assert found["curves"]["round"] == [0] * 4 + [1] * 4 + [2] * 4
    assert len({len(each) for each in found["curves"].values()}) == 1
    assert json.loads(json.dumps(found, allow_nan=False))["study"] == "noise"


def test_one_seed_alone_is_that_row_of_the_batch():
    alone, together = measure(replace(TINY, seeds=1))["rows"], measure(TINY)["rows"]
    for one, both in zip(alone, together, strict=True):
        assert one["each"][0] == pytest.approx(both["each"][0], abs=1e-6)


def test_what_fits_the_noise_correlates_with_its_variance():
    how = replace(SMALL, seeds=2, rounds=2, points=200, variance=2.0)
    points, noises = noisy_points(how)
    assert noises.var().item() == pytest.approx(2, rel=0.2)
    teacher = points.wanted - noises
    assert teacher.std() < 0.5 * noises.std()
    for row in measure(how)["rows"]:
        assert abs(row["first"]) < 0.1
        assert row["last"] == pytest.approx(2, rel=0.25)


def test_a_network_that_says_one_thing_does_not_correlate():
    start = drawn(TINY.sizes, (0, 1))
    mute = start.masked(tuple(torch.zeros_like(each, dtype=torch.bool) for each in start.weights))
    assert correlations(mute, *noisy_points(TINY)).tolist() == pytest.approx([0, 0], abs=1e-7)


def test_bad_values_are_refused():
    with pytest.raises(SettingError, match="0 rounds; give 1 to 100"):
        replace(FULL, rounds=0)
    with pytest.raises(SettingError, match="1 points; give 2 to 100000"):
        replace(FULL, points=1)


def test_the_command_prints_json(capsys, monkeypatch):
    monkeypatch.setattr(noise, "SMALL", TINY)
    assert main(["limits", "noise", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 3
    assert main(["limits", "noise"]) == 0
    assert "correlation" in capsys.readouterr().out

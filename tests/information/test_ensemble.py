from math import sqrt

import pytest
import torch
from torch import Tensor, nn

from mipp_core.information import Ensemble, Pairs
from mipp_core.information.ensemble import Reading, Weights, draw_batches

STEPS, RATE = 12, 3e-3
KEEP = torch.tensor([[1, 1, 1, 1, 1], [1, 0, 1, 0, 1], [0, 0, 0, 1, 0]], dtype=torch.float64)
WANTED = torch.tensor([[1, 1, 1], [0, 1, 1], [0, 0, 0]], dtype=torch.float64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pairs(samples: int = 90) -> Pairs:
    x = torch.randn(samples, 5, generator=seeded(1), dtype=torch.float64)
    y = torch.stack([x[:, 0] * x[:, 1], x[:, 2].sin(), x.sum(1)], dim=1)
    return Pairs.split(x, y, held_out=0.3)


def case(hidden: tuple[int, ...]) -> tuple[Ensemble, Pairs, Weights, Tensor]:
    ensemble = Ensemble(members=2, hidden=hidden, batch_size=8)
    data = pairs()
    weights = ensemble.fresh(3, 5, 3, seeded(2), data.inputs)
    return ensemble, data, weights, torch.randint(len(data.inputs), (STEPS, 3, 2, 8), generator=seeded(3))


def network(weights: Weights, trial: int, member: int) -> nn.Sequential:
    """The slow twin: one ordinary perceptron with the same weights."""
    parts: list[nn.Module] = []
    for weight, bias in zip(weights[::2], weights[1::2], strict=True):
        linear = nn.Linear(weight.shape[2], weight.shape[3], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(weight[trial, member].T)
            linear.bias.copy_(bias[trial, member, 0])
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def slow_loss(net: nn.Module, inputs: Tensor, targets: Tensor, keep: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared error over the wanted targets, one number per sample."""
    chosen = wanted.nonzero().flatten()
    if not len(chosen):
        return net(inputs).sum(1) * 0
    return (net(inputs * keep) - targets)[:, chosen].square().mean(1)


def slow_fit(net: nn.Module, data: Pairs, keep: Tensor, wanted: Tensor, batches: Tensor) -> nn.Module:
    optimiser = torch.optim.Adam(net.parameters(), RATE, foreach=False, fused=False)
    for step, index in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (STEPS - step) / STEPS
        optimiser.zero_grad()
        slow_loss(net, data.inputs[index], data.targets[index], keep, wanted).mean().backward()
        optimiser.step()
    return net


@pytest.mark.parametrize("hidden", [(), (4,), (7, 4)])
def test_predict_is_a_stack_of_ordinary_perceptrons(hidden: tuple[int, ...]):
    ensemble, data, weights, _ = case(hidden)
    seen = data.inputs.expand(3, 1, -1, -1)
    found = ensemble.predict(weights, seen)
    assert found.shape == (3, 2, 63, 3)
    for trial in range(3):
        for member in range(2):
            expected = network(weights, trial, member)(data.inputs)
            torch.testing.assert_close(found[trial, member], expected.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("hidden", [(), (4,), (7, 4)])
def test_fit_is_adam_on_each_perceptron_by_itself(hidden: tuple[int, ...]):
    ensemble, data, weights, batches = case(hidden)
    before = [weight.clone() for weight in weights]
    fitted = ensemble.fit(weights, data, Reading(KEEP), WANTED, batches, RATE)
    losses = ensemble.held_out_losses(fitted, data, Reading(KEEP), WANTED)
    for trial in range(3):
        for member in range(2):
            net = network(weights, trial, member)
            slow_fit(net, data, KEEP[trial], WANTED[trial], batches[:, trial, member])
            for layer, linear in enumerate(net[::2]):
                torch.testing.assert_close(fitted[2 * layer][trial, member], linear.weight.T, rtol=1e-9, atol=1e-9)
                torch.testing.assert_close(fitted[2 * layer + 1][trial, member, 0], linear.bias, rtol=1e-9, atol=1e-9)
            expected = slow_loss(net, data.held_inputs, data.held_targets, KEEP[trial], WANTED[trial])
            torch.testing.assert_close(losses[trial, member], expected.detach(), rtol=1e-9, atol=1e-9)
    assert all(torch.equal(weight, old) for weight, old in zip(weights, before, strict=True))
    assert not any(weight.requires_grad for weight in fitted)


def test_trials_fitted_together_equal_each_alone():
    ensemble, data, weights, batches = case((7, 4))
    together = ensemble.fit(weights, data, Reading(KEEP), WANTED, batches, RATE)
    for trial in range(3):
        row = slice(trial, trial + 1)
        own = tuple(weight[row] for weight in weights)
        alone = ensemble.fit(own, data, Reading(KEEP[row]), WANTED[row], batches[:, row], RATE)
        for one, other in zip(together, alone, strict=True):
            torch.testing.assert_close(one[row], other, rtol=1e-11, atol=1e-11)


def test_batches_may_be_shared_by_all_trials():
    ensemble, data, weights, batches = case((4,))
    shared = ensemble.fit(weights, data, Reading(KEEP), WANTED, batches[:, :1], RATE)
    spelled_out = ensemble.fit(weights, data, Reading(KEEP), WANTED, batches[:, :1].expand(-1, 3, -1, -1), RATE)
    assert all(torch.equal(one, other) for one, other in zip(shared, spelled_out, strict=True))


def test_a_hidden_unit_changes_nothing_and_an_unwanted_target_costs_nothing():
    ensemble, data, weights, batches = case((4,))
    louder = Pairs(
        data.inputs + 100 * (1 - KEEP[1]),
        data.targets + torch.tensor([50.0, 0, 0]),
        data.held_inputs - 9 * (1 - KEEP[1]),
        data.held_targets,
        data.live_inputs,
        data.live_targets,
    )
    row = slice(1, 2)
    own = tuple(weight[row] for weight in weights)
    quiet, loud = (ensemble.fit(own, d, Reading(KEEP[row]), WANTED[row], batches[:, row], RATE) for d in (data, louder))
    for one, other in zip(quiet, loud, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        ensemble.held_out_losses(quiet, data, Reading(KEEP[row]), WANTED[row]),
        ensemble.held_out_losses(loud, louder, Reading(KEEP[row]), WANTED[row]),
        rtol=1e-12,
        atol=1e-12,
    )


def test_no_steps_leave_the_weights_as_they_are():
    ensemble, data, weights, batches = case((4,))
    fitted = ensemble.fit(weights, data, Reading(KEEP), WANTED, batches[:0], RATE)
    assert all(torch.equal(one, other) for one, other in zip(fitted, weights, strict=True))


def test_losses_are_the_same_in_chunks():
    ensemble = Ensemble(members=2, hidden=(4,))
    data = pairs(9000)
    assert len(data.held_inputs) > 2048
    weights = ensemble.fresh(3, 5, 3, seeded(), data.inputs)
    found = ensemble.held_out_losses(weights, data, Reading(KEEP), WANTED)
    expected = slow_loss(network(weights, 1, 1), data.held_inputs, data.held_targets, KEEP[1], WANTED[1])
    torch.testing.assert_close(found[1, 1], expected.detach(), rtol=1e-12, atol=1e-12)


def test_fresh_weights_are_drawn_as_pytorch_does_and_from_the_generator_alone():
    ensemble = Ensemble(members=3, hidden=(50, 20))
    state = torch.random.get_rng_state()
    weights = ensemble.fresh(2, 16, 4, seeded(), torch.zeros(1, dtype=torch.float64))
    again = ensemble.fresh(2, 16, 4, seeded(), torch.zeros(1, dtype=torch.float64))
    assert [tuple(weight.shape[2:]) for weight in weights] == [(16, 50), (1, 50), (50, 20), (1, 20), (20, 4), (1, 4)]
    for weight, fan_in in zip(weights, (16, 16, 50, 50, 20, 20), strict=True):
        assert weight.shape[:2] == (2, 3)
        assert weight.dtype == torch.float64
        assert 0.8 / sqrt(fan_in) < weight.abs().max() <= 1 / sqrt(fan_in)
        assert not torch.equal(weight[0, 0], weight[0, 1])
    assert all(torch.equal(one, other) for one, other in zip(weights, again, strict=True))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_batches_depend_on_the_seed_alone():
    ensemble, state = Ensemble(members=2, batch_size=30), torch.random.get_rng_state()
    drawn = draw_batches(7, ensemble, 50, 3, torch.device("cpu"))
    assert drawn.shape == (7, 1, 2, 30)
    assert set(drawn.unique().tolist()) == set(range(50))
    assert torch.equal(drawn, draw_batches(7, ensemble, 50, 3, torch.device("cpu")))
    assert not torch.equal(drawn, draw_batches(7, ensemble, 50, 4, torch.device("cpu")))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_split_standardises_by_the_fitting_part():
    x = torch.randn(40, 3, generator=seeded(), dtype=torch.float64) * torch.tensor([1.0, 30.0, 0.1]) + 7
    data = Pairs.split(x, x[:, :2] * 5, held_out=0.25)
    assert (data.inputs.shape, data.held_inputs.shape) == ((30, 3), (10, 3))
    torch.testing.assert_close(data.inputs.mean(0), torch.zeros(3, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(data.inputs.square().mean(0), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(data.held_inputs, (x[30:] - x[:30].mean(0)) / x[:30].std(0, correction=0))
    torch.testing.assert_close(data.held_targets, data.held_inputs[:, :2])
    assert torch.equal(data.baseline, data.held_targets.square())


def test_columns_that_never_vary_while_fitting_are_dead_and_0():
    x = torch.randn(40, 3, generator=seeded())
    x[:, 1] = 0.3
    x[:30, 2] = 0.0
    data = Pairs.split(x, x, held_out=0.25)
    assert data.live_inputs.tolist() == data.live_targets.tolist() == [1, 0, 0]
    assert data.live_inputs.dtype == x.dtype
    assert data.inputs[:, 1:].count_nonzero() == data.held_inputs[:, 1:].count_nonzero() == 0
    assert data.held_targets.isfinite().all()


@pytest.mark.parametrize(("samples", "share", "held"), [(10, 0.25, 2), (10, 0.8, 8), (8000, 0.25, 2000)])
def test_the_share_held_out_is_rounded_down(samples: int, share: float, held: int):
    data = Pairs.split(torch.randn(samples, 1, generator=seeded()), torch.zeros(samples, 1), share)
    assert (len(data.inputs), len(data.held_inputs)) == (samples - held, held)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_rescaling_a_unit_changes_nothing(scale: float):
    x = torch.randn(40, 3, generator=seeded(), dtype=torch.float64)
    scaled = x * torch.tensor([scale, 1.0, 1.0], dtype=torch.float64)
    assert Pairs.split(scaled, x, 0.25).live_inputs.tolist() == [1, 1, 1]


def test_the_loss_taken_away_is_the_r_squared_of_a_linear_gaussian():
    generator = seeded(5)
    x = torch.randn(6000, 3, generator=generator)
    mixing = torch.tensor([[1.0, 0.5], [0.0, -1.0], [2.0, 0.3]])
    y = x @ mixing + torch.randn(6000, 2, generator=generator) * torch.tensor([1.0, 1.5])
    explained = mixing.square()
    total = explained.sum(0) + torch.tensor([1.0, 2.25])
    data = Pairs.split(x, y, held_out=0.5)
    ensemble = Ensemble(members=2, hidden=(32,), batch_size=200)
    keep = torch.tensor([[1.0, 1, 1], [1, 1, 0], [0, 0, 0]])
    wanted = torch.ones(3, 2)
    weights = ensemble.fresh(3, 3, 2, generator, x)
    batches = draw_batches(500, ensemble, len(data.inputs), 0, x.device)
    fitted = ensemble.fit(weights, data, Reading(keep), wanted, batches, 5e-3)
    losses = ensemble.held_out_losses(fitted, data, Reading(keep), wanted)
    taken = data.baseline.mean() - losses.mean((1, 2))
    torch.testing.assert_close(taken, ((keep @ explained) / total).mean(1), atol=0.04, rtol=0)

import pytest
import torch

from mipp_core.information import Pairs, ranking
from mipp_core.information.ranking import single_unit_information


def data(samples: int = 1200) -> Pairs:
    """The first target follows unit 2, the second unit 0 in a bent way; unit 1 never varies, unit 3 is noise."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(samples, 4, generator=generator, dtype=torch.float64)
    x[:, 1] = 0.7
    noise = torch.randn(samples, 2, generator=generator, dtype=torch.float64)
    y = torch.stack([x[:, 2] + 0.2 * noise[:, 0], x[:, 0].abs() + 0.2 * noise[:, 1]], dim=1)
    return Pairs.split(x, y, held_out=0.25)


def ranked(pairs: Pairs, steps: int = 300, seed: int = 0) -> torch.Tensor:
    return single_unit_information(pairs, (16,), 50, steps, 1e-2, seed)


def test_the_obviously_informative_unit_leads_for_its_target():
    information = ranked(data())
    assert information.shape == (4, 2)
    assert information.argmax(0).tolist() == [2, 0]
    assert information[2, 0] > 0.9
    assert information[0, 1] > 0.7


def test_noise_and_constant_units_tell_nothing():
    information = ranked(data())
    assert information[[1, 3]].abs().max() < 0.1


def test_copies_of_a_unit_tell_exactly_the_same():
    pairs = data()
    twins = Pairs(
        pairs.inputs[:, [2, 0, 2]],
        pairs.targets,
        pairs.held_inputs[:, [2, 0, 2]],
        pairs.held_targets,
        pairs.live_inputs[[2, 0, 2]],
        pairs.live_targets,
    )
    information = ranked(twins, steps=20)
    torch.testing.assert_close(information[0], information[2], rtol=1e-12, atol=1e-12)


def test_units_ranked_in_several_batches_are_ranked_alike(monkeypatch: pytest.MonkeyPatch):
    whole = ranked(data(), steps=20)
    monkeypatch.setattr(ranking, "_TOGETHER", 3)
    torch.testing.assert_close(ranked(data(), steps=20), whole, rtol=1e-10, atol=1e-10)


def test_the_same_seed_ranks_alike_and_leaves_the_global_state_alone():
    state = torch.random.get_rng_state()
    assert torch.equal(ranked(data(), 10), ranked(data(), 10))
    assert not torch.equal(ranked(data(), 10), ranked(data(), 10, seed=1))
    assert torch.equal(torch.random.get_rng_state(), state)

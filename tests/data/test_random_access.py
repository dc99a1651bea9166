import pytest
import torch

from mipp_core.data.random_access import RandomAccess

MASK = 2**64 - 1


def slow_bits(seed: int, stream: int, sample: int, purpose: int, position: int) -> int:
    """The hash in Python's unbounded integers."""
    gamma = 0x9E3779B97F4A7C15
    start = splitmix(seed)
    key = splitmix(splitmix(start + gamma * (stream + 1)) + gamma * (sample + 1))
    return splitmix(key + gamma * ((purpose << 32) + 1 + position))


def splitmix(word: int) -> int:
    word &= MASK
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & MASK
    return word ^ (word >> 31)


@pytest.mark.parametrize("seed", [0, 1, -1, 2**63, 2**70 + 3])
def test_bits_equal_their_slow_twin(seed: int):
    fast = RandomAccess.of(seed, 1, torch.tensor([0, 5, 59_999])).bits(2, 3)
    slow = [[slow_bits(seed, 1, sample, 2, k) for k in range(3)] for sample in (0, 5, 59_999)]
    assert [[word & MASK for word in row] for row in fast.tolist()] == slow


def test_splitmix_gives_the_published_sequence():
    """First outputs of SplitMix64 from state 0, as in every reference implementation."""
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    fast = RandomAccess(torch.tensor([0])).bits(0, 3)[0].tolist()
    assert [word & MASK for word in fast] == published


def test_any_sample_alone_has_the_same_numbers():
    everyone = RandomAccess.of(3, 0, torch.arange(50))
    alone = RandomAccess.of(3, 0, torch.tensor([17]))
    assert torch.equal(everyone.uniform(1, 9)[17:18], alone.uniform(1, 9))
    assert torch.equal(everyone.normal(1, 9)[17:18], alone.normal(1, 9))
    assert torch.equal(everyone.take(torch.tensor([17])).keys, alone.keys)


def test_a_longer_row_begins_with_the_shorter_one():
    numbers = RandomAccess.of(0, 0, torch.arange(4))
    assert torch.equal(numbers.normal(1, 11)[:, :6], numbers.normal(1, 6))


def test_seed_stream_and_purpose_all_matter():
    index = torch.arange(100)
    rows = [
        RandomAccess.of(seed, stream, index).bits(purpose, 4)
        for seed in (0, 1)
        for stream in (0, 1)
        for purpose in (0, 1)
    ]
    assert len(torch.stack(rows).unique()) == 8 * 400


def test_uniform_is_uniform():
    draws = RandomAccess.of(0, 0, torch.arange(1000)).uniform(0, 200).flatten()
    assert draws.min() >= 0.0
    assert draws.max() < 1.0
    counts = (draws * 100).long().bincount(minlength=100).double()
    chi2 = ((counts - 2000) ** 2 / 2000).sum()
    assert 60 < chi2 < 150  # 99 degrees of freedom: a mean of 99 and a standard deviation of 14


def test_normal_is_normal():
    draws = RandomAccess.of(0, 0, torch.arange(1000)).normal(0, 201).double().flatten()
    assert abs(draws.mean()) < 0.01
    assert abs(draws.std() - 1) < 0.01
    assert abs((draws**4).mean() - 3) < 0.1
    assert abs((draws.abs() < 1.959964).double().mean() - 0.95) < 0.003
    assert draws.abs().max() < 4.4


def test_samples_are_uncorrelated():
    draws = RandomAccess.of(0, 0, torch.arange(60)).normal(0, 4000).double()
    correlation = torch.corrcoef(draws) - torch.eye(60)
    assert correlation.abs().max() < 5.5 / 4000**0.5

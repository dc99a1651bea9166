"""Estimators where the truth is known: right, off, or blind, as each should be."""

import pytest
import torch
from sklearn.metrics import mutual_info_score

from mipp_core.errors import UnknownNameError
from mipp_core.playground import estimators
from mipp_core.playground.blind import EXAMPLES, example
from mipp_core.playground.estimators import ESTIMATORS, estimated
from mipp_core.playground.known import DISTRIBUTIONS, known
from mipp_core.playground.renyi_limit import renyi_limit

N = 1000


def read(estimator, name, strength, n=N, seed=0):
    pair = known(name)
    return estimated(estimator, pair, pair.drawn(strength, n, seed), seed).nats


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_independent_variables_tell_nothing(estimator):
    name = "xor" if ESTIMATORS[estimator].discrete_only else "gaussian"
    assert read(estimator, name, 0.0) == pytest.approx(0, abs=0.05)


RIGHT = [
    *(("closed-form", name) for name in ("gaussian", "gaussian-2d", "gaussian-5d")),
    *(("neighbours", name) for name in ("gaussian", "cubed", "triple", "xor")),
    *(("perceptrons", name) for name in ("gaussian", "gaussian-2d", "triple", "xor")),
    *(("counting", name) for name in ("triple", "xor")),
    *(("renyi-1.01", name) for name in ("triple", "xor")),
]


@pytest.mark.parametrize(("estimator", "name"), RIGHT)
def test_those_that_can_know_it_are_near_the_truth(estimator, name):
    assert read(estimator, name, 0.8) == pytest.approx(known(name).truth(0.8), abs=0.08)


@pytest.mark.parametrize("name", ["ring", "triple", "xor"])
def test_the_closed_form_is_blind_to_what_is_not_linear(name):
    assert abs(read("closed-form", name, 0.9)) < 0.02 < known(name).truth(0.9) / 10


def test_perceptrons_are_blind_where_only_the_spread_varies():
    assert abs(read("perceptrons", "ring", 0.9)) < 0.1 < known("ring").truth(0.9) / 10


@pytest.mark.parametrize("estimator", ["renyi-1.01", "renyi-2"])
@pytest.mark.parametrize("name", ["gaussian", "gaussian-2d", "triple", "xor"])
def test_renyi_tends_to_its_own_limit(estimator, name):
    limit = renyi_limit(known(name), 0.8, ESTIMATORS[estimator].alpha)
    assert read(estimator, name, 0.8) == pytest.approx(limit, abs=0.03)


def test_counting_is_the_plug_in_estimate():
    x, y = known("triple").drawn(0.5, 200, 0)
    codes = (x @ torch.tensor([1.0, 2.0, 4.0]).double()).long()
    assert read("counting", "triple", 0.5, 200) == pytest.approx(mutual_info_score(codes, y[:, 0]))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_same_seed_reads_the_same(estimator, monkeypatch):
    monkeypatch.setattr(estimators, "STEPS", 10)
    name = "xor" if ESTIMATORS[estimator].discrete_only else "gaussian"
    assert read(estimator, name, 0.5, 100) == read(estimator, name, 0.5, 100)


def test_an_answer_that_is_always_the_same_tells_nothing(monkeypatch):
    monkeypatch.setattr(estimators, "STEPS", 10)
    pair = known("xor")
    samples = pair.drawn(0.9, 100, 0)[0], torch.ones(100, 1, dtype=torch.double)
    for estimator in ("perceptrons", "counting", "renyi-2"):
        assert estimated(estimator, pair, samples, 0).nats == pytest.approx(0, abs=1e-6)


def test_what_each_takes():
    assert not ESTIMATORS["counting"].takes(known("ring"), 100)
    assert ESTIMATORS["counting"].takes(known("xor"), 5000)
    assert ESTIMATORS["renyi-2"].takes(known("ring"), 2000)
    assert not ESTIMATORS["renyi-2"].takes(known("ring"), 2001)
    assert all(ESTIMATORS["neighbours"].takes(pair, 5000) for pair in DISTRIBUTIONS.values())
    with pytest.raises(UnknownNameError, match="closed-form"):
        estimated("guess", known("xor"), known("xor").drawn(0.5, 10, 0), 0)


@pytest.mark.parametrize(("name", "whole", "without"), [("triple", 0.5623, 0.2158), ("xor", 0.6931, 0.0)])
def test_the_smallest_examples_of_what_a_linear_rebuild_cannot_see(name, whole, without):
    found = example(name)
    assert (found.nats.whole, found.nats.without) == pytest.approx((whole, without), abs=1e-4)
    assert found.best.whole == pytest.approx(1)
    assert found.best.lost == pytest.approx(2 / 3 if name == "triple" else 1)
    assert found.linear.lost < 0.01
    assert found.perceptrons.lost == pytest.approx(found.best.lost, abs=0.08)
    assert name in EXAMPLES

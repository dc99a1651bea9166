"""The unbiased test: what carries nothing goes, one of two copies goes, and a test of nothing finds nothing."""

import pytest
import torch
from torch import Tensor

from mipp_core.information import LEVELS, Ensemble, Pairs, confidence_of, quantiles
from mipp_core.information.controlled import Controlled, Retained, compare, weights_of
from mipp_core.information.imputation import Imputation
from mipp_core.information.terc import Branch, Gain, keep_masks
from mipp_core.pruners import Mipp

SETTINGS = Mipp(hidden=(32, 32), fit_steps=600, refit_steps=60, estimate_size=64, reference="control")
TRUE, NOISE, LEAD = slice(2, 6), slice(8, 14), slice(0, 2)
COPIES = slice(6, 8)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def kept(seed: int) -> Tensor:
    """Test 6 true inputs, exact copies of the first two, and 6 columns of noise; return a keep-mask per level."""
    true, outputs = normal(4000, 6, seed=seed), normal(6, 8, seed=seed + 100)
    inputs = torch.cat([true, true[:, LEAD], normal(4000, 6, seed=seed + 200)], 1)
    thresholds = quantiles(tuple(map(confidence_of, range(LEVELS))))
    wanted = torch.ones(LEVELS, 8, dtype=torch.bool)
    rounds = SETTINGS.test_units("l", inputs, (true @ outputs).relu(), wanted, thresholds, seed)
    return keep_masks([decision for made in rounds for decision in made], 14, LEVELS)


@pytest.fixture(scope="module")
def masks() -> Tensor:
    return torch.stack([kept(seed) for seed in range(4)])


def test_noise_is_kept_in_at_most_half_of_the_cases_at_level_0_and_never_from_level_3_on(masks: Tensor):
    noise = masks[:, :, NOISE].double().mean((0, 2))
    assert noise[0] <= 0.5
    assert not noise[3:].any()


def test_one_of_two_exact_copies_goes_and_the_other_stays(masks: Tensor):
    copies = masks[:, :, LEAD].int() + masks[:, :, COPIES].int()
    assert (copies >= 1).all()
    assert (copies[:, 0] == 1).double().mean() >= 0.5
    assert (copies[:, 3:] == 1).all()


def test_what_tells_something_stays(masks: Tensor):
    assert masks[:, :, TRUE].all()


def estimator(columns: Tensor, targets: Tensor, seed: int = 7) -> Controlled:
    ensemble = Ensemble(members=3, hidden=(16,), batch_size=40)
    return Controlled(Pairs.split(columns, targets, 0.25), ensemble, 20, 5e-4, 64, 0.0, seed)


def started(subject: Controlled, steps: int = 300) -> Retained:
    inputs, targets = subject.pairs.inputs.shape[1], subject.pairs.targets.shape[1]
    generator = torch.Generator().manual_seed(1)
    fresh = subject.ensemble.fresh(1, inputs, targets, generator, subject.pairs.inputs)
    return subject.start(fresh, torch.ones(1, targets, dtype=subject.pairs.inputs.dtype), steps)[0]


def branch(state: Retained, unit: int, units: int) -> Branch[Retained]:
    order = (unit, *(each for each in range(units) if each != unit))
    return Branch(range(1), torch.ones(units, dtype=state.wanted.dtype), order, state)


def test_a_sham_test_finds_nothing():
    """A column that never varies is masked: nothing is taken away, so only the retraining is left."""
    columns = torch.cat([normal(800, 4, seed=0), torch.ones(800, 1)], 1)
    subject = estimator(columns, columns[:, :2].square())
    (gain, _), *_ = subject.test([branch(started(subject), 4, 5)])
    assert gain.estimates == (0.0, 0.0, 0.0)


def test_a_sham_test_on_other_minibatches_finds_nothing_within_its_error():
    """Tests and controls on independent minibatches: the mean gain of 40 is within three of its standard errors."""
    columns = normal(800, 4, seed=0)
    gains = []
    for seed in range(40):
        subject = estimator(columns, columns[:, :2].square(), seed)
        state = started(subject)
        losses = [
            subject._retrained([state.regressors], state.wanted[None], subject._batches(20, f"{which} {seed}"))[0][1]
            for which in ("test", "control")
        ]
        gains.append((losses[0] - losses[1]).mean())
    found = torch.stack(gains).double()
    assert found.mean().abs() < 3 * found.std() / 40**0.5


def test_compare_agrees_with_a_calculation_by_hand():
    control, without = normal(2, 3, 50, seed=0).square().double(), normal(2, 3, 50, seed=1).square().double()
    found = compare(control, without, torch.tensor([0.0, 0.1], dtype=torch.float64), 16)
    for trial, allowed in enumerate((0.0, 0.1)):
        difference = (without - control)[trial].numpy()
        estimates = difference.mean(1)
        error = ((estimates.var(ddof=1) + difference.var(1, ddof=1).mean() / 16) / 3) ** 0.5
        expected = Gain(tuple(estimates), error, (estimates.mean() - allowed) / error)
        assert found[trial].estimates == pytest.approx(expected.estimates, rel=1e-12)
        assert found[trial].standard_error == pytest.approx(error, rel=1e-12)
        assert found[trial].statistic == pytest.approx(expected.statistic, rel=1e-12)


def test_tests_together_answer_as_each_alone_and_share_one_control():
    columns = normal(800, 4, seed=0).double()
    subject = estimator(columns, columns[:, :2].square())
    state = started(subject, 1500)
    together = subject.test([branch(state, unit, 4) for unit in range(4)])
    assert len(subject._controls) == 1
    for unit, (gain, _) in enumerate(together):
        alone = estimator(columns, columns[:, :2].square())
        ((found, _),) = alone.test([branch(started(alone, 1500), unit, 4)])
        assert gain.statistic == pytest.approx(found.statistic, rel=1e-8)
    assert together[0][0].statistic > 3
    assert together[3][0].statistic < 2


def test_what_is_shown_for_removed_units_is_their_least_squares_prediction():
    columns = normal(400, 5, seed=0).double() @ normal(5, 5, seed=1).double()
    pairs = Pairs.split(columns, columns[:, :1], 0.25)
    keep = torch.tensor([1.0, 0, 1, 1, 0], dtype=torch.float64)
    reading = Imputation.of(pairs).reading(keep)
    (shown,) = reading.of(pairs.inputs[None, None], None)[0]
    table = torch.cat([pairs.inputs[:, keep.bool()], torch.ones(300, 1)], 1)
    expected = table @ torch.linalg.lstsq(table, pairs.inputs).solution
    torch.testing.assert_close(shown, expected, rtol=0, atol=1e-4)


def test_in_a_stream_the_own_part_of_a_removed_unit_is_predicted_from_what_is_still_read():
    stream, own = normal(400, 4, seed=0).double(), normal(400, 4, seed=1).double()
    own[:, 1] = stream[:, 1]
    own[:, 2] = 2 * own[:, 0] - 1
    pairs = Pairs.split(stream + own, own[:, :1], 0.25, stream)
    keep = torch.tensor([1.0, 0, 1, 1], dtype=torch.float64)
    reading = Imputation.of(pairs).reading(keep)
    (shown,) = reading.of(pairs.inputs[None, None], pairs.without[None, None])[0]
    torch.testing.assert_close(shown[:, [0, 2, 3]], pairs.inputs[:, [0, 2, 3]])
    torch.testing.assert_close(shown[:, 1], pairs.inputs[:, 1], atol=0.15, rtol=0)  # clipped values apart


def test_weights_of_takes_one_trial():
    weights = (normal(2, 3, 4, 5, seed=0), normal(2, 3, 1, 5, seed=1))
    assert torch.equal(weights_of(weights, 1)[0], weights[0][1])

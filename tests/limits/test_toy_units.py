"""MIPP and CMI over the toy's units: the enumerated masks are those of the pruners themselves, and bits are counted."""

from itertools import pairwise
from math import log2

import pytest
import torch
from torch import nn

from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.information import LEVELS, confidence_of
from mipp_core.information.ordering import ordered
from mipp_core.information.renyi import gaussian, squared_distances, squared_widths
from mipp_core.information.terc import keep_masks
from mipp_core.limits.bits import entropy_bits
from mipp_core.limits.toy import UNITS, all_cases, initial, parts, trained
from mipp_core.limits.toy_cmi import masks_by_cmi
from mipp_core.limits.toy_orders import Setting
from mipp_core.limits.toy_regressors import Regressors, losses
from mipp_core.limits.toy_units import (
    SETS,
    allowed,
    hidden,
    is_in,
    lost_in_closed_form,
    masks_by_perceptrons,
    masks_in_closed_form,
)
from mipp_core.limits.toy_units_measure import CONFIDENCES, measure_units
from mipp_core.pruners import ClosedForm

LEVELS_TRIED = tuple(map(confidence_of, range(LEVELS)))


@pytest.fixture(scope="module")
def cases():
    return all_cases()


@pytest.fixture(scope="module", params=[0, 1])
def networks(request, cases):
    """The networks of all data sets from one initialisation; the second one has units that are dead from the start."""
    return trained(initial(request.param).expand(len(cases), -1), cases, 100, 0.5)


def network_of(parameters):
    weights, biases, out, shift = parts(parameters)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, UNITS), nn.ReLU(), nn.Linear(UNITS, 1)).double()
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), (weights, biases, out[None], shift), strict=True):
            parameter.copy_(value)
    return model.eval()


def number_of(keep):
    return int(sum(1 << unit for unit, stays in enumerate(keep.tolist()) if stays))


@pytest.mark.parametrize("data_set", [0, 7, 321, 500, 803, 1111, 1490, 1791])
def test_enumerated_masks_are_those_of_mipp_in_closed_form(data_set, networks, cases):
    chosen = masks_in_closed_form(lost_in_closed_form(networks, cases), LEVELS_TRIED)[data_set]
    model, points = network_of(networks[data_set]), cases.points[data_set].view(-1, 1, 1, 3)
    with torch.no_grad():
        if model(points).std() < 1e-6:
            pytest.skip("the output never varies")
    split = Split(points, (cases.labels[data_set] > 0).long())
    made = ClosedForm(samples=16).decide(model, split, 0, LEVELS_TRIED)
    keep = keep_masks([each for each in made if each.layer == "1"], UNITS, LEVELS)
    assert chosen.tolist() == [number_of(row) for row in keep]


def test_the_best_read_out_of_a_set_is_found_by_least_squares(networks, cases):
    lost, read = lost_in_closed_form(networks, cases), hidden(networks, cases)
    target = read @ parts(networks)[2].unsqueeze(-1)
    for data_set in range(0, len(cases), 199):
        for number, members in enumerate(is_in()):
            columns = torch.cat([read[data_set][:, members], torch.ones(6, 1).double()], -1)
            fitted = columns @ torch.linalg.lstsq(columns, target[data_set], driver="gelsd").solution
            variance = target[data_set].var(correction=0)
            share = (fitted - target[data_set]).square().mean() / variance if variance > 1e-24 else 0
            assert lost[data_set, number] == pytest.approx(float(share), abs=1e-9)


def test_what_may_be_lost_grows_with_confidence():
    found = allowed(LEVELS_TRIED)
    assert found[0] == 1e-6
    assert (found.diff() > 0).all()


@pytest.mark.parametrize("data_set", range(0, 1792, 157))
def test_enumerated_orders_are_those_of_cmi(data_set, networks, cases):
    chosen = masks_by_cmi(networks, cases)[data_set]
    distances = squared_distances(hidden(networks, cases)[data_set].T.unsqueeze(-1))
    kernels = gaussian(distances, squared_widths(distances, 1, "shared", together=UNITS))
    order = ordered(kernels, (cases.labels[data_set] > 0).long(), 2.0).order
    assert chosen.tolist() == [sum(1 << unit for unit in order[:kept]) for kept in range(UNITS + 1)]


def plain_loss(read, target, how, member):
    """One regressor by PyTorch's modules, from the weights that a batch gives its member."""
    sizes, generator = (UNITS, how.width, how.width, 1), torch.Generator().manual_seed(how.seed)
    drawn = [torch.randn(how.members, 1, a, b, generator=generator).mul(a**-0.5)[member, 0] for a, b in pairwise(sizes)]
    model = nn.Sequential(
        nn.Linear(UNITS, how.width), nn.ReLU(), nn.Linear(how.width, how.width), nn.ReLU(), nn.Linear(how.width, 1)
    )
    with torch.no_grad():
        for layer, value in zip([model[0], model[2], model[4]], drawn, strict=True):
            layer.weight.copy_(value.T)
            layer.bias.zero_()
    optimiser = torch.optim.Adam(model.parameters(), how.rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, how.steps)
    for _ in range(how.steps):
        optimiser.zero_grad()
        (model(read) - target).square().mean().backward()
        optimiser.step()
        schedule.step()
    return (model(read) - target).square().mean().item()


def test_regressors_trained_together_are_those_trained_alone():
    cases, how = all_cases(3), Regressors(members=2, width=5, steps=15)
    networks = trained(initial(3).expand(len(cases), -1), cases, 50, 0.5)
    found = losses(networks, cases, how)
    assert found.shape == (2, len(cases), SETS)
    read = hidden(networks, cases)
    target = read @ parts(networks)[2].unsqueeze(-1)
    for data_set, number in ((3, 15), (200, 9), (447, 1)):
        columns, wanted = (
            ((each[data_set] - each[data_set].mean(0)) / each[data_set].std(0, correction=0).clamp_min(1e-12)).float()
            for each in (read, target)
        )
        for member in range(2):
            alone = plain_loss(columns * is_in()[number], wanted, how, member)
            assert found[member, data_set, number] == pytest.approx(alone, rel=1e-3, abs=1e-6)


def test_a_unit_stays_if_its_removal_costs_more_than_the_threshold():
    lost = torch.zeros(2, 1, SETS)
    for number, members in enumerate(is_in()):
        lost[:, 0, number] = 1.0 - 0.5 * members[2] - torch.tensor([0.1, 0.3]) * members[0]
    chosen = masks_by_perceptrons(lost, (0.5, 0.99, 0.999999))
    assert chosen[0].tolist() == [0b0101, 0b0100, 0b0100]  # unit 0's gain: 0.2 with standard error 0.1


@pytest.fixture(scope="module")
def document():
    return measure_units(3)


def test_bits_are_within_every_bound_and_training_puts_the_labels_in(document):
    by_name = {(each["pruner"], each["start"]): each for each in document["curves"]}
    assert set(by_name) == {(p, s) for p in ("mipp-closed-form", "cmi") for s in ("initial", "trained")}
    for each in by_name.values():
        assert len(each["bits"]) == 3
        for bits, kept in zip(each["bits"], each["kept"], strict=True):
            assert all(0 <= value <= document["most"] < document["ceiling"] for value in bits)
            assert all(0 <= units <= UNITS for units in kept)
    before, after = (by_name["mipp-closed-form", start] for start in ("initial", "trained"))
    for early, late in zip(before["bits"], after["bits"], strict=True):
        assert max(early) <= log2(28) + 1e-9
        assert len(early) == LEVELS
        assert late[9] > early[9], "at level 9 the masks of trained networks know more of the data"
    for curve in (*before["kept"], *after["kept"]):
        assert curve == sorted(curve, reverse=True), "what a level removes, higher levels remove"
    cmi = by_name["cmi", "initial"]
    assert all(bits[0] == bits[-1] == 0 for bits in cmi["bits"]), "no unit or all of them: there is nothing to tell"


def test_untrained_masks_of_mipp_do_not_depend_on_labels(cases):
    start = initial(0).expand(len(cases), -1)
    masks = masks_in_closed_form(lost_in_closed_form(start, cases), CONFIDENCES)
    by_points = masks.view(28, 64, -1)
    assert (by_points == by_points[:, :1]).all()
    assert entropy_bits(by_points[:, 0, 9]) == pytest.approx(entropy_bits(masks[:, 9]))


def test_bits_about_labels_are_a_part_of_all_bits_and_0_before_mipp_has_seen_one(document):
    for curve in document["curves"]:
        for bits, labels in zip(curve["bits"], curve["labels"], strict=True):
            assert all(0 <= part <= whole + 1e-9 for part, whole in zip(labels, bits, strict=True))
        if curve["pruner"] == "mipp-closed-form" and curve["start"] == "initial":
            assert all(max(labels) == 0 for labels in curve["labels"])
        else:
            assert all(max(labels) > 0.1 for labels in curve["labels"])


def test_regressors_are_measured_if_asked():
    found = measure_units(1, Setting(20), 2, Regressors(members=2, width=3, steps=5))
    assert {each["pruner"] for each in found["curves"]} == {"mipp-closed-form", "cmi", "mipp"}
    assert found["setting"]["regressors"]["steps"] == 5


def test_bad_numbers_are_refused():
    with pytest.raises(SettingError, match="9 points; give 1 to 8"):
        measure_units(1, points=9)

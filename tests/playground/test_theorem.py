"""Theorem 1 on a network: the rebuilt layer against the network with those weights, and what every order loses."""

import pytest
import torch

from mipp_core.data.dataset import Split
from mipp_core.errors import ModelError
from mipp_core.models import architecture
from mipp_core.network.layers import wiring_of
from mipp_core.playground.reading import Between, Rest
from mipp_core.playground.theorem import ALLOWED, ORDERS, Theorem
from mipp_core.pruners.magnitude import Magnitude

DEAD = 2
FIT, HELD = 300, 150


@pytest.fixture(scope="module")
def network():
    """A small LeNet5, one neuron of which is always silent."""
    made = architecture("lenet5", (1, 16, 16), 3, (4, 5, 9, 7)).build(seed=1).eval()
    with torch.no_grad():
        made.fc1.weight[DEAD], made.fc1.bias[DEAD] = 0.0, -1.0
    return made


@pytest.fixture(scope="module")
def images():
    return torch.randn(FIT + HELD, 1, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def labels(network, images):
    return network(images[FIT:]).argmax(1)


@pytest.fixture(scope="module")
def theorem(network, images, labels):
    def make(layer, fit=FIT, seed=0):
        return Theorem(wiring_of(network, images[:2]), layer, images[:fit], images[FIT:], labels, seed)

    return make


def changed(network, name, weights, shift):
    """Return a copy of the network with other weights in one layer."""
    copy = architecture("lenet5", (1, 16, 16), 3, (4, 5, 9, 7)).build(seed=1).eval()
    copy.load_state_dict(network.state_dict())
    layer = copy.get_submodule(name)
    with torch.no_grad():
        layer.weight.copy_(weights.T.reshape(layer.weight.shape))
        layer.bias += shift
    return copy


@pytest.mark.parametrize("layer", ["conv1", "conv2", "fc1", "fc2"])
def test_the_rest_of_the_network_answers_as_a_network_with_those_weights(network, images, layer):
    wiring = wiring_of(network, images[:2])
    between = Between(wiring, layer, images[:FIT], images[FIT:])
    noise = torch.randn(between.problem.weights.shape, generator=torch.Generator().manual_seed(1)).double()
    weights, shift = between.problem.weights + 0.1 * noise, noise[0]
    found = Rest(wiring, between.reader, images[FIT:]).answers(weights, shift)
    expected = changed(network, between.reader, weights, shift)(images[FIT:])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found, network(images[FIT:]), atol=1e-3)


@pytest.mark.parametrize("layer", ["conv1", "fc1"])
def test_losses_are_those_of_what_the_layer_computes(network, images, theorem, layer):
    made = theorem(layer)
    reader, gone = made.between.reader, 3
    found = made.rebuilt("MIPP")
    results = []
    missing = made.between.problem.weights - made._weights(list(found.order))[gone]
    other = changed(network, reader, made.between.problem.weights - missing, made.between.fitted.mean @ missing)
    for each in (network, other):
        each.get_submodule(reader).register_forward_hook(lambda *call: results.append(call[2].detach().double()))
        each(images[FIT:])
        each.get_submodule(reader)._forward_hooks.clear()
    true, rebuilt = (each.flatten(2).movedim(1, 2).flatten(0, 1) if each.ndim > 2 else each for each in results)
    share = (true - rebuilt).square().mean(0) / true.var(0, correction=0)
    assert found.held[gone] == pytest.approx(float(share.mean()), rel=1e-3)
    assert found.accuracy[gone] == pytest.approx(
        float((other(images[FIT:]).argmax(1) == network(images[FIT:]).argmax(1)).double().mean())
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layer", ["conv2", "fc1"])
def test_from_nothing_lost_to_everything(theorem, layer, order):
    made = theorem(layer)
    found, units = made.rebuilt(order), made.between.units
    assert sorted(found.order) == list(range(units))
    assert all(len(each) == units + 1 for each in (found.fitted, found.held, found.nats, found.accuracy))
    assert list(found.fitted) == sorted(found.fitted)
    assert (found.fitted[0], found.held[0]) == pytest.approx((0, 0), abs=1e-4)
    assert (found.fitted[-1], found.held[-1]) == pytest.approx((1, 1), abs=0.1)
    assert found.accuracy[0] == made.dense == 1.0
    assert found.nats[-1] == pytest.approx(made.most, abs=0.05)


def test_a_silent_unit_goes_first_and_for_free(theorem):
    made = theorem("fc1").rebuilt("MIPP")
    assert made.order[0] == DEAD
    assert made.free >= 1
    assert made.fitted[made.free] < 1e-6 < made.fitted[made.free + 1]
    assert made.held[1] < 1e-5
    assert made.held[made.cheap] <= ALLOWED < made.held[made.cheap + 1]


def test_few_images_hide_what_is_lost_on_others(theorem):
    made = theorem("fc1", fit=6).rebuilt("MIPP")
    assert made.free > 2
    assert made.fitted[3] < 1e-6
    assert made.held[3] > 0.01
    assert made.held[0] > ALLOWED  # not even the weights that are there are found
    assert made.cheap == 0


def test_the_orders_are_what_they_say(network, theorem, images):
    made = theorem("fc1", seed=3)
    norms = Magnitude().scores(network, Split(images, torch.zeros(len(images), dtype=torch.int64)), 0)["fc1"]
    assert list(made.rebuilt("magnitude").order) == norms.argsort(stable=True).tolist()
    assert made.rebuilt("random").order == theorem("fc1", seed=3).rebuilt("random").order
    assert made.rebuilt("random").order != theorem("fc1", seed=4).rebuilt("random").order
    rows = made.between.fitted.rows
    targets = made.between.problem.weights.T @ rows
    told = [float(torch.corrcoef(torch.stack([row, t]))[0, 1] ** 2) for row in rows for t in targets]
    alone = torch.tensor(told).nan_to_num().view(len(rows), -1).mean(1)
    ascending = list(made.rebuilt("ascending MI").order)
    assert (alone[ascending].diff() >= -1e-4).all()
    greedy, others = made.rebuilt("MIPP"), [made.rebuilt(name) for name in ORDERS]
    assert greedy.fitted[2] <= min(other.fitted[2] for other in others) + 1e-6


def test_the_cloud_goes_from_the_diagonal_to_the_mean(theorem):
    made = theorem("fc1")
    cloud = made.cloud(made.rebuilt("MIPP").order, points=400)
    assert cloud.rebuilt.shape == (10, 400)
    torch.testing.assert_close(cloud.rebuilt[0], cloud.true, rtol=0, atol=0.02)
    assert cloud.true.std() == pytest.approx(1, abs=0.15)
    assert cloud.rebuilt[-1].abs().max() < 0.5
    error = [(each - cloud.true).square().mean().item() for each in cloud.rebuilt]
    assert error[-1] == pytest.approx(1, abs=0.3)


def test_a_layer_in_a_stream_is_refused(small_architecture):
    network = small_architecture("resnet18").build(seed=0).eval()
    pictures = torch.randn(8, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    wiring = wiring_of(network, pictures[:2])
    layer = next(each.name for each in wiring.layers if each.in_stream)
    with pytest.raises(ModelError, match="plain network"):
        Between(wiring, layer, pictures, pictures)


def test_nothing_is_changed(network, images, labels, state_of):
    before = state_of(network)
    Theorem(wiring_of(network, images[:2]), "conv2", images[:FIT], images[FIT:], labels).rebuilt("random")
    assert state_of(network) == before

"""Units as random variables: what is measured of them, and what a layer reads."""

import torch
from torch import Tensor, nn

from mipp_core.information.feature_maps import feature_maps, variables
from mipp_core.information.renyi import gaussian, squared_distances, squared_widths
from mipp_core.network.layers import wiring_of
from mipp_core.network.recording import recorded

IMAGES = torch.randn(12, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def plain() -> nn.Module:
    torch.manual_seed(0)
    parts = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 5), nn.ReLU()
    return nn.Sequential(*parts, nn.Linear(5, 3)).eval()


class Residual(nn.Module):
    """A stem and one block."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.stem, self.inner = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        self.outer, self.after, self.last = nn.Conv2d(6, 4, 1), nn.Conv2d(4, 5, 3), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        x = x + self.outer(torch.relu(self.inner(x)))
        return self.last(torch.relu(self.after(x)).mean((2, 3)))


def test_a_unit_is_its_map_as_the_next_layer_reads_it():
    model = plain()
    found = feature_maps(model, wiring_of(model, IMAGES), IMAGES)
    with torch.no_grad():
        maps, neurons = model[:3](IMAGES), model[:6](IMAGES)
    assert (len(found.units["0"]), found.units["0"].numbers) == (4, 16)
    assert (len(found.units["4"]), found.units["4"].numbers) == (5, 1)
    row, column = torch.triu_indices(12, 12, 1)
    for name, expected in (("0", maps.flatten(2).movedim(0, 1)), ("4", neurons.T[..., None])):
        torch.testing.assert_close(found.units[name].pairs, squared_distances(expected)[:, row, column])
    assert found.owners == {"4": ("0",)} and not found.shared


def test_kernels_are_those_of_whole_matrices():
    maps = torch.randn(9, 3, 5, generator=torch.Generator().manual_seed(2))
    distances = squared_distances(maps.movedim(0, 1))
    for width in ("paper", "median", "shared"):
        expected = gaussian(distances, squared_widths(distances, 5, width, 0.7, 3))
        torch.testing.assert_close(variables(maps).kernels(width, 0.7, 3), expected)


def test_pooled_maps_have_few_numbers():
    model = plain()
    wiring = wiring_of(model, IMAGES)
    pooled = feature_maps(model, wiring, IMAGES, pooled=2)
    assert (pooled.units["0"].numbers, pooled.units["4"].numbers) == (4, 1)
    expected = nn.functional.avg_pool2d(model[:3](IMAGES).detach(), 2)
    torch.testing.assert_close(pooled.units["0"].pairs, variables(expected).pairs)
    assert feature_maps(model, wiring, IMAGES, pooled=9).units["0"].numbers == 16


def test_behind_a_sum_a_layer_reads_the_stream():
    model = Residual().eval()
    recording = recorded(model, IMAGES)
    wiring = wiring_of(recording)
    found = feature_maps(recording, wiring, IMAGES)
    assert set(found.shared) == {"after"} and found.owners["after"] == ()
    with torch.no_grad():
        x = torch.relu(model.stem(IMAGES))
        stream = x + model.outer(torch.relu(model.inner(x)))
    torch.testing.assert_close(found.shared["after"][0].pairs, variables(stream).pairs)


def test_only_what_is_kept_is_retained():
    model = plain()
    found = feature_maps(model, wiring_of(model, IMAGES), IMAGES)
    kept = {"0": torch.tensor([True, False, True, False]), "4": torch.zeros(5, dtype=torch.bool)}
    (retained,) = found.retained(kept, ["0", "4", "never cut"])
    torch.testing.assert_close(retained.pairs, found.units["0"].pairs[[0, 2]])


def test_units_that_stand_still_are_found():
    maps = torch.randn(6, 2, 3, generator=torch.Generator().manual_seed(3))
    maps[:, 1] = 0.25
    assert variables(maps).living.tolist() == [True, False]

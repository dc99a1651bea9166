"""What a browser is given to run a network by itself."""

import pytest
import torch
from torch import nn

from mipp_core.data import Split
from mipp_core.errors import MippError
from mipp_core.models import architecture
from mipp_core.reports.in_browser import for_browser, images_at_hand, in_turns, shown_images, steps_of
from mipp_core.runs import NetworkSpec


@pytest.mark.parametrize("name", ["lenet5", "mlp"])
def test_plain_networks_become_steps_in_their_order(name):
    model = architecture(name, (1, 28, 28), 10).build(0)
    assert [step["name"] for step in steps_of(model)] == [name for name, _ in model.named_children()]


@pytest.mark.parametrize(
    "part",
    [
        nn.Conv2d(1, 2, 3, groups=1, dilation=2),
        nn.Conv2d(2, 2, 3, groups=2),
        nn.Conv2d(1, 2, 3, stride=(1, 2)),
        nn.Conv2d(1, 2, 3, padding=(1, 0)),
        nn.Conv2d(1, 2, 3, padding="same"),
        nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.MaxPool2d(3, padding=1),
        nn.BatchNorm2d(2),
        nn.Sigmoid(),
    ],
)
def test_what_the_browser_cannot_do_exactly_is_refused(part):
    assert steps_of(nn.Sequential(part)) is None


def test_networks_with_branches_are_not_run_there():
    assert for_browser(NetworkSpec("resnet20", "cifar10")) is None


def test_classes_take_turns():
    split = Split(torch.arange(6.0).view(6, 1, 1, 1), torch.tensor([1, 1, 0, 2, 0, 1]))
    assert in_turns(split, 6).labels.tolist() == [0, 1, 2, 0, 1, 1]
    assert in_turns(split, 6).images.flatten().tolist() == [2, 0, 3, 4, 1, 5]
    assert in_turns(split, 3).labels.tolist() == [0, 1, 2]


def test_images_are_the_pixels_that_were_stored():
    data = images_at_hand(NetworkSpec("lenet5", "mnist"))
    images, labels = shown_images(data, 20)
    assert labels.tolist() == [*range(10), *range(10)]
    first = data.test.in_memory().images[data.test.in_memory().labels == 0][0]
    assert torch.equal(data.normalisation.apply(images[:1].float() / 255)[0], first)


def test_nothing_is_downloaded_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MIPP_DATA", str(tmp_path))
    with pytest.raises(MippError):
        images_at_hand(NetworkSpec("lenet5", "fashion-mnist"))

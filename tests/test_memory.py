import pytest
import torch
from torch import nn

from mipp_core.errors import ResourceNote, SettingError
from mipp_core.evaluation import accuracy
from mipp_core.information import controlled, reconstruction
from mipp_core.memory import halving
from mipp_core.network import activations
from mipp_core.network.activations import record
from mipp_core.pruners import Mipp
from mipp_core.vocabulary import Collapse

RECORD = activations._record


def short_of_memory(limit: int, call):
    """The same call, refusing first arguments longer than the limit as a device without memory does."""

    def refuse(values, *rest):
        if len(values) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return call(values, *rest)

    return refuse


def test_pieces_are_halved_until_they_fit():
    tried = []

    def work(size: int) -> str:
        tried.append(size)
        if size > 3:
            raise torch.OutOfMemoryError
        return "done"

    with pytest.warns(ResourceNote, match="3 images at a time instead of 12"):
        assert halving(work, 12, "images") == "done"
    assert tried == [12, 6, 3]


def test_what_does_not_fit_in_pieces_of_one_is_a_sentence():
    def work(size: int) -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(SettingError, match="even for 1 images at a time"):
        halving(work, 2, "images")


def test_other_problems_pass():
    def work(size: int) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        halving(work, 2, "images")


class Small(nn.Module):
    """A network on a device that holds ten images."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return short_of_memory(10, self.inner)(images)


def test_accuracy_and_activations_survive_a_small_device(mlp: nn.Module, noise_split, monkeypatch):
    split = noise_split(35)
    wanted, recorded = accuracy(mlp, split), record(mlp, split.images)
    with pytest.warns(ResourceNote, match="test images"):
        assert accuracy(Small(mlp), split) == wanted
    monkeypatch.setattr(activations, "_record", _record_few)
    with pytest.warns(ResourceNote, match="images at a time"):
        again = record(mlp, split.images)
    for name, values in recorded.items():
        torch.testing.assert_close(again[name], values)


def _record_few(model: nn.Module, images: torch.Tensor, how: Collapse, batch_size: int):
    if batch_size > 10:
        raise torch.OutOfMemoryError
    return RECORD(model, images, how, batch_size)


@pytest.mark.parametrize(
    ("reference", "kind"), [("fixed", reconstruction.Reconstruction), ("control", controlled.Controlled)]
)
def test_mipp_decides_alike_on_a_small_device(reference, kind, mlp: nn.Module, noise_split, monkeypatch):
    settings = Mipp(
        reference=reference,
        members=2,
        hidden=(8,),
        fit_steps=40,
        refit_steps=2,
        unit_steps=2,
        rank_steps=2,
        samples=200,
    )
    confidences = (0.5, 0.75, 0.9, 0.99)
    wanted = settings.decide(mlp, noise_split(), 0, confidences)
    own = kind._test
    monkeypatch.setattr(
        kind,
        "_test",
        lambda self, branches: short_of_memory(1, lambda found: own(self, found))(branches),
    )
    with pytest.warns(ResourceNote, match="tests at a time"):
        found = settings.decide(mlp, noise_split(), 0, confidences)
    assert [(d.layer, d.unit, d.removed_from) for d in found] == [(d.layer, d.unit, d.removed_from) for d in wanted]

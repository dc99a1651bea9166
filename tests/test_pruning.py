"""One call on a network of one's own, with images of one's own."""

from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from mipp_core import Mipp, MippError, prune
from mipp_core.cutting.surgery import masked
from mipp_core.errors import CollapseWarning, ModelError, TargetWarning
from mipp_core.evaluation import macs, parameters
from mipp_core.pruners import PRUNERS, Decider, Magnitude

QUICK = {"members": 2, "hidden": (8,), "fit_steps": 20, "refit_steps": 2, "unit_steps": 2, "rank_steps": 2}
IMAGES = torch.randn(60, 2, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(60) % 3


class Mine(nn.Module):
    """A plain network: a residual block, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.inside = nn.Conv2d(6, 6, 3, padding=1)
        self.drop = nn.Dropout(0.2)
        self.last = nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        stream = functional.relu(self.norm(self.first(images)))
        stream = stream + functional.relu(self.inside(stream))
        return self.last(self.drop(stream.mean((2, 3))))


@pytest.fixture
def mine() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Mine()


def trained(model: nn.Module, report: Any) -> None:
    loss = functional.cross_entropy(model.eval()(IMAGES), LABELS)
    for parameter, slope in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True):
        parameter.data -= 0.1 * slope


@pytest.mark.filterwarnings("ignore::mipp_core.errors.CollapseWarning")
@pytest.mark.parametrize("name", PRUNERS)
def test_every_pruner_prunes_a_network_of_ones_own_and_leaves_it_alone(name: str, mine: nn.Module, state_of):
    before = state_of(mine)
    if "normalisation" in PRUNERS[name].needs:
        with pytest.raises(ModelError, match="have none"):
            prune(mine, IMAGES, LABELS, pruner=name, sparsity=0.5)
        return
    how: dict[str, Any] = {"train": trained} if "training" in PRUNERS[name].needs else {}
    if issubclass(PRUNERS[name], Decider):
        how |= {"confidence": 0.99, "settings": QUICK if name == "mipp" else None}
    else:
        how |= {"sparsity": 0.5}
    pruned = prune(mine, IMAGES, LABELS, pruner=name, **how)
    assert pruned.difference <= 1e-10
    assert sum(p.numel() for p in pruned.network.parameters()) < sum(p.numel() for p in mine.parameters())
    torch.testing.assert_close(pruned.network.eval()(IMAGES), masked(mine, pruned.masks)(IMAGES), rtol=1e-4, atol=1e-5)
    assert bool(pruned.decisions) == issubclass(PRUNERS[name], Decider)
    assert state_of(mine) == before


def batches(images: Tensor, labels: Tensor | None) -> list[Any]:
    if labels is None:
        return list(images.split(7))
    return list(zip(images.split(7), labels.split(7), strict=True))


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (batches(IMAGES, LABELS), None),
        ((batch for batch in batches(IMAGES, LABELS)), None),
        (DataLoader(TensorDataset(IMAGES, LABELS), batch_size=7), None),
        (batches(IMAGES, None), LABELS),
        (IMAGES, LABELS.tolist()),
        (IMAGES.double(), LABELS.to(torch.uint8)),
    ],
    ids=["pairs", "generator", "loader", "batches and labels", "list of labels", "other numbers"],
)
def test_images_come_in_any_form(images: Any, labels: Any, mine: nn.Module):
    wanted = prune(mine, IMAGES, LABELS, pruner="snip", sparsity=0.4).masks
    assert prune(mine, images, labels, pruner="snip", sparsity=0.4).masks == wanted


@pytest.mark.filterwarnings("ignore::mipp_core.errors.CollapseWarning")
def test_labels_are_not_asked_of_a_pruner_that_needs_none(mine: nn.Module):
    assert prune(mine, IMAGES, pruner=Magnitude("l2"), sparsity=0.5).masks.sparsity == 0.5
    assert prune(mine, IMAGES, pruner=Mipp(**QUICK), confidence=0.75).decisions


def test_a_pruner_that_decides_can_be_asked_for_a_sparsity(mine: nn.Module):
    kept = [prune(mine, IMAGES, pruner=Mipp(**QUICK), sparsity=share).masks for share in (0.25, 0.5)]
    assert [masks.sparsity for masks in kept] == [0.25, 0.5]
    assert all(not (kept[1][name] & ~kept[0][name]).any() for name in kept[0])


def test_rebuilding_and_recalibrating_bring_the_outputs_nearer(mine: nn.Module):
    mine.train()
    mine(IMAGES)
    with torch.no_grad():
        wanted = mine.eval()(IMAGES)
    asked = {"pruner": "magnitude", "scope": "global", "sparsity": 0.4}
    off = {
        name: float((prune(mine, IMAGES, **asked, **how).network(IMAGES) - wanted).norm().detach())
        for name, how in {
            "cut": {},
            "rebuilt": {"rebuild": True},
            "both": {"rebuild": True, "recalibrate": True},
        }.items()
    }
    assert off["rebuilt"] < off["cut"]
    assert off["both"] < off["cut"]


def test_the_slim_network_is_in_the_mode_of_the_given_one(mine: nn.Module):
    for training in (True, False):
        assert prune(mine.train(training), IMAGES, pruner="random", sparsity=0.2).network.training == training


def test_pixels_are_masked_in_front():
    model = nn.Sequential(OrderedDict(flat=nn.Flatten(), one=nn.Linear(16, 6), relu=nn.ReLU(), two=nn.Linear(6, 3)))
    images = torch.randn(80, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    images[:, :, 0] = 0
    pruned = prune(model, images, settings={**QUICK, "pixels": True}, confidence=0.5)
    assert not pruned.masks["input"][:4].any()
    assert pruned.network(images).shape == (80, 3)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing asked": ({}, "either a confidence, such as 0.99, or a sparsity"),
    "both asked": ({"sparsity": 0.5, "confidence": 0.9}, "either a confidence"),
    "two shares": ({"parameters": 0.5, "macs": 0.5}, "in its place parameters=0.5 or macs=0.5"),
    "share too high": ({"pruner": "snip", "macs": 1.5}, "The share of MACs to remove is 1.5; give 0"),
    "share not a number": ({"pruner": "snip", "macs": float("nan")}, "The share of MACs to remove is nan; give 0"),
    "share beyond reach": ({"pruner": "snip", "parameters": 0.99}, "remove 99.0% of the parameters, and at most"),
    "share of a decider beyond reach": ({"macs": 1.0}, "remove 100.0% of the MACs, and at most"),
    "confidence of a ranker": ({"pruner": "snip", "confidence": 0.9}, "Snip ranks units, without a confidence"),
    "sparsity too high": ({"pruner": "snip", "sparsity": 1.5}, "units to remove is 1.5; give 0"),
    "sparsity of a decider": ({"sparsity": -1.0}, "units to remove is -1.0; give 0"),
    "confidence too high": ({"confidence": 1.0}, "The confidence is 1.0; give 0.5"),
    "floor of a decider": ({"confidence": 0.9, "floor": 1}, "leave scope and floor out"),
    "scope": ({"pruner": "thinet", "sparsity": 0.5, "scope": "global"}, "ThiNet cannot spread a sparsity by 'global'"),
    "no such pruner": ({"pruner": "axe", "sparsity": 0.5}, "no pruner called 'axe'"),
    "no pruner": ({"pruner": 3, "sparsity": 0.5}, "The pruner is 3; give its name"),
    "no such setting": ({"confidence": 0.9, "settings": {"x": 1}}, "mipp has no setting 'x'"),
    "settings twice": ({"pruner": Magnitude(), "sparsity": 0.5, "settings": {"norm": "l1"}}, "leave them out"),
    "no labels": ({"pruner": "snip", "sparsity": 0.5, "labels": None}, "This pruner needs labels"),
    "few labels": ({"pruner": "snip", "sparsity": 0.5, "labels": LABELS[:5]}, "There are 60 images and the labels are"),
    "labels of another kind": ({"pruner": "snip", "sparsity": 0.5, "labels": LABELS / 2}, "one whole number"),
    "label too high": (
        {"pruner": "snip", "sparsity": 0.5, "labels": LABELS + 1},
        "go from 1 to 3 and the network has 3",
    ),
    "no training": ({"pruner": "imp", "sparsity": 0.5}, "trains the network between its rounds"),
    "no images": ({"images": [], "confidence": 0.9}, "There are no images"),
    "an empty batch": ({"images": torch.zeros(0, 2, 8, 8), "labels": None, "confidence": 0.9}, "There are 0 images"),
    "a path": ({"images": "photos", "confidence": 0.9}, "The images are a str; give a tensor"),
    "vectors": ({"images": torch.zeros(5, 2), "confidence": 0.9}, r"A batch of images is \(5, 2\)"),
    "uneven sizes": ({"images": [IMAGES, IMAGES[..., 1:]], "confidence": 0.9}, "all of one size"),
    "grey levels": (
        {"images": IMAGES.to(torch.uint8), "confidence": 0.9},
        "of torch.uint8; give at least one, prepared",
    ),
    "not a number": ({"images": IMAGES * float("nan"), "confidence": 0.9}, "all of them finite"),
    "other channels": ({"images": IMAGES[:, :1], "confidence": 0.9}, "cannot read images of 1×8×8"),
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_a_sentence(name: str, mine: nn.Module):
    changed, words = REFUSED[name]
    given = {"images": IMAGES, "labels": LABELS, **changed}
    with pytest.raises(MippError, match=words):
        prune(mine, given.pop("images"), given.pop("labels"), **given)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.Flatten(), "The network has no weights"),
        (Mine().half(), "computes in torch.float16; prune it in single precision"),
        (lambda x: x, "The network is a function; give a torch.nn.Module"),
    ],
)
def test_a_network_that_cannot_be_pruned_is_a_sentence(model: Any, words: str):
    with pytest.raises(MippError, match=words):
        prune(model, IMAGES, confidence=0.9)


def test_a_cut_that_is_not_exact_is_refused(mine: nn.Module, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mipp_core.pruning.cut_difference", lambda *_: 0.42)
    with pytest.raises(ModelError, match=r"differ from the masked one's by 4\.2e-01"):
        prune(mine, IMAGES, pruner="random", sparsity=0.5)


@pytest.mark.parametrize("name", ["magnitude", "synflow", "mipp"])
def test_a_share_of_the_parameters_or_macs_can_be_asked_for(name: str, mine: nn.Module):
    settings = QUICK if name == "mipp" else {}
    for of, count in {"parameters": parameters, "macs": lambda model: macs(model, (2, 8, 8))}.items():
        pruned = prune(mine, IMAGES, LABELS, pruner=name, settings=settings, **{of: 0.3})
        assert pruned.removed[of] == 1 - count(pruned.network) / count(mine)
        assert pruned.removed["units"] == pytest.approx(pruned.masks.sparsity)
        a_unit = (2 * 9 + 1 + 2 + 6 * 9) / parameters(mine)
        assert abs(pruned.removed[of] - 0.3) <= a_unit


def test_norms_of_other_layers_do_not_empty_a_layer_unless_they_are_asked_for(mine: nn.Module):
    """Layers whose norms differ by a factor, as in every trained network with batch normalisation."""
    with torch.no_grad():
        mine.first.weight.mul_(1e-3)
    pruned = prune(mine, IMAGES, pruner="magnitude", sparsity=0.5)
    assert pruned.masks.kept == {"first": 3, "inside": 3}
    assert pruned.collapsed == ()
    with pytest.warns(CollapseWarning, match="No unit is left in first.* floor=1, or spread it with"):
        emptied = prune(mine, IMAGES, pruner="magnitude", sparsity=0.5, scope="global")
    assert emptied.collapsed == ("first",)
    answers = emptied.network.eval()(IMAGES)
    torch.testing.assert_close(answers, answers[:1].expand_as(answers))


def test_a_target_that_was_missed_is_said(mine: nn.Module):
    with pytest.warns(TargetWarning, match=r"Magnitude came to 33\.33% of the units removed, not 90\.00%: every layer"):
        prune(mine, IMAGES, pruner="magnitude", sparsity=0.9, floor=4)

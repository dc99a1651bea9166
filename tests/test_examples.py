"""The examples in docstrings run as they stand, and every pruner's card has one."""

import doctest
import inspect
import pkgutil
from collections import OrderedDict
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import nn

import mipp_core
from mipp_core import prune
from mipp_core.pruners import PRUNERS
from mipp_core.training import Recipe
from mipp_core.training import train as train_network


def modules() -> list[str]:
    found = [each.name for each in pkgutil.walk_packages(mipp_core.__path__, "mipp_core.")]
    return [name for name in found if not name.endswith(("__main__", "start_worker", "on_ray"))]


EXAMPLES = {
    f"{name}.{test.name.rpartition('.')[2]}": test
    for name in modules()
    for test in doctest.DocTestFinder(exclude_empty=True).find(import_module(name))
    if test.examples and test.name.startswith(name)
}


@pytest.fixture
def names(mlp: nn.Module, noise_split) -> dict[str, Any]:
    """What an example may use without saying so: a network, images and labels, and a way to train."""
    split = noise_split(240)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = {"one": nn.Linear(16, 8), "norm": nn.BatchNorm1d(8), "relu": nn.ReLU(), "two": nn.Linear(8, 3)}
        normalised = nn.Sequential(OrderedDict(flatten=nn.Flatten(), **parts))
    return {
        "prune": prune,
        "model": mlp,
        "normalised": normalised,
        "images": split.images,
        "labels": split.labels,
        "train": lambda network, report: train_network(network, split, Recipe(1, batch_size=60), report=report),
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_and_prints_what_it_says(name: str, names: dict[str, Any]):
    example = EXAMPLES[name]
    example.globs.update(names)
    printed: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=printed.append)
    assert result.attempted
    assert not result.failed, "".join(printed)


@pytest.mark.parametrize("name", PRUNERS)
def test_every_card_shows_its_call(name: str):
    card = inspect.getdoc(PRUNERS[name]) or ""
    assert "Example:\n    >>> " in card
    assert f'"{name}"' in card.partition("Example:")[2]

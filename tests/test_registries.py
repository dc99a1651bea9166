"""Nothing that was written is forgotten in its registry, and nobody has another's name."""

import inspect
import pkgutil
from dataclasses import fields
from importlib import import_module
from types import ModuleType

import pytest

import mipp_core.data
import mipp_core.models
import mipp_core.pruners
from mipp_core.data import DATASETS, DatasetCard
from mipp_core.models import MODELS, Family
from mipp_core.pruners import PRUNERS, Decider, Ranker
from mipp_core.pruners.settings import ranges


def modules(package: ModuleType) -> list[ModuleType]:
    return [import_module(f"{package.__name__}.{each.name}") for each in pkgutil.iter_modules(package.__path__)]


def of_kind(package: ModuleType, kind: type) -> list[tuple[str, object]]:
    """Return the instances of a class that a package's modules hold, with the module of each."""
    return [(m.__name__, value) for m in modules(package) for value in vars(m).values() if isinstance(value, kind)]


def test_no_pruner_is_forgotten():
    for module in modules(mipp_core.pruners):
        for name, kind in vars(module).items():
            own = inspect.isclass(kind) and kind.__module__ == module.__name__ and issubclass(kind, Ranker | Decider)
            if own and not inspect.isabstract(kind):
                assert kind in PRUNERS.values(), f"{module.__name__} has {name}, and PRUNERS has no line for it"


def test_no_data_set_is_forgotten():
    for module, card in of_kind(mipp_core.data, DatasetCard):
        assert card in DATASETS.values(), f"{module} has a card, and DATASETS has no line for it"
    assert all(name == card.name for name, card in DATASETS.items())


def test_no_model_is_forgotten():
    for module, family in of_kind(mipp_core.models, Family):
        assert family in MODELS.values(), f"{module} has a family, and MODELS has no line for it"


def test_no_two_pruners_share_a_name_in_a_comparison():
    names = [name for kind in PRUNERS.values() for name in kind.variants]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", PRUNERS)
def test_the_registered_pruners_settings_all_say_their_range(name: str):
    assert set(ranges(PRUNERS[name])) == {each.name for each in fields(PRUNERS[name])}

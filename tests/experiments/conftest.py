import pytest

from mipp_core.experiments import NetworkSpec, RunSpec
from mipp_core.pruners import Mipp
from mipp_core.training import Recipe

TINY = Mipp(members=2, hidden=(8,), fit_steps=20, refit_steps=2, unit_steps=2, rank_steps=2, samples=200)


@pytest.fixture
def tiny_spec():
    network = NetworkSpec(model="mlp", widths=(6, 5), recipe=Recipe(1, batch_size=500))
    return RunSpec(network, settings=TINY, retraining=Recipe(1, batch_size=500), controls=("random", "magnitude"))

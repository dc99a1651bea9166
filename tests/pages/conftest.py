"""Pages with a store of their own, runs to put into it, and what opens a page."""

import json
from functools import partial

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from mipp_core import jobs
from mipp_core.experiments import run
from mipp_core.jobs import launcher
from mipp_core.pruners import ClosedForm, Mipp
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store, schema
from mipp_core.training import RECIPES
from pages.explore.panels import DRAWN
from pages.runs import history

FRAME = "../../pages/frame.py"


@pytest.fixture(autouse=True)
def own_store(monkeypatch, tmp_path):
    """Pages see an empty store, never the user's."""
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture(autouse=True)
def calls_for_workers(monkeypatch):
    """No process is started; what would have started one is noted here."""
    calls = []
    monkeypatch.setattr(launcher, "ensure", calls.append)
    monkeypatch.setattr(jobs, "ensure", calls.append)
    monkeypatch.setattr(jobs, "warm", lambda store: None)
    return calls


@pytest.fixture
def runs(own_store):
    return Store(own_store).runs


@pytest.fixture
def address():
    """Return the run that the page looks for when MLP and pixels are chosen on the sample."""

    def make(seed=0, **changed):
        network = NetworkSpec("mlp", recipe=RECIPES["live"], seed=seed)
        return RunSpec(network, settings=Mipp(pixels=True, **changed), controls=("random", "magnitude"))

    return make


@pytest.fixture
def claimed(runs):
    """Let a worker take a run."""

    def make(spec):
        runs.ask(spec)
        assert runs.claim("cpu").hash == spec.hash
        return spec.hash

    return make


@pytest.fixture
def written_by_another_version(own_store, runs):
    """Keep a run whose specification cannot be read any more."""

    def make(spec):
        runs.ask(spec)
        runs.finish(spec.hash, "failed", "Its worker died.")
        changed = {**spec.to_json(), "pruner": "axe"}
        with Store(own_store).database.writing() as connection:
            connection.execute(update(schema.runs).where(schema.runs.c.hash == spec.hash).values(spec=changed))
        return spec.hash

    return make


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """A real, small run, and its slim networks; in closed form, as regressors for 784 pixels take minutes."""
    recipe, settings = RECIPES["none"], ClosedForm(samples=400, pixels=True)
    network = NetworkSpec("mlp", widths=(10, 8), recipe=recipe)
    spec = RunSpec(network, pruner="mipp-closed-form", settings=settings, retraining=recipe)
    result, weights = run(spec, Store(tmp_path_factory.mktemp("made")))
    return result.to_json(), weights


@pytest.fixture
def finished(small_run, own_store):
    """Keep the small run's result as that of another specification, and return its document."""

    def make(spec):
        document, weights = small_run
        document = {**json.loads(json.dumps(document)), "spec": spec.to_json(), "hash": spec.hash}
        store = Store(own_store)
        for state in weights.values() if not store.blobs.sizes() else ():
            store.blobs.put(state)
        store.runs.record(spec, document)
        return document

    return make


@pytest.fixture
def seeded(finished, address):
    return finished(address())


@pytest.fixture
def one_of_each(runs, claimed, finished, address):
    """Five runs, one in each state, by the state's name."""
    specs = {state: address(seed=seed) for seed, state in enumerate(history.STATES)}
    claimed(specs["running"])
    runs.tell(specs["running"].hash, "Testing fc1", 0.4)
    runs.ask(specs["queued"])
    finished(specs["done"])
    runs.fail(specs["failed"], "The disk is full.")
    runs.ask(specs["cancelled"])
    runs.cancel(specs["cancelled"].hash)
    return specs


def opened(path, **query):
    """Open a page at an address."""
    app = AppTest.from_file(path, default_timeout=60)
    app.session_state[DRAWN] = True  # no browser says so here
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


@pytest.fixture
def explore():
    """Open Explore at an address."""
    return partial(opened, FRAME)


@pytest.fixture
def compare():
    """Open Compare on the sample at an address."""
    return partial(opened, "../../pages/compare/page.py", cmp_dataset="mnist-sample")


@pytest.fixture
def cmi():
    """Open CMI at an address."""
    return partial(opened, "../../pages/cmi/page.py")


@pytest.fixture
def limits():
    """Open Limits at an address."""
    return partial(opened, "../../pages/limits/page.py")


@pytest.fixture
def information():
    """Open Information at an address."""
    return partial(opened, "../../pages/information/page.py")


@pytest.fixture
def pixels():
    """Open Pixels at an address."""
    return partial(opened, "../../pages/pixels/page.py")


@pytest.fixture
def learn():
    """Open Learn at an address."""
    return partial(opened, "../../pages/learn/page.py")


@pytest.fixture
def page():
    """Open Runs."""
    return partial(opened, "../../pages/runs/page.py")


@pytest.fixture
def words():
    """Return everything a page says in sentences."""

    def read(app):
        parts = [*app.header, *app.caption, *app.error, *app.info, *app.warning, *app.markdown]
        return " ".join(str(part.value) for part in parts)

    return read

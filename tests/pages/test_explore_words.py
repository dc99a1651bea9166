"""What Explore says about runs of a comparison, about networks pruned at initialisation, and about close decisions."""

import re

import pandas as pd
import pytest
from explore_page import metric, seen

from mipp_core.reports.archive import shipped_documents
from mipp_core.reports.tables import decimals_that_tell

pytestmark = pytest.mark.filterwarnings("default")


def compared(pruner, trained=True):
    """Return the name of a run of the shipped comparison, of seed 0."""
    specs = ((run["hash"], run["spec"]) for run in shipped_documents("comparison-*"))
    return next(
        name
        for name, spec in specs
        if (spec["pruner"], spec["trained"], spec["network"]["seed"]) == (pruner, trained, 0)
    )


def headers(app):
    return [each.value for each in app.header]


def test_a_run_of_the_comparison_leads_to_the_one_that_has_its_decisions_and_its_network(explore, words):
    app = explore(run=compared("mipp"), point="9")
    assert not app.exception
    assert "ranks units" not in words(app)
    assert "The slim network" not in headers(app)
    link = re.search(r"\[the run with every level\]\(\./\?run=([0-9a-f]{16})&level=(\d+)\)", words(app))
    assert link
    retrained = metric(app, "Retrained")
    app = explore(run=link[1], level=link[2])
    assert not app.exception
    assert metric(app, "Retrained") == retrained
    assert "The slim network" in headers(app)
    assert "kept" in app.dataframe[0].value


def test_only_a_pruner_that_ranks_is_said_to_rank(explore, words):
    assert "This pruner ranks units" in words(explore(run=compared("synflow")))
    assert "kept without its decisions" in words(explore(run=compared("mipp", trained=False)))


def test_at_initialisation_chance_is_not_shown_as_a_result(explore, words):
    app = explore(start="at initialisation", compare="true")
    assert not app.exception
    assert seen(app)["measures"] == ["retrained"]
    assert not seen(app)["trained"], "so that it is called trained"
    assert "all networks are at chance" in words(app)
    assert "no fair goal" not in words(app)  # the dense network had as many epochs
    assert ["Trained"] in [list(table.value.columns) for table in app.dataframe]


def test_the_dense_lines_epochs_are_said_where_they_are_others(explore, words):
    assert "The dense line had 8 epochs, pruned networks 2: no fair goal." in words(
        explore(run=compared("synflow", trained=False))
    )


def test_decimals_show_the_rule():
    def table(*z, needed=0.6745):
        return pd.DataFrame({"z": z, "needed": needed})

    assert decimals_that_tell(table(1.0, -2.0, None)) == 2
    assert decimals_that_tell(table(1.0, 0.6712)) == 3
    assert decimals_that_tell(table(0.67449)) == 5
    assert decimals_that_tell(table(0.6745)) == 2
    assert decimals_that_tell(table(0.67100001, needed=0.671)) == 6
    assert decimals_that_tell(table(None, None)) == 2

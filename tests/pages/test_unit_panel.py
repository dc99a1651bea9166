"""The panel of a layer or unit that is looked into."""

import pytest
from explore_page import level, seen

from mipp_core.reports.archive import SHIPPED, load_run

pytestmark = pytest.mark.filterwarnings("default")


def headers(app):
    return [each.value for each in app.header]


def test_a_unit_in_the_address_is_looked_into(explore, words):
    app = explore(unit="fc1:5")
    assert not app.exception
    assert "fc1, unit 5" in headers(app)
    assert seen(app)["chosen"] == ["fc1", 5]
    assert "Tested 37th of 120, the least informative first, together with 3 others: z = 4.15" in words(app)
    assert "other kept units of its layer rebuild" in words(app)
    assert "Decisions about fc1, unit 5" in headers(app)
    table = app.dataframe[-1].value
    assert set(table.layer) == {"fc1"} and set(table.unit) == {5}
    level(app, 0)
    assert "**Kept** at level 0. It goes first at level 1" in words(app)
    app.button(key="close_unit").click().run()
    assert "unit" not in app.query_params
    assert seen(app)["chosen"] is None


def test_a_layer_in_the_address_is_looked_into(explore, words):
    app = explore(unit="conv2:-1")
    assert not app.exception
    assert "conv2" in headers(app)
    assert "**5 of 16** units are kept at level 15." in words(app)


def test_a_run_without_its_dense_network_shows_what_was_decided(explore, words):
    app = explore(run=load_run(SHIPPED / "closed-resnet20-0")["hash"], unit="conv1:3")
    assert not app.exception
    assert "conv1, unit 3" in headers(app)
    assert "cannot be shown" in words(app)


@pytest.mark.parametrize("unit", ["fc1", "fc9:1", "input:3", ":", "<script>:1", "x" * 5000, "fc1:99999999999999999999"])
def test_rubbish_looks_into_nothing_that_is_not_there(unit, explore):
    app = explore(unit=unit)
    assert not app.exception
    assert seen(app)["chosen"] in (None, ["fc1", None])

"""Any address is harmless: every page opens with rubbish for each control that it has in the address."""

import ast
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "pages"
RUBBISH = ("", "-1", "1e999", "nan", "../../etc/passwd", "<b>&\x00\u202e", "[null]", "9" * 400)
MORE = {
    "explore": ("run", "level", "fine_level", "point", "weights", "file", "mean", "std"),
    "cmi": (),
    "limits": (),
    "compare": tuple(f"cmp_share_{x}" for x in ("sparsity", "parameters_removed", "macs_removed")),
    "runs": (),
    "pixels": ("run", "level"),
    "information": (),
    "learn": ("lesson", "step", "guess", "level"),
}
"""Page -> parameters that no widget's call names in plain words: those the page reads itself, and made keys."""

SHARED = ("at_once", "look", "deformation")


def keys_of(page):
    """Return the keys of a page's widgets that are bound to the address."""
    found = set()
    for path in sorted((PAGES / page).glob("*.py")):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            named = {word.arg: word.value for word in call.keywords}
            if "bind" in named and isinstance(named["key"], ast.Constant):
                found.add(named["key"].value)
            if isinstance(call.func, ast.Name) and call.func.id == "one_of":
                found.add(call.args[2].value)
            if ast.unparse(call.func) == "address.seed":
                found.add(ast.literal_eval(named["key"]) if "key" in named else "seed")
    return found


def test_keys_are_found_where_they_are():
    assert {"model", "dataset", "seed"} <= keys_of("explore")
    assert {"cmp_model", "cmp_view", "cmp_card"} <= keys_of("compare")
    assert keys_of("limits") == {"seeds", "points", "epochs", "rate", "imp"}
    assert {"seed", "layer", "draw", "pair"} <= keys_of("information")
    assert keys_of("runs") == {"states", "find"}


@pytest.mark.parametrize("rubbish", ["", "1e999", "<b>&\x00\u202e"])
@pytest.mark.parametrize("place", MORE)
def test_rubbish_for_every_control_at_once_does_no_harm(request, place, rubbish):
    open_page = request.getfixturevalue("page" if place == "runs" else place)
    names = sorted({*keys_of(place), *MORE[place], *SHARED})
    app = open_page(**dict.fromkeys(names, rubbish))
    assert not app.exception, names


def test_no_page_is_left_out():
    assert set(MORE) == {path.parent.name for path in PAGES.glob("*/page.py")}


def each_alone():
    """Return every parameter with one piece of rubbish, in turns: pages are opened anew for each."""
    found = [(place, name) for place in MORE for name in sorted({*keys_of(place), *MORE[place]})]
    return [(place, name, RUBBISH[turn % len(RUBBISH)]) for turn, (place, name) in enumerate(found)]


@pytest.mark.parametrize(("place", "name", "rubbish"), each_alone())
def test_rubbish_for_one_control_does_no_harm(request, place, name, rubbish):
    open_page = request.getfixturevalue("page" if place == "runs" else place)
    assert not open_page(**{name: rubbish}).exception

"""What modules of the pages hold is shared by all visitors, so none of it can be changed."""

import ast
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "pages"
MODULES = [path for path in sorted(PAGES.rglob("*.py")) if path.name not in ("page.py", "frame.py")]
"""Without the scripts, which run anew for each session."""

MUTABLE = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PAGES)))
def test_a_module_holds_nothing_that_a_visitor_could_change(path: Path):
    for node in ast.parse(path.read_text()).body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        made_by = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
        shared = isinstance(value, MUTABLE) or made_by in ("dict", "list", "set", "defaultdict")
        words = f"{path.name}, line {node.lineno}: all visitors share this; make it a tuple or a MappingProxyType"
        assert not shared, words


def test_one_visitors_change_of_a_document_is_not_anothers():
    """Caches hand out copies: see ``pages.shared.finding``."""
    from pages.shared import finding  # noqa: PLC0415

    name = next(iter(finding._comparisons()))
    first, second = finding.find_named(name), finding.find_named(name)
    assert first is not None
    assert second is not None
    first.document["levels"].clear()
    assert second.document["levels"]
    assert finding.find_named(name).document["levels"]


def test_a_pruner_has_one_name_on_all_pages():
    from mipp_core.reports.comparison import ENTRIES, leader, member  # noqa: PLC0415
    from mipp_core.runs import NetworkSpec  # noqa: PLC0415
    from mipp_core.training import RECIPES  # noqa: PLC0415
    from pages.shared.chips import chips, method_of  # noqa: PLC0415

    base = leader(NetworkSpec("lenet5"), True, RECIPES["live-retrain"])
    for name in ("L1", "L1 per layer", "SynFlow", "IMP"):
        assert name in ENTRIES
        run = member(base, name)
        assert method_of(run) == name
        assert name in chips(run)
        assert not any(chip.startswith("scope") for chip in chips(run))
    assert "norm l2" not in chips(member(base, "L2")), "its name says so"
    assert "fixed ratios" in chips(member(base, "L2", "fixed"))

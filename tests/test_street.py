"""The order of the packages: each imports from those before it, never from those after it."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STREET = [
    *(
        "version",
        "vocabulary",
        "errors",
        "later",
        "memory",
        "latency",
        "own_files",
        "augmentation",
        "recipes",
        "data",
        "models",
    ),
    *("checkpoints", "evaluation", "own_data", "network", "training", "cutting", "information", "pruners", "pruning"),
    *("limits", "playground", "pixels"),
    *("runs", "store", "experiments", "jobs", "exporting", "reports", "api", "figures", "command_line", "__main__"),
]
LONGEST = 300
"""The most lines of a file."""

FILES = [path for room in ("mipp_core", "pages", "tests", "benchmarks") for path in sorted((ROOT / room).rglob("*.py"))]
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}


def imported(path: Path) -> set[str]:
    """Return the project's modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{name.name}" for name in node.names}
            found |= {name if name in MODULES else node.module for name in whole}
    return found


def room(module: str) -> str:
    return [*module.split("."), "__main__"][1]


CORE = [module for module in MODULES if module.startswith("mipp_core.")]


@pytest.mark.parametrize("module", CORE)
def test_a_room_imports_from_the_rooms_before_it(module: str):
    for other in imported(MODULES[module]):
        assert other.split(".")[0] != "streamlit", f"{module} imports Streamlit, which only pages may"
        assert other.split(".")[0] not in ("pages", "tests", "benchmarks"), f"{module} imports {other}"
        if other.startswith("mipp_core."):
            assert STREET.index(room(other)) <= STREET.index(room(module)), f"{module} imports {other}, which is above"


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("pages.")])
def test_pages_are_above_the_core_and_beside_the_command_line(module: str):
    for other in imported(MODULES[module]):
        assert room(other) != "command_line", f"{module} imports {other}: what both need belongs in the core"
        mine, theirs = module.split(".")[1], other.split(".")[1:2]
        if other.startswith("pages."):
            assert theirs in ([mine], ["shared"]), f"{module} imports {other}: what two pages use belongs into shared"


def test_no_module_imports_itself_by_way_of_others():
    TopologicalSorter({module: imported(MODULES[module]) & MODULES.keys() - {module} for module in MODULES}).prepare()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_sitting(path: Path):
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST, f"{lines} lines; split it where its subject changes"

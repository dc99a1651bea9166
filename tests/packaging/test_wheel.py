"""The package: built, installed into a fresh environment, and used from another folder."""

import asyncio
import json
import os
import re
import site
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.visitors import Visitor, app_with
from mipp_core.version import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

pytestmark = pytest.mark.xdist_group("packaging")


def requirements(file: str) -> set[str]:
    """Return the lines of a requirements file, comments and other files apart."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return {line for line in lines if line and not line.startswith("-")}


def test_requirements_are_the_package_with_the_extras_that_the_app_uses():
    extras = PROJECT["optional-dependencies"]
    wanted = {*PROJECT["dependencies"], *extras["app"], *extras["attribution"], *extras["export"]}
    assert requirements("requirements.txt") == wanted
    assert requirements("requirements-ray.txt") == set(extras["ray"])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(ROOT)], check=True)
    return next(folder.glob("*.whl"))


def tracked(*folders: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


def test_the_wheel_carries_everything_that_is_shown(wheel: Path):
    inside = set(zipfile.ZipFile(wheel).namelist())
    app = {f"mipp_core/app/{path}" for path in tracked("app.py", "pages", ".streamlit")}
    assert not ({*tracked("mipp_core"), *app} - inside)
    assert {path.split("/")[0] for path in inside} == {"mipp_core", f"mipp-{__version__}.dist-info"}
    assert f"mipp-{__version__}.dist-info/licenses/LICENSE" in inside


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it; the packages it needs are those of this environment."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", *options, wheel], check=True)
    (next((folder / "lib").glob("python*")) / "site-packages" / "needed.pth").write_text(site.getsitepackages()[0])
    return folder


def mipp(fresh: Path, elsewhere: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [fresh / "bin" / "mipp", *words],
        cwd=elsewhere,
        env=settings(elsewhere),
        capture_output=True,
        text=True,
        check=False,
    )


def settings(elsewhere: Path) -> dict[str, str]:
    own = {"MIPP_STORE": str(elsewhere / "store"), "MIPP_DATA": str(elsewhere / "data")}
    return {name: value for name, value in {**os.environ, **own}.items() if name != "PYTHONPATH"}


def test_the_command_says_its_version(fresh: Path, tmp_path: Path):
    assert mipp(fresh, tmp_path, "--version").stdout == f"mipp {__version__}\n"


def test_the_main_job_runs_from_another_folder(fresh: Path, tmp_path: Path):
    quick = [f"--set={each}" for each in ("members=2", "hidden=[8]", "fit_steps=20", "unit_steps=2", "samples=200")]
    network = ["--model", "mlp", "--widths", "6,5", "--recipe", "none", "--retrain-recipe", "none"]
    ended = mipp(fresh, tmp_path, "sweep", *network, "--levels", "0,9", *quick, "--json")
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert [level["level"] for level in document["levels"]] == [0, 1]
    assert document["state"] == "done"
    where = "import mipp_core; print(mipp_core.__file__)"
    found = subprocess.run(
        [fresh / "bin" / "python", "-c", where], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(fresh))


@pytest.fixture
def host(fresh: Path, tmp_path: Path) -> Iterator[str]:
    with app_with(tmp_path / "store", [fresh / "bin" / "mipp", "app", "--port"], tmp_path, ["PYTHONPATH"]) as host:
        yield host


def test_the_app_runs_from_another_folder_with_all_its_shipped_results(host: str):
    visitor = Visitor(host)

    async def look() -> None:
        await visitor.open()
        assert visitor.shows("what the living network opens with"), "the shipped run"
        await visitor.turn_to("Compare")
        assert visitor.shows("Characteristics"), "the shipped comparison"
        await visitor.close()

    asyncio.run(look())
    assert not visitor.errors


def test_the_app_listens_to_this_machine_only_and_tells_no_one(fresh: Path):
    inside = next(fresh.glob("lib/python*/site-packages/mipp_core/app/.streamlit/config.toml")).read_text()
    assert re.search(r'^address = "127.0.0.1"', inside, re.MULTILINE)
    assert "gatherUsageStats = false" in inside

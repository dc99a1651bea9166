import pytest

from mipp_core.command_line import main
from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.information import confidence_of
from mipp_core.pruners import Mipp
from mipp_core.runs.grid import Grid

FILE = """
[grid]
model = ["lenet5", "mlp"]
pruner = ["mipp", "random"]
trained = [true, false]
seed = [0, 1, 2]
levels = [9, 0]
recipe = "short"

[settings.mipp]
members = 5
hidden = [64, 32]
"""


@pytest.fixture
def write(tmp_path):
    def make(text: str):
        path = tmp_path / "grid.toml"
        path.write_text(text)
        return path

    return make


def test_every_combination_is_a_cell(write):
    cells = Grid.read(write(FILE)).cells()
    assert len(cells) == len({cell.hash for cell in cells}) == 2 * 2 * 2 * 3
    first = cells[0]
    assert first.settings == Mipp(members=5, hidden=(64, 32))
    assert first.confidences == (confidence_of(0), confidence_of(9))
    assert [cell.network.seed for cell in cells[:3]] == [0, 1, 2]
    untrained = [cell for cell in cells if not cell.trained]
    assert all(cell.retraining == cell.network.recipe for cell in untrained)
    assert all(cell.confidences is None for cell in cells if cell.pruner == "random")


def test_single_values_need_no_list(write):
    (cell,) = Grid.read(write('[grid]\nmodel = "mlp"\ndeformation = 1\n')).cells()
    assert (cell.network.model, cell.network.deformation) == ("mlp", 1.0)


def test_statistics_hold_for_all_cells(write):
    cells = Grid.read(write("[grid]\nseed = [0, 1]\nmean = [0.1]\nstd = [0.3]\n")).cells()
    assert [(cell.network.mean, cell.network.std) for cell in cells] == [((0.1,), (0.3,))] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[grid", "is not TOML"),
        ("[grid]\nmodle = 'mlp'", "unknown entry 'modle'; .*model"),
        ("[other]\nx = 1", "unknown entry 'other'"),
        ("[grid]\nseed = ['a']", "seed = .* wrong kind"),
        ("[grid]\nseed = [true]", "wrong kind"),
        ("[grid]\nrecipe = ['a', 'b']", "wrong kind"),
        ("[grid]\nmean = ['a']\nstd = [1]", "mean = .* wrong kind"),
        ("[grid]\nmean = [0.1]", "The mean is given alone"),
        ("[grid]\nmodel = []", "axis model .* is empty"),
        ("[grid]\nlevels = [20]", "level 20 .* 0 to 19"),
        ("[settings.random]\nx = 1", "settings for random"),
        ("[settings.mipp]\nmember = 1", "no setting 'member'"),
    ],
)
def test_a_wrong_file_is_a_sentence(write, text, said):
    with pytest.raises(SettingError, match=said):
        Grid.read(write(text)).cells()


def test_a_missing_file_and_unknown_names_are_sentences(tmp_path, write):
    with pytest.raises(SettingError, match="cannot be read"):
        Grid.read(tmp_path / "none.toml")
    with pytest.raises(UnknownNameError, match="lenet5, mlp"):
        Grid.read(write("[grid]\nmodel = 'vgg'")).cells()


@pytest.mark.parametrize(
    "words",
    [
        ["--seed", "a"],
        ["--seed", "0-1", "--pruner", "mipp,random", "--set", "members=3"],
        ["--levels", "1,99"],
        ["missing.toml"],
    ],
)
def test_wrong_flags_are_exit_code_2(words, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("MIPP_STORE", str(tmp_path))
    assert main(["sweep", *words, "--json"]) == 2
    assert capsys.readouterr().err.startswith("error: ")

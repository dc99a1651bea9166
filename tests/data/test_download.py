import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mipp_core.data import load_dataset
from mipp_core.data.folder import data_folder
from mipp_core.errors import CancelledError, DataError
from mipp_core.vocabulary import Progress, silent

IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def serve(small) -> Callable[[str], bytes]:
    """Answer as the dataset's second mirror does; the first never answers."""

    def answer(url: str) -> bytes:
        mirror, name = url.rsplit("/", 1)
        if mirror != "http://second":
            raise ConnectionRefusedError("first mirror is down")
        return small.archives[name]

    return answer


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_download_goes_to_the_second_mirror_and_leaves_the_four_files(small, network, serve, tmp_path: Path):
    asked = network(serve)
    train, test = small.family.load(tmp_path / "new" / "folder", silent)
    assert torch.equal(train.images, small.train.images)
    assert torch.equal(test.labels, small.test.labels)
    assert files(tmp_path / "new" / "folder") == sorted(f"Digits/raw/{name}" for name in small.files)
    assert len(asked) == 8


def test_a_second_load_downloads_nothing(small, network, serve, tmp_path: Path):
    network(serve)
    small.family.load(tmp_path, silent)
    asked, reports = network(serve), []
    small.family.load(tmp_path, reports.append)
    assert asked == reports == []


def test_only_missing_files_are_downloaded(small, network, serve, tmp_path: Path):
    (small.write(tmp_path) / IMAGES).unlink()
    asked = network(serve)
    small.family.load(tmp_path, silent)
    assert asked == [f"http://first/{IMAGES}.gz", f"http://second/{IMAGES}.gz"]


def test_archives_put_there_by_hand_need_no_network(small, network, tmp_path: Path):
    small.raw(tmp_path).mkdir(parents=True)
    for name, content in small.archives.items():
        (small.raw(tmp_path) / name).write_bytes(content)
    train, _ = small.family.load(tmp_path, silent)
    assert torch.equal(train.images, small.train.images)


def test_a_damaged_archive_is_downloaded_again(small, network, serve, tmp_path: Path):
    (small.write(tmp_path) / IMAGES).unlink()
    (small.raw(tmp_path) / f"{IMAGES}.gz").write_bytes(small.archives[f"{IMAGES}.gz"][:-9])
    asked = network(serve)
    small.family.load(tmp_path, silent)
    assert len(asked) == 2


def test_progress_is_reported_and_stdout_stays_clean(small, network, serve, tmp_path: Path, capsys):
    network(serve)
    reports: list[Progress] = []
    small.family.load(tmp_path, reports.append)
    assert {report.stage for report in reports} == {"downloading digits"}
    assert [report.done for report in reports] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert capsys.readouterr().out == ""


def refusal(small, root: Path, reason: str) -> str:
    path = small.raw(root) / IMAGES
    return re.escape(
        f"digits needs the file {path}, which is missing and cannot be downloaded ({reason}); "
        "connect to the internet and try again, put the file there, or use the embedded mnist-sample."
    )


def test_offline(small, tmp_path: Path):
    reason = f"no route to http://second/{IMAGES}.gz"
    with pytest.raises(DataError, match=f"^{refusal(small, tmp_path, reason)}$") as caught:
        small.family.load(tmp_path, silent)
    assert isinstance(caught.value.__cause__, OSError)
    assert list(tmp_path.iterdir()) == []


def test_a_download_broken_off_halfway_leaves_nothing(small, network, broken_off, tmp_path: Path):
    def answer(url: str) -> bytes:
        raise broken_off(small.archives[f"{IMAGES}.gz"][:100])

    network(answer)
    with pytest.raises(DataError, match=r"cannot be downloaded \(.+\); connect"):
        small.family.load(tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_whole_files_survive_a_later_failure_and_are_not_asked_for_again(small, network, serve, tmp_path: Path):
    def answer(url: str) -> bytes:
        if "labels" in url:
            raise ConnectionResetError("gone")
        return serve(url)

    network(answer)
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte, which is missing .*\(gone\)"):
        small.family.load(tmp_path, silent)
    assert files(tmp_path) == [f"Digits/raw/{IMAGES}"]
    asked = network(serve)
    small.family.load(tmp_path, silent)
    assert not any(IMAGES in url for url in asked)


@pytest.mark.parametrize("content", [b"", b"<html>log in first</html>"])
def test_an_answer_with_another_checksum_is_refused(small, network, tmp_path: Path, content: bytes):
    network(lambda url: content)
    with pytest.raises(DataError, match=refusal(small, tmp_path, "File not found or corrupted.")):
        small.family.load(tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_cancelling_stops_between_files_and_leaves_whole_files(small, network, serve, tmp_path: Path):
    def report(progress: Progress) -> None:
        if progress.done >= 0.5:
            raise CancelledError("stopped")

    network(serve)
    with pytest.raises(CancelledError):
        small.family.load(tmp_path, report)
    assert files(tmp_path) == [f"Digits/raw/{IMAGES}", "Digits/raw/train-labels-idx1-ubyte"]


def unwritable(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "file").write_text("not a folder")
    return {
        "a file": tmp_path / "file",
        "below a file": tmp_path / "file" / "data",
        "a name too long": tmp_path / ("x" * 300),
        "a forbidden character": tmp_path / "x\0y",
        "a system folder": Path("/proc/nowhere/data"),
    }


@pytest.mark.parametrize(
    "kind", ["a file", "below a file", "a name too long", "a forbidden character", "a system folder"]
)
def test_a_folder_that_cannot_be_written(small, network, serve, tmp_path: Path, kind: str):
    network(serve)
    folder = unwritable(tmp_path)[kind]
    start = re.escape(f"The data folder {folder} cannot be created or written (")
    remedy = r".+\); name another one with data_dir or MIPP_DATA, or use the embedded mnist-sample\.$"
    with pytest.raises(DataError, match=start + remedy) as caught:
        small.family.load(folder, silent)
    assert caught.value.__cause__ is not None


def test_a_file_where_a_folder_should_be_is_called_so(small, tmp_path: Path):
    with pytest.raises(DataError, match=r"\(a part of this path is a file, not a folder\)"):
        small.family.load(unwritable(tmp_path)["below a file"], silent)


def test_a_folder_where_a_file_should_be(small, network, serve, tmp_path: Path):
    network(serve)
    path = small.write(tmp_path) / IMAGES
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=refusal(small, tmp_path, "Is a directory")):
        small.family.load(tmp_path, silent)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_ones_offline_point_to_the_sample(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=rf"^{name} needs the file .* or use the embedded mnist-sample\.$"):
        load_dataset(name, data_dir=tmp_path)


def test_the_folder_given_comes_before_the_variable_and_the_variable_before_the_cache(monkeypatch):
    monkeypatch.setenv("MIPP_DATA", "/from/variable")
    assert data_folder(Path("/given")) == Path("/given")
    assert data_folder(None) == Path("/from/variable")
    monkeypatch.setenv("MIPP_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert "mipp" in str(data_folder(None))


def test_a_home_folder_is_found(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("USERPROFILE", "/home/someone")
    assert data_folder(Path("~/data")) == Path("/home/someone/data")


def test_a_home_folder_that_is_not_there():
    with pytest.raises(DataError, match=r"'~nobody-of-this-name/data' does not exist; give a full path"):
        data_folder(Path("~nobody-of-this-name/data"))

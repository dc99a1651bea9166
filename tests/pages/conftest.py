import pytest


@pytest.fixture(autouse=True)
def own_store(monkeypatch, tmp_path):
    """Pages see an empty store, never the user's."""
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    return tmp_path / "store"

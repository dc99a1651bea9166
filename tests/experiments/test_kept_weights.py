import io
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from mipp_core.errors import DataError, MippError, ModelError
from mipp_core.experiments.uploads import keep_weights, kept_weights
from mipp_core.models import Architecture, architecture
from mipp_core.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def small(small_architecture) -> Architecture:
    return small_architecture("mlp")


def test_weights_come_back_as_they_were(small: Architecture, store: Store):
    state = small.build(seed=3).state_dict()
    found = kept_weights(keep_weights(save(state), small, store), small, store.blobs)
    assert list(found) == list(state)
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


def test_the_name_follows_from_the_numbers_alone(small: Architecture, store: Store):
    state, file = small.build(seed=3).state_dict(), io.BytesIO()
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, file)
    names = {keep_weights(save(state), small, store), keep_weights(file.getvalue(), small, store)}
    assert len(names) == len(store.blobs.sizes()) == 1
    assert keep_weights(save(small.build(seed=4).state_dict()), small, store) not in names


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04}.", save({"w": torch.ones(2)})])
def test_what_is_refused_leaves_nothing(content: bytes, small: Architecture, store: Store):
    with pytest.raises(MippError):
        keep_weights(content, small, store)
    assert not store.root.exists()


@pytest.mark.parametrize("name", ["", "0" * 64, "f" * 63, "../../secret", "/etc/passwd", "\x00", "A" * 64, "x" * 9999])
def test_an_unknown_name_is_a_sentence(name: str, small: Architecture, store: Store):
    with pytest.raises(DataError, match="give their file again") as caught:
        kept_weights(name, small, store.blobs)
    assert len(str(caught.value)) < 150


def test_a_name_leads_nowhere_else(small: Architecture, store: Store):
    kept = keep_weights(save(small.build().state_dict()), small, store)
    with pytest.raises(DataError):
        kept_weights(f"{kept[:2]}/../{kept}", small, store.blobs)
    with pytest.raises(DataError):
        kept_weights(f"{kept}\n", small, store.blobs)


def test_another_networks_weights_are_a_sentence(small: Architecture, store: Store):
    kept = keep_weights(save(small.build().state_dict()), small, store)
    with pytest.raises(ModelError, match="choose the network they belong to"):
        kept_weights(kept, small.with_widths((5, 4)), store.blobs)
    with pytest.raises(ModelError, match="lenet5"):
        kept_weights(kept, architecture("lenet5", (1, 28, 28), 10), store.blobs)


def test_damaged_weights_are_gone(small: Architecture, store: Store):
    kept = keep_weights(save(small.build().state_dict()), small, store)
    store.blobs.path(kept).write_bytes(b"x")
    with pytest.raises(DataError):
        kept_weights(kept, small, store.blobs)


def test_a_store_that_cannot_be_written_is_a_sentence(small: Architecture, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        keep_weights(save(small.build().state_dict()), small, Store(tmp_path / "file"))

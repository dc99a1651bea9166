"""Good files are read exactly; whatever is changed in them, nothing else is read."""

import random
from pathlib import Path

import pytest
import torch
from old_files import GOOD as OLD
from old_files import old
from safetensors.torch import save
from small_state import saved, state
from torch import nn
from zips import GOOD, PICKLE, with_pickle

from mipp_core.checkpoints import read_checkpoint
from mipp_core.checkpoints.fitting import expected, fitted
from mipp_core.checkpoints.stored import Stored
from mipp_core.errors import DataError, MippError
from mipp_core.models import Architecture, architecture


def with_module(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"module.{name}": tensor for name, tensor in tensors.items()}


WRITERS = {
    "safetensors": save,
    "safetensors of DataParallel": lambda tensors: save(with_module(tensors)),
    "pt": saved,
    "pt, plain dictionary": lambda tensors: saved(dict(tensors)),
    "pt, with more": lambda tensors: saved({"epoch": 3, "rate": 0.1, "log": [1.5, None, True], "state_dict": tensors}),
    "pt, as model": lambda tensors: saved({"model": tensors}),
    "old": old,
    "old, with more": lambda tensors: old({"epoch": 3, "best": 0.9, "state_dict": with_module(tensors)}),
    "old of parameters": lambda tensors: old({name: nn.Parameter(tensor) for name, tensor in tensors.items()}),
    "pt of DataParallel": lambda tensors: saved({"state_dict": with_module(tensors)}),
    "pt of parameters": lambda tensors: saved({name: nn.Parameter(tensor) for name, tensor in tensors.items()}),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("family", ["lenet5", "mlp"])
def test_a_good_file_is_read_exactly(family: str, writer: str):
    made = architecture(family, (1, 28, 28), 10)
    wanted = made.build(seed=3).state_dict()
    found = read_checkpoint(WRITERS[writer](wanted), made)
    assert list(found) == list(wanted)
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())
    made.build().load_state_dict(found)


def test_a_network_is_read_beside_its_optimizer(small: Architecture, network: nn.Module):
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(2, 1, 4, 4)).sum().backward()
    optimizer.step()
    content = saved({"state_dict": network.state_dict(), "optimizer": optimizer.state_dict()})
    assert torch.equal(read_checkpoint(content, small)["fc1.weight"], network.fc1.weight)


@pytest.mark.parametrize("write", [saved, old])
def test_the_same_as_torch_load(write, small: Architecture, tmp_path: Path):
    square = torch.arange(256.0).view(16, 16)
    content = write(state(fc1__weight=square.T[4:12], fc1__bias=square[0, ::2], fc2__bias=torch.ones(1).expand(6)))
    (tmp_path / "x.pt").write_bytes(content)
    wanted, found = torch.load(tmp_path / "x.pt", weights_only=True), read_checkpoint(tmp_path / "x.pt", small)
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("write", [save, saved, old])
def test_other_precisions_become_the_network_s(dtype: torch.dtype, write, small: Architecture):
    tensors = {name: tensor.to(dtype) for name, tensor in state().items()}
    found = read_checkpoint(write(tensors), small)
    assert all(torch.equal(found[name], tensor.float()) for name, tensor in tensors.items())


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_counts_of_batches_are_whole_numbers(dtype: torch.dtype, small: Architecture):
    wanted = {"count": torch.zeros((), dtype=torch.int64, device="meta")}
    stored = Stored(dtype, (), lambda: torch.tensor(7, dtype=dtype))
    assert fitted({"count": stored}, wanted, small)["count"].equal(torch.tensor(7))


def test_what_is_expected_takes_no_memory(small: Architecture):
    assert all(tensor.is_meta for tensor in expected(small).values())


def test_the_file_may_change_afterwards(small: Architecture, tmp_path: Path):
    (tmp_path / "x").write_bytes(GOOD)
    found = read_checkpoint(tmp_path / "x", small)
    (tmp_path / "x").write_bytes(b"")
    found["fc1.weight"].zero_()
    assert not read_checkpoint(GOOD, small)["fc1.weight"].eq(0).any()


def test_a_file_that_is_not_there_is_a_sentence(small: Architecture, tmp_path: Path):
    with pytest.raises(DataError, match=r"cannot be read .* upload it again"):
        read_checkpoint(tmp_path / "nothing", small)


@pytest.mark.parametrize("good", [GOOD, OLD, save(state())], ids=["pt", "old", "safetensors"])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_changed_in_a_good_file_it_is_read_or_refused(good: bytes, seed: int, small: Architecture):
    chance = random.Random(seed)
    outcomes = set()
    for _ in range(50):
        content = bytearray(good)
        for _ in range(chance.choice([1, 1, 3, 20])):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            outcomes.add(len(read_checkpoint(bytes(content), small)))
        except MippError:
            outcomes.add(0)
    assert outcomes <= {0, 6}
    assert 0 in outcomes


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_changed_in_a_pickle_it_is_read_or_refused(seed: int, small: Architecture):
    chance = random.Random(seed)
    for _ in range(50):
        content = bytearray(PICKLE)
        content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            assert len(read_checkpoint(with_pickle(bytes(content)), small)) == 6
        except MippError as problem:
            assert str(problem).endswith(".")

"""Weights are found under any outer names and prefixes, beside anything, and it is said which were taken."""

import argparse
import collections
import itertools
import pathlib

import numpy as np
import pytest
import torch
from old_files import old, oldest
from safetensors.torch import save
from small_state import saved, state
from torch import Tensor, nn

from mipp_core.checkpoints import open_checkpoint, read_checkpoint
from mipp_core.errors import DataError, MippError, ModelError, SettingError
from mipp_core.models import Architecture, architecture

Tensors = dict[str, Tensor]

PREFIXES = ["module.", "_orig_mod.", "model.", "backbone.", "net.module.", "a.b.c."]
OUTER = [
    *("model", "net", "network", "ema", "model_ema", "state_dict", "state_dict_ema", "model_state_dict", "weights"),
    *("params", "params_ema", "generator", "my own"),
]
WRITERS = {"zip": saved, "old": old}


def prefixed(prefix: str, tensors: Tensors) -> Tensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def shifted() -> Tensors:
    """Other weights of the same network."""
    return {name: tensor + 1 for name, tensor in state().items()}


def same(found: Tensors, wanted: Tensors) -> bool:
    return list(found) == list(wanted) and all(torch.equal(found[name], tensor) for name, tensor in wanted.items())


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("name", OUTER)
def test_an_outer_name_is_looked_through(name: str, write: str, small: Architecture):
    found = open_checkpoint(WRITERS[write]({"epoch": 3, name: state(), "log": [1.5, None]}), small)
    assert same(found.tensors, state())
    assert (found.entry, found.entries) == (name, (name,))


@pytest.mark.parametrize("write", [save, saved, old])
@pytest.mark.parametrize("prefixes", [*itertools.permutations(PREFIXES, 1), *itertools.permutations(PREFIXES[:4], 3)])
def test_prefixes_are_looked_through_in_any_order(prefixes: tuple[str, ...], write, small: Architecture):
    assert same(read_checkpoint(write(prefixed("".join(prefixes), state())), small), state())


@pytest.mark.parametrize("outer", [*itertools.permutations(["state_dict", "model", "ema", "module"], 3)])
def test_outer_names_are_looked_through_in_any_order(outer: tuple[str, ...], small: Architecture):
    value = prefixed("_orig_mod.module.", state())
    for name in outer:
        value = {"step": 7, name: value}
    assert same(read_checkpoint(saved(value), small), state())


def test_wrappers_are_no_part_of_a_name(small: Architecture):
    assert open_checkpoint(save(prefixed("module._orig_mod.", state())), small).entry == ""
    assert open_checkpoint(saved({"net": prefixed("module.", state())}), small).entry == "net"


@pytest.mark.parametrize("write", WRITERS)
def test_weights_are_read_beside_things_that_are_not_understood(write: str, small: Architecture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = small.build(seed=5)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(2, 1, 4, 4)).sum().backward()
    optimizer.step()
    beside = {
        "epoch": 3,
        "best_acc": np.float64(0.91),
        "acc1": torch.tensor(91.0),
        "args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("/data")),
        "optimizer": optimizer.state_dict(),
        "optimizer itself": optimizer,
        "losses": np.zeros(5),
        "rng": torch.get_rng_state(),
        "seen": {1, 2},
        "shape": torch.Size([3, 4]),
        "device": torch.device("cpu"),
        "dtype": torch.float32,
        "counts": collections.defaultdict(int, a=1),
        "history": collections.deque([1, 2]),
        "complex": torch.zeros(2, dtype=torch.complex64),
        "pairs": {(1, 2): 3, None: 4, 1.5: 5, 2**70: 6},
        "raw": b"bytes",
        "sparse": torch.eye(3).to_sparse(),
    }
    assert same(read_checkpoint(WRITERS[write]({**beside, "model": network.state_dict()}), small), network.state_dict())
    inside = {**network.state_dict(), **{name: value for name, value in beside.items() if not torch.is_tensor(value)}}
    assert same(read_checkpoint(WRITERS[write](inside), small), network.state_dict())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("write", WRITERS)
def test_any_protocol_of_pickle(write: str, protocol: int, small: Architecture):
    value = {"args": argparse.Namespace(x={1}), "raw": (b"abc", bytearray(3)), "best": np.float32(1), "net": state()}
    assert same(read_checkpoint(WRITERS[write](value, pickle_protocol=protocol), small), state())


class Kind(dict):
    """A dictionary of somebody's own."""


def test_a_dictionary_of_ones_own_class_is_looked_into(small: Architecture):
    assert same(read_checkpoint(saved(Kind(net=Kind(state()))), small), state())


@pytest.mark.parametrize("write", WRITERS)
def test_a_list_or_tuple_is_looked_into(write: str, small: Architecture):
    assert same(read_checkpoint(WRITERS[write]((3, [state()])), small), state())


def test_a_file_of_the_oldest_kind(small: Architecture):
    assert same(read_checkpoint(oldest(state()), small), state())


SIDES = {
    "side by side": lambda plain, ema: saved({"ema": ema, "model": plain}),
    "old": lambda plain, ema: old({"model_ema": ema, "epoch": 1, "state_dict": plain}),
    "nested": lambda plain, ema: saved({"states": {"EMAModel": {"module": ema}, "trained": {"module": plain}}}),
    "prefixes": lambda plain, ema: save({**prefixed("ema_model.module.", ema), **prefixed("model.", plain)}),
    "beside names of its own": lambda plain, ema: save({**prefixed("ema.", ema), **plain}),
    "inside the plain ones": lambda plain, ema: saved({**plain, "ema": ema}),
    "averaged": lambda plain, ema: saved(
        {"swa_state_dict": {"n_averaged": torch.tensor(3), **prefixed("module.", ema)}, "net": plain}
    ),
    "numbered": lambda plain, ema: saved({"ema2": ema, "params": plain}),
}


@pytest.mark.parametrize("kind", SIDES)
def test_plain_weights_are_taken_and_averaged_ones_on_request(kind: str, small: Architecture):
    content = SIDES[kind](state(), shifted())
    found = open_checkpoint(content, small)
    assert same(found.tensors, state())
    assert len(found.entries) == 2
    taken = repr(found.entry) if found.entry else "the one without an outer name"
    assert (
        found.notes[0] == f"The file has several sets of weights that fit: {taken} is taken, not {found.entries[1]!r}."
    )
    asked = open_checkpoint(content, small, found.entries[1])
    assert same(asked.tensors, shifted())
    assert asked.entry == found.entries[1]
    assert f"{asked.entry!r} is taken, not {taken}" in asked.notes[0]


def test_averaged_weights_alone_are_taken_and_said(small: Architecture):
    found = open_checkpoint(saved({"state_dict_ema": state(), "optimizer": {"lr": 0.1}}), small)
    assert same(found.tensors, state())
    assert found.notes == ("The averaged weights 'state_dict_ema' are taken: the file has no others.",)


def test_words_that_only_contain_ema_are_no_averages(small: Architecture):
    content = saved({"schema": state(), "teacher": shifted()})
    assert open_checkpoint(content, small).entry == "schema"


def test_of_two_networks_the_one_that_fits_is_taken(small: Architecture):
    other = small.with_widths((5, 4)).build(seed=1).state_dict()
    found = open_checkpoint(saved({"state_dict": other, "generator": state()}), small)
    assert same(found.tensors, state())
    assert found.entries == ("generator",)


def test_an_inner_name_chooses_too(small: Architecture):
    content = saved({"run": {"student": state(), "teacher": shifted()}})
    assert same(read_checkpoint(content, small, "teacher"), shifted())
    assert same(read_checkpoint(content, small, "run.student"), state())


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("emma", "No weights in the file are called 'emma'; choose one of: 'run.student', 'run.teacher'."),
        ("run", "Several entries of the file are called 'run'; choose one of: 'run.student', 'run.teacher'."),
        ("x" * 500, "x…'; choose one of: 'run.student'"),
    ],
)
def test_an_entry_that_is_not_there_is_a_sentence(asked: str, words: str, small: Architecture):
    with pytest.raises(SettingError) as caught:
        read_checkpoint(saved({"run": {"student": state(), "teacher": shifted()}}), small, asked)
    assert words in str(caught.value)


def test_an_entry_that_does_not_fit_is_said_to_lack_what_it_lacks(small: Architecture):
    content = saved({"net": state(), "half": state(fc1__bias=None)})
    assert same(read_checkpoint(content, small), state())
    with pytest.raises(ModelError, match=r"it lacks 'fc1.bias'; choose the network"):
        read_checkpoint(content, small, "half")


def test_tensors_beside_a_prefix_are_left_and_said(small: Architecture):
    found = open_checkpoint(save({**prefixed("encoder.", state()), "head.weight": torch.ones(3)}), small)
    assert same(found.tensors, state())
    assert found.notes == ("The weights under 'encoder' are taken; 1 other tensors beside them are not used.",)


NORMALISED = architecture("resnet20", (1, 8, 8), 3, (3, 4, 5))


@pytest.mark.parametrize("write", [save, saved, old])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_counts_of_batches_may_be_missing_and_are_0_then(prefix: str, write):
    wanted = NORMALISED.build(seed=2).state_dict()
    kept = {name: tensor for name, tensor in wanted.items() if not name.endswith("num_batches_tracked")}
    assert len(kept) < len(wanted)
    found = read_checkpoint(write(prefixed(prefix, kept)), NORMALISED)
    assert same(found, wanted)
    NORMALISED.build().load_state_dict(found)


def test_counts_of_batches_may_be_averages():
    wanted = NORMALISED.build(seed=2).state_dict()
    averaged = {name: tensor * 0.5 + tensor * 0.5 for name, tensor in wanted.items()}
    assert averaged["bn1.num_batches_tracked"].is_floating_point()
    found = read_checkpoint(saved({"ema": averaged}), NORMALISED)
    assert same(found, wanted)
    assert found["bn1.num_batches_tracked"].dtype == torch.int64


def test_other_statistics_of_a_normalisation_may_not_be_missing():
    wanted = NORMALISED.build(seed=2).state_dict()
    with pytest.raises(ModelError, match=r"it lacks 'bn1.running_mean'"):
        read_checkpoint(
            save({name: tensor for name, tensor in wanted.items() if name != "bn1.running_mean"}), NORMALISED
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("write", [save, saved, old])
def test_a_change_of_type_is_said(dtype: torch.dtype, write, small: Architecture):
    found = open_checkpoint(write({name: tensor.to(dtype) for name, tensor in state().items()}), small)
    assert found.notes == (f"Its numbers are {str(dtype).removeprefix('torch.')} and become float32.",)
    assert open_checkpoint(write(state()), small).notes == ()


def test_metadata_of_safetensors_is_passed_over(small: Architecture):
    assert same(read_checkpoint(save(prefixed("model.", state()), metadata={"format": "pt"}), small), state())


MANY = {
    "10,000 prefixes": lambda: saved({f"p{place}.fc1.weight": torch.zeros(1) for place in range(2000)}),
    "a name of 500,000 dots": lambda: saved({"." * 500_000: torch.zeros(1)}),
    "one long name in many dictionaries": lambda: saved([{name: 1} for name in ["a." * 200_000] for _ in range(5000)]),
    "keys that are all alike": lambda: saved({place * (2**61 - 1): 1 for place in range(3000)}),
    "tuples in tuples as keys": lambda: saved({(((1,), 2), 3): torch.zeros(1)}),
}


@pytest.mark.parametrize("kind", MANY)
def test_names_made_to_take_long_are_refused_at_once(kind: str, small: Architecture):
    with pytest.raises(MippError) as caught:
        read_checkpoint(MANY[kind](), small)
    assert isinstance(caught.value, DataError | ModelError)


def test_a_network_pickled_whole_says_what_to_save(small: Architecture):
    with pytest.raises(
        DataError, match=r"it holds a whole network, '.*Linear', .* save its state_dict\(\) with torch.save"
    ):
        read_checkpoint(old(nn.Linear(2, 2)), small)

"""Files that pretend to come from ``torch.save``, each with a part of the sentence that refuses it."""

import argparse
import builtins
import collections
import functools
import operator
import os
import pathlib
import pickle
import struct
import subprocess
import sys
import zipfile

import numpy as np
import torch
from malformed_pickles import PICKLES
from programs import EXPORTED, SCRIPTED
from small_state import nested, saved, state
from torch import nn
from zips import GOOD, PICKLE, Call, calling, changed, members, tensor, with_pickle, zip_of, zipped

MARKER = "open('marker','w').close()"

CALLS = {
    name: (calling(*called), "nothing is executed here")
    for name, called in {
        "os.system": (os.system, "touch marker"),
        "os.popen": (os.popen, "touch marker"),
        "os.mkdir": (os.mkdir, "marker"),
        "os.remove": (os.remove, "marker"),
        "subprocess.Popen": (subprocess.Popen, ["touch", "marker"]),
        "subprocess.check_output": (subprocess.check_output, ["touch", "marker"]),
        "eval": (eval, MARKER),
        "exec": (exec, MARKER),
        "compile": (compile, MARKER, "x", "exec"),
        "open": (open, "marker", "w"),
        "__import__": (builtins.__import__, "antigravity"),
        "getattr": (getattr, "", "join"),
        "setattr": (setattr, Call(nn.Module), "x", 1),
        "print": (print, "x"),
        "input": (input, "x"),
        "bytearray of 10^10": (bytearray, 10**10),
        "bytes of 10^10": (bytes, 10**10),
        "range": (range, 10**10),
        "partial": (functools.partial, os.system, "touch marker"),
        "attrgetter": (operator.attrgetter, "system"),
        "Path.touch": (pathlib.Path, "marker"),
        "sys.exit": (sys.exit, 3),
        "torch.load": (torch.load, "marker"),
        "torch.save": (torch.save, 1, "marker"),
        "torch.hub.load": (torch.hub.load, "a/b", "c"),
        "torch.hub.load_state_dict_from_url": (torch.hub.load_state_dict_from_url, "http://127.0.0.1:9/x"),
        "torch.ones of 10^10": (torch.ones, 10**10),
        "torch.Tensor of 10^10": (torch.Tensor, 10**10),
        "torch.jit.load": (torch.jit.load, "marker"),
        "torch.Size": (torch.Size, (1,)),
        "torch.device": (torch.device, "cpu"),
        "_rebuild_sparse_tensor": (torch._utils._rebuild_sparse_tensor, torch.sparse_coo, ()),
        "_rebuild_qtensor": (torch._utils._rebuild_qtensor, 1),
        "_rebuild_meta_tensor_no_storage": (
            torch._utils._rebuild_meta_tensor_no_storage,
            torch.float32,
            (10**10,),
            (1,),
            False,
        ),
        "Counter": (collections.Counter, "x"),
        "Namespace": (argparse.Namespace,),
        "Linear": (nn.Linear, 10**5, 10**5),
    }.items()
}

OBJECTS = {
    "a whole network": (saved(nn.Sequential(nn.Linear(2, 2))), "nothing is executed here"),
    "a network in a checkpoint": (saved({"model": nn.Linear(2, 2)}), "nothing is executed here"),
    "a network in a list": (saved([nn.Linear(2, 2)]), "it holds a list, not a state dict"),
    "a network and its optimizer": (
        saved({"optimizer": torch.optim.SGD([torch.zeros(1)]).state_dict(), "net": nn.Linear(2, 2)}),
        "its entry 'net' is a whole network, 'torch.nn.modules.linear.Linear', and nothing is executed here; save its",
    ),
    "an optimizer alone": (saved(torch.optim.SGD([torch.zeros(1)]).state_dict()), "not a tensor with a name"),
    "an optimizer as it is": (saved({"o": torch.optim.SGD([torch.zeros(1)])}), "nothing is executed"),
    "a NumPy array": (saved({"fc1.weight": np.zeros(3)}), "nothing is executed"),
    "a NumPy number": (
        saved(state(fc1__bias=np.float64(1))),
        "is an object, 'numpy._core.multiarray.scalar', and noth",
    ),
    "a device": (saved(state(fc1__bias=torch.device("cpu"))), "nothing is executed"),
    "a type": (saved(state(fc1__bias=torch.float32)), "nothing is executed"),
    "a sparse tensor": (saved(state(fc1__bias=torch.eye(3).to_sparse())), "nothing is executed"),
    "a set": (saved(state(fc1__bias={1, 2})), "is an object, '__builtin__.set', and nothing is executed here"),
    "a number for weights": (saved(state(fc1__bias=3)), "is of the type 'int'; a tensor should be there"),
    "a list for weights": (saved(state(fc1__bias=[0.0] * 8)), "is of the type 'list'; a tensor should be there"),
    "complex numbers": (saved(state(fc1__bias=torch.zeros(8, dtype=torch.complex64))), "type of number"),
    "bytes": (saved(state(fc1__bias=torch.zeros(8, dtype=torch.uint8))), "type of number"),
    "booleans": (saved(state(fc1__bias=torch.zeros(8, dtype=torch.bool))), "type of number"),
    "float8": (saved(state(fc1__bias=torch.zeros(8, dtype=torch.float8_e4m3fn))), "nothing is executed"),
    "whole numbers for weights": (saved(state(fc1__bias=torch.zeros(8, dtype=torch.int64))), "type of number"),
    "a tensor": (saved(torch.zeros(3)), "it holds a tensor, not a state dict"),
    "a list": (saved([torch.zeros(3)]), "it holds a list"),
    "a number": (saved(3), "it holds a int"),
    "nothing": (saved(None), "it holds a NoneType"),
    "a string": (saved("hello"), "it holds a str"),
    "nested junk": (saved({"a": {"b": {"c": [1, (2, {"d": None})]}}}), "'a' in its state dict is not a tensor"),
    "nested too deep": (saved(nested(20)), "'model' in its state dict is not a tensor"),
    "a list of a state dict": (saved({"state_dict": list(state().items())}), "'state_dict' in its state dict is not"),
    "the optimizer's tensors": (saved({"state": {0: {"exp_avg": torch.zeros(3)}}}), "lacks 'fc1.weight'"),
    "half of the weights": (saved({"ema": dict([*state().items()][:3])}), "lacks 'fc2.bias'"),
    "one missing, under a name": (saved({"net": {"module": state(fc1__bias=None)}}), "lacks 'fc1.bias'"),
    "another shape, under a name": (saved({"net": state(fc1__weight=torch.zeros(16, 8))}), "16x8 instead of 8x16"),
    "numbers as names": (saved(dict(enumerate(state().values()))), "'0' in its state dict is not a tensor"),
    "tuples as names": (saved({(1, 2): torch.zeros(1)}), "keys of type 'tuple'"),
    "an empty dictionary": (saved({}), "lacks 'fc1.weight'"),
    "one missing": (saved(state(fc1__bias=None)), "lacks 'fc1.bias'"),
    "one extra": (saved(state(extra=torch.zeros(1))), "has 'extra', which the network does not have"),
    "another shape": (saved(state(fc1__weight=torch.zeros(16, 8))), "16x8 instead of 8x16"),
    "empty tensor": (saved(state(fc1__weight=torch.zeros(0, 16))), "0x16 instead of 8x16"),
    "nan": (saved(state(fc1__bias=torch.full((8,), float("nan")))), "not finite"),
    "inf": (saved(state(fc1__bias=torch.full((8,), float("inf")))), "not finite"),
    "too large for float32": (saved(state(fc1__bias=torch.full((8,), 1e300, dtype=torch.float64))), "not finite"),
    "protocol 0": (saved(state(), pickle_protocol=0), "its pickle uses"),
    "a bare pickle": (pickle.dumps(Call(os.system, "touch marker")), "a bare pickle"),
    "a bare pickle of protocol 0": (pickle.dumps(Call(os.system, "touch marker"), 0), "neither safetensors"),
    "TorchScript": (SCRIPTED, "a TorchScript program"),
    ".pt2": (EXPORTED, "a .pt2 program"),
}

LIES = {
    name: (with_pickle(tensor(**lie)), part)
    for name, (lie, part) in {
        "10^10 elements": ({"count": 10**10}, "claims 10000000000 numbers"),
        "2^62 elements": ({"count": 2**62}, "claims 4611686018427387904 numbers"),
        "2^70 elements": ({"count": 2**70}, "not a record of numbers"),
        "-1 elements": ({"count": -1}, "not a record of numbers"),
        "an element too many": ({"count": 129}, "claims 129 numbers"),
        "an element too few": ({"count": 127}, "claims 127 numbers"),
        "no elements": ({"count": 0}, "claims 0 numbers"),
        "another record": ({"key": "1"}, "claims 128 numbers"),
        "no record": ({"key": "77"}, "the file has no bytes"),
        "a record elsewhere": ({"key": "../version"}, "the file has no bytes"),
        "an absolute record": ({"key": "/etc/passwd"}, "the file has no bytes"),
        "a shape of 10^10": (
            {"shape": "\x8a\x05\x00\xe4\x0b\x54\x02\x85", "strides": "K\1\x85"},
            "numbers, but its record has",
        ),
        "10^10 of one number": ({"shape": "\x8a\x05\x00\xe4\x0b\x54\x02\x85", "strides": "K\0\x85"}, "instead of 8x16"),
        "a shape of 2^70": ({"shape": "\x8a\x09" + "\0" * 8 + "\x40\x85", "strides": "K\1\x85"}, "no tensor has"),
        "a negative shape": ({"shape": "J\xff\xff\xff\xffK\x10\x86"}, "which no tensor has"),
        "a negative stride": ({"strides": "J\xff\xff\xff\xffK\x01\x86"}, "which no tensor has"),
        "a long stride": ({"strides": "K\xffK\x01\x86"}, "needs 1801 numbers, but its record has 128"),
        "an offset": ({"offset": "K\x01"}, "needs 129 numbers, but its record has 128"),
        "a far offset": ({"offset": "J\xff\xff\xff\x7f"}, "numbers, but its record has"),
        "a negative offset": ({"offset": "J\xff\xff\xff\xff"}, "an impossible tensor"),
        "an offset of truth": ({"offset": "\x88"}, "an impossible tensor"),
        "more strides than sizes": ({"strides": "K\x10K\x01K\x01\x87"}, "an impossible tensor"),
        "sizes that are text": ({"shape": "X\x01\0\0\0a\x85"}, "which no tensor has"),
        "sizes that are none": ({"shape": "N"}, "which no tensor has"),
        "many sizes": ({"shape": "(" + "K\1" * 5000 + "t"}, "which no tensor has"),
    }.items()
}


def _declaring(size: int) -> bytes:
    """The good file whose directory says that every member has another size."""
    content = bytearray(GOOD)
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 20 : at + 28] = struct.pack("<II", size, size)
        at = content.find(b"PK\x01\x02", at + 1)
    return bytes(content)


def _encrypted() -> bytes:
    content = bytearray(zipped(members()))
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


_INNER = members()

ZIPS = {
    **{
        f"a member called {name!r}": (zip_of([*_INNER.items(), (name, b"x")]), "leads out of the archive")
        for name in [
            *("../evil.pt", "archive/../../evil", "/etc/passwd", "archive/..", "..\\evil", "archive\\..\\x", "C:\\x"),
            *("C:x", "//host/x", "archive/../data/0"),
        ]
    },
    "a bomb of 100 MB": (zipped({"archive/data.pkl": b"\0" * 10**8}, zipfile.ZIP_DEFLATED), "is compressed"),
    "a bombed record": (zipped(_INNER | {"archive/data/0": b"\0" * 10**8}, zipfile.ZIP_DEFLATED), "is compressed"),
    "packed by bzip2": (zipped(_INNER, zipfile.ZIP_BZIP2), "is compressed"),
    "packed by lzma": (zipped(_INNER, zipfile.ZIP_LZMA), "is compressed"),
    "sizes of 4 GB": (_declaring(2**32 - 2), "more bytes than the file has"),
    "sizes of 1 GB": (_declaring(2**30), "more bytes than the file has"),
    "encrypted": (_encrypted(), "is encrypted"),
    "20,000 members": (zipped({f"archive/{i}": b"" for i in range(20_000)}), "more than 10000 members"),
    "a name twice": (zip_of([*_INNER.items(), ("archive/data.pkl", PICKLE)]), "two members of the same name"),
    "two folders": (zipped(_INNER | {"other/data.pkl": PICKLE}), "without the one folder"),
    "no folder": (zipped({name.removeprefix("archive/"): part for name, part in _INNER.items()}), "the one folder"),
    "no data.pkl": (zipped({"archive/data/0": b"abcd"}), "without the one folder"),
    "an empty zip": (zip_of([]), "without the one folder"),
    "a document": (zipped({"word/document.xml": b"<x/>", "[Content_Types].xml": b"<x/>"}), "the one folder"),
    "a NumPy archive": (zipped({"fc1.weight.npy": b"\x93NUMPY"}), "without the one folder"),
    "a huge pickle": (with_pickle(PICKLE + b"\0" * 2**20), "the limit is 1048576"),
    "big-endian": (changed(byteorder=b"big"), "big-endian"),
    "a long byte order": (changed(byteorder=b"little" * 9), "the limit is 16"),
    "a record cut": (changed(data__0=_INNER["archive/data/0"][:-1]), "claims 128 numbers"),
    "a record gone": (changed(data__0=None), "the file has no bytes"),
    "a record empty": (changed(data__0=b""), "claims 128 numbers"),
    "a record damaged": (GOOD.replace(_INNER["archive/data/0"], b"\1" * 512), "'data/0' is damaged"),
    "a pickle damaged": (GOOD.replace(b"fc1.weight", b"fc2.weight", 1), "'data.pkl' is damaged"),
    "a pickle for a record": (with_pickle(PICKLE.replace(b"FloatStorage", b"DoubleStorage")), "claims 128 numbers"),
}

CUTS = {f"cut to {at} bytes": (GOOD[:at], "") for at in sorted({1, 2, 3, 4, 5, *range(30, len(GOOD), len(GOOD) // 40)})}

CASES = {
    f"{table}: {name}": case
    for table, cases in {
        "calls": CALLS,
        "objects": OBJECTS,
        "pickles": PICKLES,
        "lies": LIES,
        "zips": ZIPS,
        "cuts": CUTS,
    }.items()
    for name, case in cases.items()
}

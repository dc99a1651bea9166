"""Files that pretend to be of ``torch.save``'s old format, each with a part of the sentence that refuses it."""

import argparse
import os
import pickle
import subprocess

import torch
from malformed_pickles import PICKLES as _ZIPPED
from old_files import GOOD, MAGIC, VERSION, old, one, pickles, put_together, record, with_part
from small_state import state
from torch import nn
from zips import Call, members

WEIGHT = state()["fc1.weight"]
FULL = record(WEIGHT)

CALLS = {
    f"a call of {called.__name__} for a weight": (
        old(state(fc1__bias=Call(called, *given))),
        "nothing is executed here",
    )
    for called, given in [
        (os.system, ["touch marker"]),
        (subprocess.check_output, [["touch", "marker"]]),
        (eval, ["open('marker','w')"]),
        (bytearray, [10**10]),
        (torch.ones, [10**10]),
        (torch.load, ["marker"]),
        (argparse.Namespace, []),
    ]
}

OBJECTS = {
    "a whole network": (
        old(nn.Sequential(nn.Linear(2, 2))),
        "it holds a whole network, 'torch.nn.modules.container.Sequential', and nothing is executed here; save its "
        "state_dict()",
    ),
    "a network beside its optimizer": (
        old({"model": nn.Linear(2, 2), "epoch": 3}),
        "its entry 'model' is a whole network",
    ),
    "a tensor": (old(torch.zeros(3)), "it holds a tensor, not a state dict"),
    "a list": (old([torch.zeros(3)]), "it holds a list"),
    "nothing": (old(None), "it holds a NoneType"),
    "an empty dictionary": (old({}), "lacks 'fc1.weight'"),
    "one missing": (old(state(fc1__bias=None)), "lacks 'fc1.bias'"),
    "one extra": (old(state(extra=torch.zeros(1))), "has 'extra', which the network does not have"),
    "another shape": (old(state(fc1__weight=torch.zeros(16, 8))), "16x8 instead of 8x16"),
    "nan": (old(state(fc1__bias=torch.full((8,), float("nan")))), "not finite"),
    "whole numbers": (old(state(fc1__bias=torch.zeros(8, dtype=torch.int64))), "type of number"),
}

HEADS = {
    "a bare pickle": (pickle.dumps({"fc1.weight": 1}, 2), "a bare pickle"),
    "a bare pickle with the magic number in it": (pickle.dumps([0x1950A86A20F9469CFC6C], 2), "does not begin as"),
    "a call first": (pickle.dumps(Call(os.system, "touch marker"), 2), "a bare pickle"),
    "only the magic number": (MAGIC, "damaged"),
    "no facts about the machine": (MAGIC + VERSION, "damaged"),
    "another version": (with_part(1, pickle.dumps(1002, 2)), "torch.save's version '1002', and 1001 is known here"),
    "a version of text": (with_part(1, pickle.dumps("1001", 2)), "torch.save's version 'str'"),
    "a huge version": (with_part(1, b"\x8a\xff" + b"\x7f" * 255 + b"."), "torch.save's version '"),
    "big-endian": (with_part(2, pickle.dumps({"little_endian": False}, 2)), "big-endian"),
    "no byte order": (with_part(2, pickle.dumps({}, 2)), "big-endian"),
    "a number for the machine": (with_part(2, pickle.dumps(3, 2)), "big-endian"),
    "a tar": (b"sys_info" + bytes(249) + b"ustar" + bytes(250), "neither safetensors"),
}

KEYS = {
    f"keys {name}": (with_part(4, pickle.dumps(keys, 2)), part)
    for name, keys, part in [
        ("that are a number", 3, "no list of its records"),
        ("that are none", None, "no list of its records"),
        ("that are numbers", [1, 2], "no list of its records"),
        ("that are calls", [Call(os.system, "touch marker")], "no list of its records"),
        ("of nothing", [], "bytes follow its last record"),
        ("that are unknown", ["x"], "its record 'x' is not described"),
        ("that lead elsewhere", ["../../etc/passwd"], "is not described"),
        ("that repeat", 2 * pickle.loads(pickles()[4])[:1], "is there twice"),
        ("one too few", pickle.loads(pickles()[4])[:-1], "bytes follow its last record"),
        ("in another order", pickle.loads(pickles()[4])[::-1], "numbers of torch.float32, but begins with the count"),
    ]
}

LIES = {
    name: (put_together(one(**lie), ["a"], records), part)
    for name, lie, records, part in [
        ("10^10 elements", {"count": 10**10}, FULL, "claims 10000000000 numbers"),
        ("2^62 elements", {"count": 2**62}, record(WEIGHT, 2**62), "claims 4611686018427387904 numbers"),
        ("2^70 elements", {"count": 2**70}, FULL, "not a record of numbers"),
        ("-1 elements", {"count": -1}, record(WEIGHT, -1), "not a record of numbers"),
        ("an element too many", {"count": 129}, FULL, "claims 129 numbers"),
        ("an element too few", {"count": 127}, FULL, "claims 127 numbers"),
        ("another count in front", {}, record(WEIGHT, 127), "begins with the count 127"),
        ("a negative count in front", {}, record(WEIGHT, -1), "begins with the count -1"),
        ("a huge count in front", {}, record(WEIGHT, 2**62), "begins with the count 4611686018427387904"),
        ("no record", {}, b"", "and the file has 0 bytes left"),
        ("half a count", {}, FULL[:4], "and the file has 0 bytes left"),
        ("a record cut", {}, FULL[:-1], "and the file has 511 bytes left"),
        ("a byte too many", {}, FULL + b"\0", "1 bytes follow its last record"),
        ("two records", {}, FULL + FULL, "520 bytes follow its last record"),
        ("a far offset", {"offset": "J\xff\xff\xff\x7f"}, FULL, "numbers, but its record has 128"),
        ("a negative offset", {"offset": "J\xff\xff\xff\xff"}, FULL, "an impossible tensor"),
        ("a long shape", {"shape": "K\x09K\x10\x86"}, FULL, "needs 144 numbers, but its record has 128"),
        ("a shape of 2^70", {"shape": "\x8a\x09" + "\0" * 8 + "\x40K\1\x86"}, FULL, "no tensor has"),
        ("the new call's arguments left out", {"call": "_rebuild_tensor_v2"}, FULL, "lacks"),
        ("a part", {"part": "(U\1bK\0K\x40t"}, FULL, "needs 128 numbers, but its record has 64"),
        ("a part of all", {"part": "(U\1bK\0K\x80t"}, FULL, "lacks 'fc1.bias'"),
        ("a part beyond", {"part": "(U\1bK\x01K\x80t"}, FULL, "not inside its record of 128 numbers"),
        ("a part before", {"part": "(U\1bJ\xff\xff\xff\xffK\x40t"}, FULL, "not inside its record"),
        ("a part of truth", {"part": "(U\1b\x88K\x40t"}, FULL, "not inside its record"),
        ("a part that is text", {"part": "U\1b"}, FULL, "damaged (ValueError)"),
        ("a part of two", {"part": "(U\1bK\0t"}, FULL, "damaged (ValueError)"),
        ("more than a part", {"part": "NN"}, FULL, "damaged (ValueError)"),
    ]
}

PICKLES = {
    f"instead of the content, {name}": (with_part(3, members(zipped)["archive/data.pkl"]), "")
    for name, (zipped, _) in _ZIPPED.items()
}
"""What the zip's pickle may not be; without an end, the pickles that follow are taken for its continuation."""

HUGE = {
    "100,000 marks": (put_together(b"(" * 101_000, [], b""), "more than 100000 instructions"),
    "a pickle of 2 MB": (put_together(b"X\xf0\xff\xff\0" + b"a" * (2**24), [], b""), "more than 1048576 bytes"),
}

CUTS = {
    f"cut to {at} bytes": (GOOD[:at], "") for at in sorted({1, 2, 3, 15, 16, *range(20, len(GOOD), len(GOOD) // 60)})
}

CASES = CALLS | OBJECTS | HEADS | KEYS | LIES | PICKLES | HUGE | CUTS

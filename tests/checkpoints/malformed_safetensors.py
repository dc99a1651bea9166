"""Safetensors files with false claims, each with a part of the sentence that refuses it."""

import json
from typing import Any

import torch
from safetensors.torch import save
from small_state import state

GOOD = save(state())
_LENGTH = int.from_bytes(GOOD[:8], "little")
_HEADER: dict[str, Any] = json.loads(GOOD[8 : 8 + _LENGTH])
_DATA = GOOD[8 + _LENGTH :]
_ENDS = _HEADER["fc1.weight"]["data_offsets"]


def framed(header: bytes, data: bytes = _DATA, length: int | None = None) -> bytes:
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


def entry(data: bytes = _DATA, **changes: Any) -> bytes:
    """The good file with another entry for fc1.weight."""
    return framed(json.dumps({**_HEADER, "fc1.weight": {**_HEADER["fc1.weight"], **changes}}).encode(), data)


def header(**changes: Any) -> bytes:
    return framed(json.dumps({**_HEADER, **changes}).encode())


def one(dtype: str, shape: list[int], ends: list[int], data: bytes) -> bytes:
    return framed(json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": ends}}).encode(), data)


def value(name: str, number: float, dtype: torch.dtype = torch.float32) -> bytes:
    changed = state()[name].to(dtype)
    changed.view(-1)[-1] = number
    return save({**state(), name: changed})


_JSON = json.dumps(_HEADER).encode()

LENGTHS = {
    f"header of {length} bytes": (length.to_bytes(8, "little") + GOOD[8:], "claims a header of")
    for length in (len(GOOD), 2**20 + 1, 10**8, 2**31, 2**32, 2**62, 2**63, 2**64 - 1)
} | {
    f"header length {length}": (length.to_bytes(8, "little") + GOOD[8:], "not JSON")
    for length in (0, 1, 2, 10, _LENGTH // 2, _LENGTH - 30, _LENGTH + 1, _LENGTH + 50)
}

TEXTS = {
    f"header {text[:25]!r}": (framed(text), part)
    for text, part in [
        (b"{", "not JSON"),
        (b"{{}", "not JSON"),
        (b"{'w': 1}", "not JSON"),
        (b'{"w": NaN}', "not JSON"),
        (b'{"w": Infinity}', "not JSON"),
        (b'{"w": -Infinity}', "not JSON"),
        (b'{"w": 1,}', "not JSON"),
        (b'{"w": \xff\xfe}', "not JSON"),
        (b'{"w": "\n"}', "not JSON"),
        (b'{"w": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"w":' + b"[" * 200_000, "not JSON"),
        (b'{"w":' + b'{"w":' * 100_000, "not JSON"),
        (b"{}\0", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{}", "take 0 bytes"),
        (b'{"__metadata__": {"format": "pt"}}', "take 0 bytes"),
        (b'{"w": 1}', "by exactly"),
        (b'{"w": null}', "by exactly"),
        (b'{"w": []}', "by exactly"),
        (b'{"w": {}}', "by exactly"),
        (b'{"w": {"dtype": "F32"}}', "by exactly"),
        (b'{"": ""}', "by exactly"),
        (_JSON.replace(b'{"fc1.bias"', b'{"fc1.bias":1,"fc1.bias"', 1), "a name comes twice"),
        (_JSON.replace(b'"dtype"', b'"dtype":"I8","dtype"', 1), "a name comes twice"),
    ]
}

TYPES = {
    f"type {dtype!r}": (entry(dtype=dtype), "has the type")
    for dtype in [
        *("", "f32", "F33", "F8_E4M3", "F8_E5M2", "U8", "BOOL", "C64", "I8", "float32", "F32\n", "A" * 5000),
        *(3, None, [], ["F32"], {}, True, 1.5),
    ]
} | {
    "type F64": (entry(dtype="F64"), "needs 1024 bytes"),
    "type F16": (entry(dtype="F16"), "needs 256 bytes"),
    "whole numbers for weights": (save(state(fc1__bias=torch.zeros(8, dtype=torch.int32))), "type of number"),
    "all whole numbers": (save({k: v.long() for k, v in state().items()}), "type of number"),
}

OFFSETS = {
    f"offsets {str(ends)[:40]}": (entry(data_offsets=ends), part)
    for ends, part in [
        ([], "not two whole numbers"),
        ([0], "not two whole numbers"),
        ([0, 4, 8], "not two whole numbers"),
        (None, "not two whole numbers"),
        ("0,512", "not two whole numbers"),
        ({"0": 1}, "not two whole numbers"),
        ([0.0, 512.0], "not two whole numbers"),
        (["0", "512"], "not two whole numbers"),
        ([False, True], "not two whole numbers"),
        ([-512, 0], "not two whole numbers"),
        ([None, None], "not two whole numbers"),
        ([0, 2**64], "not two whole numbers"),
        ([10**400, 10**400 + 512], "not two whole numbers"),
        ([_ENDS[1], _ENDS[0]], "needs 512 bytes"),
        ([_ENDS[0], _ENDS[1] - 4], "needs 512 bytes"),
        ([_ENDS[0], _ENDS[1] + 4], "needs 512 bytes"),
        ([_ENDS[0] - 4, _ENDS[1] - 4], "overlap"),
        ([_ENDS[0] + 4, _ENDS[1] + 4], "leave a gap"),
        ([0, 512], "overlap"),
        ([len(_DATA), len(_DATA) + 512], "leave a gap"),
        ([10**12, 10**12 + 512], "leave a gap"),
        ([2**62, 2**62 + 512], "leave a gap"),
    ]
} | {
    "a byte too many": (GOOD + b"\0", "take"),
    "many bytes too many": (GOOD + GOOD, "take"),
    "beyond the file": (one("F32", [10**10], [0, 4 * 10**10], b"\0" * 1000), "take 40000000000 bytes"),
    "no data": (framed(_JSON, b""), "but the file has 0"),
}

SHAPES = {
    f"shape {str(shape)[:40]}": (entry(shape=shape), part)
    for shape, part in [
        ([8, -16], "which no tensor has"),
        ([-8, -16], "which no tensor has"),
        ([8.0, 16.0], "which no tensor has"),
        (["8", "16"], "which no tensor has"),
        ([True, 128], "which no tensor has"),
        ([[8, 16]], "which no tensor has"),
        (None, "which no tensor has"),
        ("8x16", "which no tensor has"),
        (128, "which no tensor has"),
        ({"8": 16}, "which no tensor has"),
        ([1] * 9 + [128], "which no tensor has"),
        ([2] * 100_000, "which no tensor has"),
        ([2**63, 2], "which no tensor has"),
        ([10**4000, 1], "which no tensor has"),
        ([10**10], "needs 40000000000 bytes"),
        ([2**62, 2**62, 2**62], "bytes, but its offsets"),
        ([0, 16], "needs 0 bytes"),
        ([], "needs 4 bytes"),
        ([8, 15], "needs 480 bytes"),
        ([16, 8], "16x8 instead of 8x16"),
        ([128], "128 instead of 8x16"),
        ([1, 8, 16], "1x8x16 instead of 8x16"),
        ([8, 16, 1], "8x16x1 instead of 8x16"),
    ]
}

MEMBERS = {
    "no tensors": (save({}), "lacks 'fc1.weight'"),
    "one missing": (save(state(fc1__bias=None)), "lacks 'fc1.bias'"),
    "four missing": (
        save(state(fc1__bias=None, fc2__bias=None, fc3__bias=None, fc1__weight=None)),
        "and 1 more",
    ),
    "one extra": (save(state(extra=torch.zeros(3))), "has 'extra', which the network does not have"),
    "many extra": (save(state(**{f"x{i}": torch.zeros(1) for i in range(500)})), "and 497 more"),
    "a long name": (save(state(**{"x" * 50_000: torch.zeros(1)})), "…"),
    "a name with lines": (save(state(**{"a\nb\x1b[31m": torch.zeros(1)})), "a\\nb"),
    "a name that is a path": (save(state(**{"../../etc/passwd": torch.zeros(1)})), "etc/passwd"),
    "another network": (save({"conv1.weight": torch.zeros(6, 1, 5, 5)}), "choose the network they belong to"),
    "wider": (save(state(fc1__weight=torch.zeros(9, 16))), "'fc1.weight' is 9x16 instead of 8x16"),
    "empty": (save(state(fc1__weight=torch.zeros(0, 16))), "0x16 instead of 8x16"),
    "half of the names prefixed": (save(state(module__x=torch.zeros(1))), "which the network does not have"),
    "prefixed, and one more": (
        save({f"module.{k}": v for k, v in state(x=torch.ones(1)).items()}),
        "'x', which the net",
    ),
    "prefixed in two ways": (
        save({f"{'ab'[place % 2]}.{name}": tensor for place, (name, tensor) in enumerate(state().items())}),
        "it lacks",
    ),
    "huge and true": (save(state(fc1__weight=torch.zeros(3000, 1000))), "3000x1000 instead of 8x16"),
}

VALUES = {
    f"{number} in {name}": (value(name, number), f"{name!r} holds values that are not finite")
    for name in ("fc1.weight", "fc3.bias")
    for number in (float("nan"), float("inf"), float("-inf"))
} | {
    "too large for float32": (value("fc1.bias", 1e300, torch.float64), "not finite"),
    "nan in half precision": (value("fc1.bias", float("nan"), torch.float16), "not finite"),
    "inf in bfloat16": (value("fc1.bias", float("inf"), torch.bfloat16), "not finite"),
}

CUTS = {f"cut to {at} bytes": (GOOD[:at], "") for at in sorted({*range(0, 12), *range(12, len(GOOD), len(GOOD) // 25)})}

CASES = LENGTHS | TEXTS | TYPES | OFFSETS | SHAPES | MEMBERS | VALUES | CUTS

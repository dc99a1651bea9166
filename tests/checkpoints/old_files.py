"""Files like those of ``torch.save`` before PyTorch 1.6, put together by hand."""

import io
import pickle
import pickletools
from typing import Any

import torch
from small_state import saved, state
from torch import Tensor

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
VERSION = pickle.dumps(1001, 2)
MACHINE = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}, 2)


def old(value: Any, **options: Any) -> bytes:
    return saved(value, _use_new_zipfile_serialization=False, **options)


GOOD = old(state())


def pickles(content: bytes = GOOD) -> list[bytes]:
    """The five pickles of a file, and the rest."""
    file, parts = io.BytesIO(content), []
    for _ in range(5):
        start = file.tell()
        for _instruction in pickletools.genops(file):
            pass
        parts.append(content[start : file.tell()])
    return [*parts, content[file.tell() :]]


def with_part(place: int, content: bytes) -> bytes:
    """The good file with another part."""
    parts = pickles()
    parts[place] = content
    return b"".join(parts)


def record(tensor: Tensor, count: int | None = None) -> bytes:
    numbers = tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    return (tensor.numel() if count is None else count).to_bytes(8, "little", signed=True) + numbers


def put_together(
    pickled: bytes, keys: Any, records: bytes, magic: bytes = MAGIC, version: bytes = VERSION, machine: bytes = MACHINE
) -> bytes:
    return magic + version + machine + pickled + pickle.dumps(keys, 2) + records


def one(
    count: int = 128, part: str = "N", shape: str = "K\x08K\x10\x86", offset: str = "K\0", call: str = "_rebuild_tensor"
) -> bytes:
    """The pickle of a state dict of one tensor, as PyTorch 0.3 wrote it, in pickle's opcodes."""
    number = pickle.dumps(count, 2)[2:-1].decode("latin-1")
    text = (
        f"\x80\x02}}U\x0afc1.weightctorch._utils\n{call}\n((U\x07storagectorch\nFloatStorage\nU\x01aU\x06cuda:0"
        f"{number}{part}tQ{offset}{shape}K\x10K\x01\x86tRs."
    )
    return text.encode("latin-1")


def oldest(tensors: dict[str, Tensor]) -> bytes:
    """As Python 2 and PyTorch 0.3 wrote it: short strings, items as pairs, and tensors that are parts of one record."""
    whole = torch.cat([tensor.flatten() for tensor in tensors.values()])
    pairs, first = "", 0
    for name, tensor in tensors.items():
        part = f"(U\x01v{_short(first)}{_short(tensor.numel())}t"
        shape, strides = ("".join(map(_short, sizes)) for sizes in (tensor.shape, tensor.stride()))
        pairs += f"](U{chr(len(name))}{name}ctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nFloatStorage\n"
        pairs += f"U\x01aU\x03cpu{_short(len(whole))}{part}tQK\0({shape}t({strides}ttRe"
        first += tensor.numel()
    pickled = f"\x80\x02ccollections\nOrderedDict\n]({pairs}e\x85R."
    return put_together(pickled.encode("latin-1"), ["a"], record(whole))


def _short(number: int) -> str:
    """Push a number of two bytes."""
    return "M" + number.to_bytes(2, "little").decode("latin-1")

"""Zips like those of ``torch.save``, put together by hand."""

import io
import pickle
import warnings
import zipfile
from typing import Any

from small_state import saved, state

GOOD = saved(state())


def members(content: bytes = GOOD) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {name: archive.read(name) for name in archive.namelist()}


PICKLE = members()["archive/data.pkl"]


def zipped(contents: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    return zip_of(list(contents.items()), kind)


def zip_of(contents: list[tuple[str, bytes]], kind: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in contents:
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return file.getvalue()


def changed(**changes: bytes | None) -> bytes:
    """The good file with other members; None takes one away, and the key is the part after ``archive/``."""
    whole = members() | {f"archive/{name.replace('__', '/')}": content for name, content in changes.items()}
    return zipped({name: content for name, content in whole.items() if content is not None})


def with_pickle(content: bytes) -> bytes:
    return zipped(members() | {"archive/data.pkl": content})


class Call:
    """Pickled, it becomes a call."""

    def __init__(self, called: Any, *arguments: Any) -> None:
        self._made = (called, arguments)

    def __reduce__(self) -> Any:
        return self._made


def calling(called: Any, *arguments: Any, protocol: int = 2) -> bytes:
    return with_pickle(pickle.dumps({"fc1.weight": Call(called, *arguments)}, protocol))


def tensor(
    count: int = 128,
    shape: str = "K\x08K\x10\x86",
    strides: str = "K\x10K\x01\x86",
    offset: str = "K\0",
    key: str = "0",
) -> bytes:
    """The pickle of a state dict of one tensor, written in pickle's opcodes."""
    number = pickle.dumps(count, 2)[2:-1].decode("latin-1")
    text = (
        "\x80\x02}X\x0a\0\0\0fc1.weightctorch._utils\n_rebuild_tensor_v2\n"
        f"((X\x07\0\0\0storagectorch\nFloatStorage\nX{chr(len(key))}\0\0\0{key}X\x03\0\0\0cpu{number}tQ"
        f"{offset}{shape}{strides}\x89ccollections\nOrderedDict\n)RtRs."
    )
    return text.encode("latin-1")

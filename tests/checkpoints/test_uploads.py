import random
from pathlib import Path

import pytest

from mipp_core.checkpoints import read_checkpoint, stored
from mipp_core.errors import DataError

FOREIGN = {
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "it is an HDF5 file"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(100), "it is a picture"),
    "JPEG": (b"\xff\xd8\xff\xe0" + bytes(100), "it is a picture"),
    "GIF": (b"GIF89a" + bytes(100), "it is a picture"),
    "PDF": (b"%PDF-1.7\n", "it is a PDF"),
    "gzip": (b"\x1f\x8b\x08" + bytes(100), "compressed by gzip"),
    "NumPy": (b"\x93NUMPY\x01\x00v", "it is a NumPy array"),
    "ONNX": (b"\x08\x0a\x12\x07pytorch", "it is an ONNX file"),
    "text": (b"fc1.weight = 3", "neither safetensors nor"),
    "JSON": (b'{"fc1.weight": 3}', "neither safetensors nor"),
    "HTML": (b"<!doctype html><script>alert(1)</script>", "neither safetensors nor"),
    "ELF": (b"\x7fELF\x02\x01\x01" + bytes(100), "neither safetensors nor"),
    "zeros": (bytes(1000), "neither safetensors nor"),
    "empty": (b"", "it is empty"),
    **{f"random {seed}": (random.Random(seed).randbytes(500), "") for seed in range(20)},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_kind_is_a_sentence(name: str, refusal):
    content, part = FOREIGN[name]
    assert part in refusal(content)


def test_an_upload_too_large_is_refused(monkeypatch: pytest.MonkeyPatch, refusal):
    monkeypatch.setattr(stored, "LARGEST_FILE", 10)
    assert "it has 11 bytes, and the limit is 10; save only the weights" in refusal(b"x" * 11)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path, small):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(stored.LARGEST_FILE + 1)  # a sparse file: it takes no space
    with pytest.raises(DataError, match="and the limit is"):
        read_checkpoint(path, small)

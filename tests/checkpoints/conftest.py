import resource
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from mipp_core.checkpoints import read_checkpoint
from mipp_core.errors import MippError
from mipp_core.models import Architecture, architecture

MOST_MEMORY = 100 * 2**20
"""Bytes that refusing a small file may take; files with false claims ask for gigabytes."""


@pytest.fixture(scope="session")
def small() -> Architecture:
    return architecture("mlp", (1, 4, 4), 3, (8, 6))


@pytest.fixture(scope="session")
def network(small: Architecture) -> nn.Module:
    return small.build(seed=5)


@pytest.fixture
def refusal(small: Architecture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], str]:
    """Return the sentence that refuses a file; check that the file did nothing else."""
    monkeypatch.chdir(tmp_path)

    def refuse(content: bytes) -> str:
        with pytest.raises(MippError) as caught, within_memory():
            read_checkpoint(content, small)
        assert list(tmp_path.rglob("*")) == []
        return sentence(caught.value)

    return refuse


class within_memory:  # noqa: N801
    """Fail if the block takes more memory than refusing a small file may."""

    def __enter__(self) -> None:
        self._before = peak()
        tracemalloc.start()

    def __exit__(self, *_: object) -> None:
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert taken < MOST_MEMORY
        assert peak() - self._before < MOST_MEMORY


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def sentence(problem: MippError) -> str:
    words = str(problem)
    assert words.startswith(("This file is not read: ", "The file does not hold the weights of "))
    assert words.endswith(".")
    assert words.isprintable()
    assert len(words) < 600
    return words

"""The table of benchmarks: what a line says, and that every benchmark is found."""

import importlib

import pytest
import torch

from benchmarks.__main__ import MODULES, NAMES
from benchmarks.side_by_side.rows import How, Row


def test_a_line_has_medians_their_quotient_and_the_range_of_single_ones():
    row = Row("work", "a loop", (1.0, 2.0, 4.0), (10.0, 8.0, 8.0), 3.0, "the same")
    assert row.ratio == 4.0
    assert row.ratios == (2.0, 10.0)
    assert str(row) == "| work | a loop | 2.00 | 8.00 | 4.0 (2.0 to 10.0) | 3 | the same |"
    assert row.to_json() | {"ratio": 4.0, "ratios": [2.0, 10.0], "wanted": 3.0} == row.to_json()


def test_both_ways_are_done_in_turn_after_warming_up():
    done = []
    mine, other, our, their = How(torch.device("cpu"), 2).compare(lambda: done.append(1), lambda: done.append(2))
    assert done == [1, 2, 2, 1, 2, 1]
    assert len(mine) == len(other) == 2
    assert our is their is None


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_is_there(name):
    assert callable(importlib.import_module(f"benchmarks.side_by_side.{MODULES[name]}").measure)


def test_a_benchmark_runs_from_end_to_end():
    (row,) = importlib.import_module("benchmarks.side_by_side.perceptrons").measure(How(torch.device("cpu"), 1))
    assert row.ours and row.theirs and row.same.startswith("weights within")

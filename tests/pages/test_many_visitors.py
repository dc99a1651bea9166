"""A class opens the app: forty sessions do the same thing at the same instant."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.visitors import Visitor, app_with

VISITORS, ROUNDS = 40, 5
TITLES = ("Compare", "Runs", "Explore")
HEADINGS = {"Compare": "Compare pruners", "Runs": "Runs", "Explore": "Mutual Information Preserving Pruning"}

pytestmark = pytest.mark.xdist_group("visitors")


def test_a_class_opens_changes_page_and_moves_the_slider_at_the_same_instant(tmp_path: Path):
    """Five rounds; nobody is shown an error or another's state.  The times are printed: `pytest -s` shows them."""
    with app_with(tmp_path) as host:
        first = asyncio.run(rounds(host))
    print(f"first page of {VISITORS} sessions: {min(first):.1f} to {max(first):.1f} s")


async def rounds(host: str) -> list[float]:
    visitors, first = [Visitor(host) for _ in range(VISITORS)], []
    for number in range(ROUNDS):
        await asyncio.gather(*(visitor.open() for visitor in visitors))
        first += [visitor.seconds[-1] for visitor in visitors]
        assert all(visitor.shows("Level 15:") for visitor in visitors)
        await asyncio.gather(*(act(visitor, place, number) for place, visitor in enumerate(visitors)))
        for place, visitor in enumerate(visitors):
            assert visitor.shows(wanted(place, number)), f"visitor {place} sees {visitor.words[:3]}"
    await asyncio.gather(*(visitor.close() for visitor in visitors))
    errors = [error for visitor in visitors for error in visitor.errors]
    assert not errors
    return first


async def act(visitor: Visitor, place: int, number: int) -> None:
    """Every other visitor moves the slider to a place of its own; the rest change the page."""
    if place % 2:
        await visitor.move(level_of(place, number))
    else:
        await visitor.turn_to(title_of(place, number))


def wanted(place: int, number: int) -> str:
    return f"Level {level_of(place, number)}:" if place % 2 else HEADINGS[title_of(place, number)]


def level_of(place: int, number: int) -> int:
    return (place // 2 + number) % 20


def title_of(place: int, number: int) -> str:
    return TITLES[(place // 2 + number) % 3]

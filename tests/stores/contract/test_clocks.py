"""Clocks that are set forward, and back again: what was forgotten in between is never taken for what never was."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import pytest

from tests.stores.contract.places import PATIENCE, Place, Style
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.bench import Checkable

HOURS = 10 * 3600.0
REFUSED = "refused"

Asked = Callable[[Ask[Any]], Any]


@pytest.fixture
def now(place: Place) -> float:
    """A moment after all that tests before this one have asked with."""
    place.latest = ceil(place.latest) + 2 * HOURS
    return place.latest - HOURS


def asking(store: Checkable) -> Asked:
    def asked(ask: Ask[Any]) -> Any:
        try:
            return store.answer(ask, PATIENCE)
        except SourceFailed as failure:
            if failure.reason.kind is not SOURCE_REFUSED:
                raise
            return REFUSED

    return asked


def let_it_forget(asked: Asked, space: str, now: float) -> None:
    """Much is written, each time with a chance to forget some of what has expired."""
    for number in range(300):
        key = number.to_bytes(2, "big")
        assert asked(ConsumeOnce(space, key, now + 60, now)) is True
        assert asked(Put(space, key, b"v", now + 60, now)) is None
        assert asked(Count(space, key, 8.0, now)) == 1


@pytest.fixture
def space(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)[-60:]


def test_a_used_mark_is_not_new_again(place: Place, style: Style, space: str, now: float) -> None:
    with place.open(style) as store:
        asked = asking(store)
        for number in range(20):
            assert asked(ConsumeOnce(space, bytes([number]), now + 5, now)) is True
        let_it_forget(asked, space, now + HOURS)
        for number in range(20):
            assert asked(ConsumeOnce(space, bytes([number]), now + 5, now)) in (False, REFUSED)


def test_a_value_that_was_there_is_not_nothing(place: Place, style: Style, space: str, now: float) -> None:
    """A revocation, say: to find nothing would let somebody in."""
    with place.open(style) as store:
        asked = asking(store)
        for number in range(20):
            asked(Put(space, bytes([number]), b"revoked", now + 5, now))
        let_it_forget(asked, space, now + HOURS)
        for number in range(20):
            key = bytes([number])
            assert asked(Lookup(space, key, now)) in (b"revoked", REFUSED)
            assert asked(Advance(space, key, None, b"new", now + 5, now)) in (False, REFUSED)


@pytest.mark.parametrize("begun_anew", [False, True])
def test_an_event_in_the_window_is_not_left_out(
    place: Place, style: Style, space: str, now: float, begun_anew: bool
) -> None:
    """Nor if the counter that was forgotten was begun anew in the meantime."""
    with place.open(style) as store:
        asked = asking(store)
        for number in range(20):
            assert asked(Count(space, bytes([9, number]), 8.0, now, 3)) == 3
        let_it_forget(asked, space, now + HOURS)
        for number in range(20):
            if begun_anew:
                assert asked(Count(space, bytes([9, number]), 8.0, now + HOURS)) == 1
            told = asked(Count(space, bytes([9, number]), 8.0, now, 0))
            assert told == REFUSED or told >= 3

"""What `zerotrust store check` checks, of every store we ship and of one that somebody else wrote."""

from __future__ import annotations

from collections.abc import Iterator
from time import time

import pytest

from tests.stores.contract.naive import NaiveStore
from tests.stores.contract.places import KEYS, Place, Style
from zerotrust.stores.bench import Checkable
from zerotrust.stores.contract import CHECKS, check_store


@pytest.fixture
def store(place: Place, style: Style) -> Iterator[Checkable]:
    with place.open(style) as store:
        yield store


def test_all_promises_are_kept(store: Checkable) -> None:
    for _ in range(2):  # a second run is not disturbed by what the first one left
        results = list(check_store(store, timeout=5.0))
        assert len(results) == len(CHECKS)
        assert [result for result in results if result.outcome != "passed"] == []


def test_a_store_of_somebody_else() -> None:
    assert [result for result in check_store(NaiveStore(KEYS)) if result.outcome != "passed"] == []


def test_what_is_left_behind_expires_soon() -> None:
    store = NaiveStore(KEYS)
    soon = (time() + 60) * 1000
    assert all(result.outcome == "passed" for result in check_store(store))
    assert len(store.marks) > 50
    assert max(store.marks.values()) < soon
    assert max(until for _, until in store.records.values()) < soon


@pytest.mark.parametrize("place", ["redis"], indirect=True, scope="module")
def test_a_server_is_clean_two_minutes_later(place: Place) -> None:
    import redis

    with place.open("blocking", namespace="clean") as store:
        assert all(result.outcome == "passed" for result in check_store(store))
    with redis.Redis.from_url(place.url) as client:
        left = {name: client.pttl(name) for name in client.keys("clean:*")}
    assert len(left) > 50
    assert left.pop(b"clean:index") == -1
    assert all(0 < life < 120_000 for life in left.values())

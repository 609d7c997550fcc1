"""The cache that both fetchers share, with its clock in the test's hand."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from zerotrust.core.ask import Document, Fetch, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.stores.cache import DocumentCache, Fetched, Flight
from zerotrust.stores.freshness import Terms

URL = "https://login.example.com/keys"
NOW = 1_800_000_000.0
BODY = Fetched(b"{}", 300.0)


def new(most: int = 4, timeout: float = 3.0) -> DocumentCache:
    return DocumentCache(Terms(), most=most, hosts=None, timeout=timeout)


def launched(cache: DocumentCache, url: str = URL, tick: float = 0.0, now: float = NOW) -> Flight:
    answer = cache.consult(Fetch(url, now), tick)
    assert answer.launch
    assert answer.flight is not None
    return answer.flight


def test_only_the_first_is_told_to_launch() -> None:
    cache = new()
    flight = launched(cache)
    assert cache.consult(Fetch(URL, NOW), 1.0) == (None, flight, False)
    cache.land(flight, BODY, 2.0)
    document = cache.settle(flight, Fetch(URL, NOW), 2.0)
    assert cache.consult(Fetch(URL, NOW), 3.0) == (document, None, False)


def test_a_fetch_whose_thread_is_gone_is_given_up_by_the_next_to_ask() -> None:
    cache = new()
    lost = launched(cache)
    assert cache.consult(Fetch(URL, NOW), 3.2).flight is lost
    with pytest.raises(SourceFailed) as caught:
        cache.consult(Fetch(URL, NOW), 3.25)
    assert caught.value.reason.kind is SOURCE_TIMEOUT
    again = launched(cache, tick=4.3)
    assert again is not lost
    # And if it comes home after all, it is nobody's any more.
    cache.land(lost, BODY, 4.4)
    assert cache.consult(Fetch(URL, NOW), 4.5).flight is again


def test_a_fetch_whose_thread_is_gone_is_given_up_by_those_who_wait() -> None:
    cache = new()
    lost = launched(cache)
    assert cache.patience(lost, Fetch(URL, NOW), 10.0, 1.0) == 2.25
    with pytest.raises(SourceFailed) as caught:
        cache.settle(lost, Fetch(URL, NOW), 3.25)
    assert caught.value.reason.kind is SOURCE_TIMEOUT
    assert lost.landed.done()


def test_who_cannot_wait_longer_leaves_the_fetch_to_the_others() -> None:
    cache = new()
    flight = launched(cache)
    assert cache.patience(flight, Fetch(URL, NOW), 0.5, 0.0) == 0.5
    with pytest.raises(SourceFailed) as caught:
        cache.settle(flight, Fetch(URL, NOW), 0.5)
    assert (caught.value.reason.kind, caught.value.retry_after) == (SOURCE_TIMEOUT, 1.0)
    assert cache.consult(Fetch(URL, NOW), 0.6).flight is flight


def test_who_has_a_copy_to_fall_back_on_waits_half_the_time() -> None:
    cache = new()
    first = launched(cache)
    cache.land(first, BODY, 0.0)
    flight = launched(cache, tick=1.0, now=NOW + 301)
    assert cache.patience(flight, Fetch(URL, NOW + 301), 2.0, 1.0) == 1.0
    assert cache.settle(flight, Fetch(URL, NOW + 301), 2.0) is first.landed.result()


def test_a_bug_is_raised_by_all_who_wait() -> None:
    cache = new()
    flight = launched(cache)
    cache.land(flight, ZeroDivisionError(), 0.0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            cache.settle(flight, Fetch(URL, NOW), 0.0)
    with pytest.raises(SourceFailed):  # and the next do not fetch at once, to run into it again
        cache.consult(Fetch(URL, NOW), 0.5)


def test_cut_short_says_nothing_about_the_server() -> None:
    cache = new()
    flight = launched(cache)
    cache.land(flight, KeyboardInterrupt(), 0.0)
    with pytest.raises(SourceFailed) as caught:
        cache.settle(flight, Fetch(URL, NOW), 0.0)
    assert caught.value.reason == SOURCE_DOWN(detail="fetching was cut short")
    launched(cache, tick=0.1)


def test_landing_twice_counts_once() -> None:
    cache = new()
    flight = launched(cache)
    cache.land(flight, BODY, 0.0)
    cache.land(flight, SOURCE_DOWN(), 0.0)
    assert isinstance(flight.landed.result(), Document)


def test_when_full_the_document_fetched_longest_ago_goes() -> None:
    cache = new(most=3)
    for number in range(3):
        cache.land(launched(cache, f"{URL}{number}", tick=number), BODY, number)
    cache.land(launched(cache, f"{URL}0", tick=10.0, now=NOW + 301), BODY, 10.0)
    launched(cache, f"{URL}3", tick=11.0)
    assert {url for url, *_ in cache.ready} == {f"{URL}0", f"{URL}2"}


def test_when_full_of_fetches_under_way_more_are_refused() -> None:
    cache = new(most=2)
    flights = [launched(cache, f"{URL}{number}") for number in range(2)]
    with pytest.raises(SourceFailed) as caught:
        cache.consult(Fetch(URL, NOW), 1.0)
    assert caught.value.reason.kind is SOURCE_REFUSED
    assert cache.consult(Fetch(f"{URL}0", NOW), 1.0).flight is flights[0]


def test_of_many_threads_one_is_told_to_launch() -> None:
    threads, rounds = 8, 200
    cache = new(most=rounds)
    barrier = Barrier(threads)

    def ask(_: int) -> list[bool]:
        launches = []
        for number in range(rounds):
            barrier.wait(10)
            launches.append(cache.consult(Fetch(f"{URL}{number}", NOW), 0.0).launch)
        return launches

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            launches = list(pool.map(ask, range(threads)))
    finally:
        sys.setswitchinterval(interval)
    assert [sum(turn) for turn in zip(*launches, strict=True)] == [1] * rounds


def test_waiters_cannot_cancel() -> None:
    assert not launched(new()).landed.cancel()


def test_refused_urls_take_no_room() -> None:
    cache = new(most=1)
    with pytest.raises(SourceFailed):
        cache.consult(Fetch("http://login.example.com/", NOW), 0.0)
    assert not cache._entries

"""A server, or who is on the way to it, may refuse an answer, but hold up nobody."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator
from datetime import timedelta
from time import monotonic

import pytest
from psycopg import pq

from tests.stores.postgres.hostile import Peer, Talks, clear, hostile, message, scram
from tests.stores.postgres.world import PATIENCE, Place, Style, fails, heard, mark
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.stores.notices import Listening
from zerotrust.stores.postgres import aside, talk

TIMEOUT = 0.3
# What a busy machine may add; less than those who are held up take.
SLACK = 1.0

NOTICE = message(b"N", b"SNOTICE\0C00000\0Mx\0\0")
DONE = message(b"C", b"SELECT 1\0")


def place(url: str) -> Place:
    return Place(url, "", "zerotrust")


def after_a_question(data: bytes, then: Callable[[Peer], None] = Peer.stay) -> Talks:
    def talk(peer: Peer) -> None:
        peer.let_in()
        peer.hear()
        peer.say(data)
        then(peer)

    return talk


def while_connecting(peer: Peer) -> None:
    peer.begin()
    peer.say(message(b"R", bytes(4)))
    peer.go_on(NOTICE * 1000)


def slowly(peer: Peer) -> None:
    """So little at a time that it is never too much, and always something."""
    peer.let_in()
    peer.hear()
    peer.go_on(NOTICE)


@pytest.mark.parametrize(
    "talks",
    [
        after_a_question(message(b"1") + message(b"2") + message(b"H", b"\0\0\0")),
        after_a_question(message(b"1") + message(b"2") + message(b"G", b"\0\0\0")),
        after_a_question(message(b"1") + message(b"2") + message(b"W", b"\0\0\0")),
        after_a_question(message(b"1") + message(b"2"), lambda peer: peer.go_on(DONE * 1000)),
        after_a_question(b"", lambda peer: peer.go_on(NOTICE * 1000)),
        after_a_question(message(b"D")[:1] + struct.pack("!i", 2**30), lambda peer: peer.go_on(bytes(65536))),
        after_a_question(message(b"1") + message(b"E", b"SERROR\0C42501\0Mx\0\0"), lambda peer: peer.go_on(DONE)),
        while_connecting,
        slowly,
    ],
    ids=["copy out", "copy in", "copy both", "results", "notices", "row", "error", "connecting", "slowly"],
)
def test_no_speech_goes_on_for_ever(talks: Talks, style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    if talks is slowly:
        monkeypatch.setattr(talk.Room.__init__, "__defaults__", (2**40,))
    with hostile(talks) as server:
        with place(server.url).opened(style, timeout=timedelta(seconds=TIMEOUT)) as store:
            began = monotonic()
            reason = fails(store, mark(), SOURCE_TIMEOUT if talks is slowly else SOURCE_DOWN)
            assert monotonic() - began < TIMEOUT + SLACK
        assert talks is slowly or "protocol" in reason.detail
        (peer,) = server.peers
        # libpq reads on while there is something, which on loopback may be for a while, but not to a message's end.
        assert talks is slowly or peer.sent < 2**29


@pytest.fixture
def nothing_left() -> Iterator[None]:
    yield
    for step in aside._under_way():
        step.begin().result(PATIENCE)


@pytest.mark.usefixtures("nothing_left")
def test_a_password_that_is_to_be_hashed_for_ever(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "MOST_LEFT", 1)
    brief = 0.1  # far less than the hashing takes, and so are two of them
    with hostile(scram(2_000_000)) as server:
        with place(server.url).opened(style, timeout=timedelta(seconds=brief)) as store:
            began = monotonic()
            fails(store, mark(), SOURCE_TIMEOUT)
            assert monotonic() - began < brief + SLACK
            assert len(aside._under_way()) == 1
            fails(store, mark(), SOURCE_TIMEOUT)
        assert len(server.peers) == 1, "one processor less is enough"


@pytest.mark.usefixtures("nothing_left")
def test_an_event_loop_goes_on_meanwhile() -> None:
    async def scene(url: str) -> float:
        longest, last, going = 0.0, monotonic(), True

        async def beat() -> None:
            nonlocal longest, last
            while going:
                await asyncio.sleep(0.01)
                longest, last = max(longest, monotonic() - last), monotonic()

        beating = asyncio.create_task(beat())
        async with place(url).asynchronous(timeout=timedelta(seconds=TIMEOUT)) as store:
            with pytest.raises(Exception, match="in time"):
                await store.answer(mark(), PATIENCE)
        going = False
        await beating
        return longest

    with hostile(scram(3_000_000)) as server:
        assert asyncio.run(scene(server.url)) < SLACK


@pytest.mark.skipif(pq.version() < 160000, reason="this libpq knows no require_auth")
def test_who_is_not_verified_is_not_sent_the_password(style: Style) -> None:
    with hostile(clear) as server:
        with place(server.url).opened(style) as store:
            reason = fails(store, mark(), SOURCE_REFUSED)
        assert "verify-full" in str(reason.expected)
        assert "hunter2" not in str(reason)
    assert not any(peer.told for peer in server.peers)
    with hostile(clear) as server, place(f"{server.url}?require_auth=password").opened(style) as store:
        fails(store, mark(), SOURCE_DOWN)
    assert server.peers[0].told == b"hunter2\0"


def announces(flood: bytes) -> Talks:
    """One that lets somebody listen, and then does not stop."""

    def talk(peer: Peer) -> None:
        peer.let_in()
        probe = peer.message().split(b"pg_notify('")[1].split(b"'")[0]
        peer.say(DONE * 4 + message(b"A", bytes(4) + probe + b"\0\0") + message(b"Z", b"I"))
        peer.go_on(flood)

    return talk


@pytest.mark.parametrize(
    "flood", [NOTICE * 100, message(b"A", bytes(4) + b"other\0x\0") * 100], ids=["notices", "others"]
)
def test_who_hears_much_that_means_nothing_may_stop_waiting(flood: bytes, style: Style) -> None:
    with (
        hostile(announces(flood)) as server,
        place(server.url).opened(style) as store,
        store.subscribe("session") as subscription,
    ):
        assert heard(subscription) == Listening()
        began = monotonic()
        subscription.get(TIMEOUT)
        assert monotonic() - began < TIMEOUT + SLACK


def test_who_waits_for_the_first_word_is_not_talked_to_death(style: Style) -> None:
    """Announcements that are not the one that was asked for."""
    other = message(b"A", bytes(4) + b"other\0x\0")
    talks = after_a_question(DONE * 4 + message(b"Z", b"I"), lambda peer: peer.go_on(other))
    with (
        hostile(talks) as server,
        place(server.url).opened(style) as store,
        store.subscribe("session") as subscription,
    ):
        began = monotonic()
        heard(subscription)
        assert monotonic() - began < 2.0 + SLACK

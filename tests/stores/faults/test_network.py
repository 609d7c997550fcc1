"""Networks that stall, cut, refuse and drip: every ask ends in time, with a reason, and no mark is given twice.

The network fails at each step in turn: before a connection, while one is made, once the question is sent, and in the
middle of the answer. A question whose answer was lost may have been carried out; so nobody is told twice that a mark is
theirs, and an answer that arrives late is nobody's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from threading import Barrier

import pytest

from tests.search import share_of
from tests.servers.proxy import Proxy
from tests.stores.faults.remote import Remote
from tests.stores.faults.world import (
    LONG,
    TIMEOUT,
    Asker,
    Marks,
    advance,
    at_most,
    count,
    lookup,
    opened,
    put,
    recovers,
    until,
)
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_TIMEOUT
from zerotrust.stores.health import FAILURES

OUTAGE = (SOURCE_DOWN, SOURCE_TIMEOUT)
USED, FRESH = 1000, 2000


def sockets() -> int:
    """How many sockets this process has open."""

    def links() -> Iterator[str]:
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - a Path cannot tell that an entry is gone by now
            try:
                yield os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115
            except OSError:
                continue

    return sum(link.startswith("socket:") for link in links())


def measured(remote: Remote, marks: Marks) -> tuple[int, int]:
    """How many bytes the server says until a first answer is there, and in a second answer."""
    with remote.direct() as direct:  # what is said but once to a namespace has been said
        assert marks.use(direct, USED).value is True
    with remote.through() as asker:
        assert marks.use(asker, USED + 1).value is True
        first = remote.proxy.replies.seen
        assert marks.use(asker, USED).value is False
        return first, remote.proxy.replies.seen - first


def points(total: int, most: int) -> list[int]:
    """At how many bytes of `total` to cut: the first and the last ones, and some in between, fewer in CI."""
    most = max(4, share_of(most))
    if total <= most:
        return list(range(total))
    return sorted({0, 1, total - 1, *Random(total).sample(range(total), most - 3)})


def ask_at_once(asker: Asker, marks: Marks, keys: range) -> list[object]:
    """Ask for these marks at the same time; what each asker is told."""
    barrier = Barrier(len(keys))

    def one(key: int) -> object:
        barrier.wait(10)
        outcome = marks.use(asker, key)
        return outcome.value if outcome.reason is None else outcome.reason.kind

    with ThreadPoolExecutor(len(keys)) as pool:
        return list(pool.map(one, keys))


def test_a_connection_that_does_not_come_about(remote: Remote) -> None:
    marks, proxy = Marks(), remote.proxy
    handshake, _ = measured(remote, marks)
    faults: list[Callable[[], None]] = [proxy.refuse, proxy.mute]
    faults += [partial(proxy.cut_after, requests=0), partial(proxy.stall, requests=0)]
    faults += [partial(proxy.stall, replies=at) for at in points(handshake, 5)]
    faults += [partial(proxy.cut_after, replies=at) for at in points(handshake, 12)]
    before, spared = sockets(), 0
    for key, fault in enumerate(faults):
        fault()
        with remote.through() as asker:
            outcome = marks.use(asker, key)
            if outcome.reason is None:  # what a server says of itself is not always of the same length
                assert not proxy.replies.touched, f"fault {key}: {outcome}"
                spared += 1
            else:
                assert outcome.reason.kind in OUTAGE, f"fault {key}: {outcome}"
            proxy.heal()
            # The very next ask is answered: nothing half made is left in the way.
            assert marks.use(asker, key).reason is None, f"fault {key}: {outcome}"
            assert marks.use(asker, key).value is False
    assert spared <= 2
    proxy.cut()  # the proxy has sockets, too
    until(lambda: sockets() <= before, "no connection is left behind")


def test_an_answer_that_is_held_up_is_nobody_elses(remote: Remote) -> None:
    marks, proxy = Marks(), remote.proxy
    now, askers = marks.now, 4
    with remote.through() as asker, remote.direct() as direct:
        assert marks.use(direct, USED).value is True
        assert direct.get(put(b"kept", b"value", now)) is None
        assert ask_at_once(asker, marks, range(100, 100 + askers)) == [True] * askers  # connections for all
        proxy.stall(replies=0)
        assert ask_at_once(asker, marks, range(askers)) == [SOURCE_TIMEOUT] * askers
        assert proxy.replies.held > 0, "the server has answered, and nobody has heard"
        # They were set. Who asked was not told so: nobody has them, which is a refusal and no harm. (On a busy machine
        # time may be up before all have asked.)
        assert False in [marks.use(direct, key).value for key in range(askers)]
        proxy.heal()
        # The answers to come are False, True, a number, nothing, and a value: one question off, and it shows.
        for turn in range(3):
            assert ask_at_once(asker, marks, range(askers)) == [False] * askers
            assert marks.use(asker, USED).value is False
            assert marks.use(asker, FRESH + turn).value is True
            assert asker.get(count(b"who", now)) == turn + 1
            assert asker.get(lookup(b"absent", now)) is None
            assert asker.get(lookup(b"kept", now)) == b"value"
            assert asker.get(advance(b"step", b"%d" % turn if turn else None, b"%d" % (turn + 1), now)) is True
        marks.check(direct)


def test_an_answer_that_is_late_while_the_next_is_awaited(remote: Remote) -> None:
    """The worst moment: who asks next has sent its question when the answer to the last one comes in."""
    marks, proxy = Marks(), remote.proxy
    with remote.through() as asker, remote.direct() as direct, ThreadPoolExecutor(1) as pool:
        assert marks.use(direct, USED).value is True
        for turn in range(3):
            assert marks.use(asker, FRESH + turn).value is True
            proxy.stall(replies=0)
            outcome = marks.use(asker, turn)  # whose answer, that this mark was free, comes late
            assert outcome.reason is not None
            assert outcome.reason.kind is SOURCE_TIMEOUT
            sent = proxy.requests.seen
            next_one = pool.submit(marks.use, asker, USED, timeout=LONG)
            proxy.wait_for_request(sent)
            proxy.heal()
            # Answered, or too late: never with what was meant for another.
            assert next_one.result().value in (False, None)
            assert marks.use(asker, turn).value is False
        marks.check(direct)


def test_an_answer_that_is_cut_in_the_middle(remote: Remote) -> None:
    marks, proxy = Marks(), remote.proxy
    _, reply = measured(remote, marks)
    with remote.through() as asker, remote.direct() as direct:
        for key, at in enumerate(points(reply, 12)):
            assert marks.use(asker, USED).value is False
            proxy.cut_after(replies=at)
            outcome = marks.use(asker, key)
            assert outcome.reason is not None, f"cut after {at} bytes of {reply}: {outcome}"
            assert outcome.reason.kind is SOURCE_DOWN, f"cut after {at} bytes of {reply}: {outcome}"
            assert outcome.seconds < LONG, "there was nothing to wait for"
            proxy.heal()
            assert marks.use(asker, FRESH + key).value is True
        marks.check(direct, also=tuple(range(key + 1)))
    assert not marks.acknowledged & set(range(key + 1)), "each of them was set, and its asker was not told"


def test_an_answer_that_stops_in_the_middle(remote: Remote) -> None:
    marks, proxy = Marks(), remote.proxy
    _, reply = measured(remote, marks)
    with remote.through() as asker, remote.direct() as direct:
        for key, at in enumerate(points(reply, 4)):
            assert marks.use(asker, USED).value is False
            proxy.stall(replies=at)
            outcome = marks.use(asker, key)
            assert outcome.reason is not None, f"stalled after {at} bytes of {reply}: {outcome}"
            assert outcome.reason.kind is SOURCE_TIMEOUT
            proxy.heal()
            assert marks.use(asker, USED).value is False
            assert marks.use(asker, FRESH + key).value is True
        marks.check(direct, also=tuple(range(key + 1)))


def test_a_question_that_arrives_late(remote: Remote) -> None:
    marks, proxy = Marks(), remote.proxy
    with remote.through() as asker, remote.direct() as direct:
        assert marks.use(asker, USED).value is True
        proxy.stall(replies=None, requests=0)
        outcome = marks.use(asker, 1)
        assert outcome.reason is not None
        assert outcome.reason.kind is SOURCE_TIMEOUT
        assert proxy.requests.held > 0, "the server has not heard of it"
        assert marks.use(direct, 1).value is True
        proxy.heal()
        proxy.wait(lambda: proxy.requests.held == 0, "it has now, or never will")
        assert marks.use(asker, 1).value is False
        assert marks.use(asker, 2).value is True
        marks.check(direct)


def test_an_answer_that_drips_takes_no_longer_than_one_that_does_not_come(remote: Remote) -> None:
    now = Marks().now
    with remote.through() as asker, remote.direct() as direct:
        direct.get(put(b"large", b"v" * 65536, now))
        assert asker.get(lookup(b"absent", now)) is None
        remote.proxy.drip(TIMEOUT / 20)  # each byte well within the time that the whole answer has
        outcome = asker.ask(lookup(b"large", now))
        assert outcome.reason is not None
        assert outcome.reason.kind is SOURCE_TIMEOUT
        remote.proxy.heal()
        assert asker.get(lookup(b"large", now)) == b"v" * 65536


def test_connections_that_were_cut_while_idle_cost_nobody_an_answer(remote: Remote) -> None:
    marks, askers = Marks(), 4
    with remote.through() as asker:
        assert ask_at_once(asker, marks, range(askers)) == [True] * askers
        remote.proxy.cut()
        assert ask_at_once(asker, marks, range(10, 10 + askers)) == [True] * askers
        marks.check(asker)


@pytest.mark.parametrize("fault", ["refuse", "mute"])
def test_an_outage_is_asked_about_rarely_and_its_end_is_noticed(remote: Remote, fault: str) -> None:
    marks, proxy = Marks(), remote.proxy
    with remote.through() as asker:
        assert marks.use(asker, USED).value is True
        getattr(proxy, fault)()
        proxy.cut()
        for key in range(FAILURES):
            assert asker.breaker == "closed"
            outcome = marks.use(asker, key)
            assert outcome.reason is not None
            assert outcome.reason.kind in OUTAGE, outcome
        assert asker.breaker == "open"
        asked = proxy.accepted
        with at_most(0.0, "twenty that are refused at once"):
            for key in range(20):
                outcome = marks.use(asker, key)
                assert outcome.reason is not None
                assert outcome.reason.kind is SOURCE_DOWN
                assert "not asked" in outcome.reason.detail
                assert 1 <= outcome.retry_after <= 30
        assert proxy.accepted == asked, "nobody went there"
        proxy.heal()
        recovers(asker, marks, FRESH)
        assert asker.breaker == "closed"
        assert ask_at_once(asker, marks, range(100, 108)) == [True] * 8
        marks.check(asker)


@pytest.mark.parametrize("kind", ["redis", "postgres"])
@pytest.mark.parametrize("style", ["blocking", "async"])
def test_a_tls_handshake_that_stalls_or_is_cut(kind: str, style: str, redis: object) -> None:
    port = redis.port  # type: ignore[attr-defined]
    with Proxy(port) as proxy:
        url = (
            f"rediss://127.0.0.1:{proxy.port}/0"
            if kind == "redis"
            else f"postgresql://zerotrust@127.0.0.1:{proxy.port}/zerotrust?sslmode=require"
        )
        marks = Marks()
        for fault in (proxy.mute, lambda: proxy.cut_after(requests=1)):
            fault()
            with opened(kind, style, url) as asker:  # type: ignore[arg-type]
                outcome = marks.use(asker, 1)
                assert outcome.reason is not None
                assert outcome.reason.kind in OUTAGE, outcome
            proxy.heal()

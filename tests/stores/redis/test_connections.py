"""Connections: bounded, kept, replaced when they are dead, and never those of a parent process or of another loop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.servers import PATIENCE
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer, redis_server
from tests.stores.forking import leave
from tests.stores.redis.asking import (
    LATER,
    NOW,
    PATIENT,
    Style,
    ask,
    both,
    every,
    look,
    once,
    opened,
    put,
    trouble,
)
from tests.stores.redis.saying import saying
from zerotrust.core.ask import Ask, ConsumeOnce, Fetch, Lookup, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.stores.notices import Changed, Listening, Lost, Subscription
from zerotrust.stores.redis import AsyncRedisStore, RedisStore
from zerotrust.stores.redis.asynchronous import _Home
from zerotrust.stores.redis.links import Link
from zerotrust.stores.redis.pool import Pool
from zerotrust.stores.redis.routes import Only
from zerotrust.stores.redis.url import Place


def taken(server: RedisServer) -> int:
    return int(server.info("stats")["total_connections_received"])


@both
def test_a_connection_is_used_again(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store:
        once(store)
        before = taken(server)
        for _ in range(20):
            once(store)
        assert taken(server) - before == 1  # our own, to look


@both
def test_no_more_connections_than_are_allowed(style: Style, namespace: str) -> None:
    with redis_server() as server, opened(style, server.url, namespace=namespace, connections=2) as store:
        before = taken(server)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda number: once(store, b"%d" % (number // 2)), range(400)))
        assert sum(answers) == 200
        assert taken(server) - before <= 3


@both
def test_waiting_for_a_connection_counts_as_waiting(style: Style, server: RedisServer, namespace: str) -> None:
    with Proxy(server.port) as proxy:
        url = server.url.replace(str(server.port), str(proxy.port))
        with opened(style, url, namespace=namespace, connections=1, timeout=timedelta(seconds=0.4)) as store:
            once(store)
            proxy.stall()
            began = monotonic()
            with ThreadPoolExecutor(4) as pool:
                reasons = list(pool.map(lambda _: trouble(store), range(4)))
            assert monotonic() - began < 0.4 + 0.3
            assert {reason.kind for reason in reasons} == {SOURCE_TIMEOUT}


@both
def test_a_server_that_was_restarted_costs_nobody_an_answer(style: Style, namespace: str) -> None:
    with redis_server() as server, opened(style, server.url, namespace=namespace) as store:
        for round_ in range(3):
            with ThreadPoolExecutor(8) as pool:  # several connections, all of them dead afterwards
                assert sum(pool.map(lambda number: once(store, b"%d" % (number // 4)), range(32))) == 8
            server.restart()
            assert once(store, b"new %d" % round_) is True


@both
def test_what_is_refused_before_it_is_sent_costs_nothing(style: Style, namespace: str) -> None:
    with opened(style, "redis://127.0.0.1:1", namespace=namespace) as store:
        assert trouble(store, ConsumeOnce("jti", b"k", NOW, NOW)).kind is SOURCE_REFUSED
        assert trouble(store, ConsumeOnce("jti", b"k" * 2000, LATER, NOW)).kind is SOURCE_REFUSED
        assert trouble(store).kind is SOURCE_DOWN
        with pytest.raises(TypeError, match="cannot answer Fetch"):
            ask(store, Fetch("https://issuer.example", NOW))
        assert store.metrics().outcomes == {("ConsumeOnce", "source_down"): 1}


# --- Processes and event loops ---------------------------------------------------------------------------------------
def child_is_content(store: RedisStore, subscription: Subscription) -> bool:
    """What the child hears and says must not come from, nor go to, the parent's connections."""
    fresh = [once(store, b"child %d" % number) for number in range(50)]
    heard = [type(subscription.get(10)) for _ in range(2)]
    return all(fresh) and once(store, b"before") is False and heard == [Lost, Listening]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # that is what is tested
def test_a_child_process_connects_anew(server: RedisServer, namespace: str) -> None:
    with (
        RedisStore(server.url, namespace=namespace, timeout=PATIENT) as store,
        store.subscribe("session") as subscription,
    ):
        assert subscription.get(10) == Listening()
        assert once(store, b"before") is True
        child = os.fork()
        if child == 0:
            content = False
            try:
                content = child_is_content(store, subscription)
            finally:
                leave(0 if content else 1)
        mine = [once(store, b"parent %d" % number) for number in range(50)]
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert all(mine)
        put(store, b"v", announce=True)
        assert isinstance(subscription.get(10), Changed)


def test_each_event_loop_has_its_own_connections(server: RedisServer, namespace: str) -> None:
    store = AsyncRedisStore(server.url, namespace=namespace, timeout=PATIENT)

    async def asked(key: bytes) -> object:
        question: Ask[Any] = ConsumeOnce("jti", key, LATER, NOW)
        return await store.answer(question, 10.0)

    async def last() -> object:
        async with store:
            return await asked(b"a")

    # Nobody closes it, and yet its connections are closed with each loop (pytest would complain if they were not).
    assert asyncio.run(asked(b"a")) is True
    assert asyncio.run(asked(b"a")) is False
    assert asyncio.run(asked(b"b")) is True
    with ThreadPoolExecutor(2) as pool:  # two loops at once
        said = list(pool.map(lambda number: asyncio.run(asked(b"c%d" % (number // 2))), range(20)))
    assert sum(map(bool, said)) == 10
    assert asyncio.run(last()) is False
    assert asyncio.run(last()) is False  # a closed store may be used again


def test_a_closed_store_may_be_used_again(server: RedisServer, namespace: str) -> None:
    store = RedisStore(server.url, namespace=namespace)
    assert once(store) is True
    store.close()
    store.close()
    assert once(store) is False
    store.close()


# --- Threads that are told at once that a server is left --------------------------------------------------------------
OLD = tuple(Place(f"old-{number}", 1) for number in range(3))


class Closing(Pool[Link]):
    """Connections that one thread closes while another does, too."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__(1)
        self.meanwhile = meanwhile

    def close(self) -> None:
        self.meanwhile()


def test_two_threads_leave_the_same_servers() -> None:
    with RedisStore("redis://127.0.0.1:1") as store:
        only = Only(frozenset())
        for place in OLD:
            store._pools[place] = Closing(lambda: store._make(only, 0.0))
        store._make(only, 0.0)
        assert store._pools == {}


def test_a_thread_asks_another_server_while_one_leaves_servers() -> None:
    class Meanwhile(frozenset[Place]):
        def __contains__(self, place: object) -> bool:
            store._pools[Place(f"new-{len(store._pools)}", 1)] = Pool(1)
            return False

    with RedisStore("redis://127.0.0.1:1") as store:
        store._pools.update({place: Pool(1) for place in OLD})
        store._make(Only(Meanwhile()), 0.0)
        assert all(place.host.startswith("new-") for place in store._pools)


def test_two_event_loops_forget_the_same_loops() -> None:
    class Leaving(_Home):
        def close(self) -> None:
            store._homes.clear()  # the thread of another loop was faster

    store = AsyncRedisStore("redis://127.0.0.1:1")
    for _ in range(3):
        closed = asyncio.new_event_loop()
        closed.close()
        store._homes[closed] = Leaving()

    async def move_in() -> None:
        loop = asyncio.get_running_loop()
        await store._move_in(loop)
        assert list(store._homes) == [loop]

    asyncio.run(move_in())


# --- Names -----------------------------------------------------------------------------------------------------------
@both
def test_looking_up_a_name_keeps_the_time(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Event()

    def getaddrinfo(*_: object, **__: object) -> list[object]:
        slow.wait(PATIENCE)
        return []

    with opened(style, "redis://redis.example", timeout=timedelta(seconds=0.2)) as store:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        began = monotonic()
        assert trouble(store).kind is SOURCE_TIMEOUT
        assert monotonic() - began < 0.5
        slow.set()
        assert trouble(store).kind is SOURCE_DOWN


@both
def test_names_are_looked_up(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url.replace("127.0.0.1", "localhost"), namespace=namespace) as store:
        assert once(store) is True


# --- What is no Redis ------------------------------------------------------------------------------------------------
_SCRAPS = st.sampled_from(
    [b"+OK\r\n", b"-ERR x\r\n", b"-MOVED 1 h:x\r\n", b"-ASK x\r\n", b"$-1\r\n", b"$3\r\nabc\r\n", b":1\r\n", b"*", b"$",
     b"*-2\r\n", b"$99999999\r\n", b"$-7\r\n", b"*3\r\n", b"%1\r\n", b"\r\n", b"\xff", b"$x\r\n", b":\r\n",
     b"*1\r\n" * 3000, b"-LOADING x\r\n", b"-NOAUTH x\r\n",
     b"$40\r\nrole:master\r\nmaxmemory:0\r\nloading:0\r\nxx\r\n"]
)  # fmt: skip


@usually(60)
@given(
    said=st.lists(_SCRAPS | st.binary(max_size=20), max_size=8).map(b"".join),
    style=st.sampled_from(["blocking", "async"]),
)
def test_any_bytes_give_a_reason(said: bytes, style: Style) -> None:
    with saying(said) as port, opened(style, f"redis://127.0.0.1:{port}", timeout=timedelta(seconds=0.5)) as store:
        for question in (ConsumeOnce("jti", b"k", LATER, NOW), Lookup("session", b"k", NOW)):
            reason = trouble(store, question)
            assert reason.kind in (SOURCE_REFUSED, SOURCE_DOWN, SOURCE_TIMEOUT)


@both
def test_what_a_server_says_is_not_repeated(style: Style) -> None:
    for code in ("ERR", "WRONGPASS", "OOM", "NOSUCHCODE", "LOADING", "CLUSTERDOWN", "EXECABORT"):
        said = f"-{code} s3cr3t token\r\n".encode() * 3
        with saying(said) as port, opened(style, f"redis://127.0.0.1:{port}") as store:
            with pytest.raises(SourceFailed) as caught:
                ask(store, every()[0])
            assert "s3cr3t" not in str(caught.value)
            assert caught.value.__cause__ is None


@both
def test_a_large_value_comes_and_goes(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store:
        value = bytes(range(256)) * 256
        put(store, value)
        assert look(store) == value

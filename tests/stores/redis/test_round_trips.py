"""What is sent to the server, as the server sees it: one command for each ask, and scripts that it keeps."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic

import pytest

from tests.servers import PATIENCE
from tests.servers.redis import RedisServer, redis_server
from tests.stores.redis.asking import PATIENT, Style, ask, both, every, look, once, opened, put, refusal, tally
from zerotrust.stores.redis import RedisStore, asynchronous, blocking


class Monitor:
    """What a server is told by stores, from MONITOR; what its scripts do is left out.

    Helpers of these tests introduce themselves with HELLO, stores do not.
    """

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._socket = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        self._lines = self._socket.makefile("rb")
        self._socket.sendall(b"MONITOR\r\n")
        assert self._lines.readline() == b"+OK\r\n"

    def told(self) -> list[str]:
        """The commands since the last time, without their arguments."""
        self._server.command("ECHO", "so far")
        told: list[tuple[bytes, str]] = []
        helpers = {b"lua"}
        for line in self._lines:
            found = re.match(rb'\+[0-9.]+ \[\d+ (\S+)\] "(\S+?)"', line)
            assert found is not None, line
            if found[2] == b"HELLO":
                helpers.add(found[1])
            if found[2] == b"ECHO":
                break
            told.append((found[1], found[2].decode()))
        return [name for address, name in told if address not in helpers]

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@contextmanager
def monitoring(server: RedisServer) -> Iterator[Monitor]:
    monitor = Monitor(server)
    try:
        yield monitor
    finally:
        monitor.close()


@both
def test_each_ask_is_one_command(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store, monitoring(server) as monitor:
        for question in every():
            ask(store, question)
        monitor.told()
        for _ in range(3):
            for question in every():
                ask(store, question)
        assert monitor.told() == ["SET", "SET", "EVALSHA", "GET", "EVALSHA", "DEL", "EVALSHA"] * 3


@both
def test_a_new_connection_costs_one_exchange_more(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store, monitoring(server) as monitor:
        assert once(store) is True
        assert monitor.told() == ["INFO", "SET", "GET", "SET"]
        assert once(store) is False
        assert monitor.told() == ["SET"]


@both
def test_a_script_that_the_server_has_forgotten_is_sent_again_and_counts_once(
    style: Style, server: RedisServer, namespace: str
) -> None:
    with opened(style, server.url, namespace=namespace) as store, monitoring(server) as monitor:
        assert tally(store) == 1
        monitor.told()
        server.command("SCRIPT", "FLUSH")
        assert tally(store) == 2
        assert tally(store) == 3
        assert monitor.told() == ["EVALSHA", "EVAL", "EVALSHA"]


@both
def test_a_server_is_asked_about_itself_now_and_then_along_with_an_ask(
    style: Style, server: RedisServer, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (blocking, asynchronous):
        monkeypatch.setattr(module, "CHECK_EVERY", -1.0)
    with opened(style, server.url, namespace=namespace) as store, monitoring(server) as monitor:
        once(store)
        monitor.told()
        assert once(store) is False
        assert monitor.told() == ["INFO", "SET"]


def test_one_connection_asks_for_all_of_them_every_five_seconds(
    server: RedisServer, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RedisStore(server.url, namespace=namespace, timeout=PATIENT) as store, monitoring(server) as monitor:
        once(store)
        (pool,) = store._pools.values()
        first = pool.take(0.0)
        once(store)  # over a second connection
        pool.give(first)
        monkeypatch.setattr(blocking, "monotonic", lambda: monotonic() + 5.1)
        monitor.told()
        once(store)
        assert monitor.told() == ["INFO", "SET"]
        assert pool.take(0.0) is first
        once(store)
        assert monitor.told() == ["SET"]
        pool.give(first)


@both
def test_a_server_that_evicts_is_refused_each_time(
    style: Style, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis_server() as server, opened(style, server.url, namespace=namespace, connections=4) as store:
        with ThreadPoolExecutor(4) as pool:  # several connections, of which one asks for all
            list(pool.map(lambda _: once(store), range(64)))
        server.command("CONFIG", "SET", "maxmemory", "100mb")
        server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        for module in (blocking, asynchronous):
            monkeypatch.setattr(module, "monotonic", lambda: monotonic() + 5.1)
        for _ in range(8):
            assert "set maxmemory-policy noeviction" in refusal(store)


@both
def test_a_server_that_begins_to_evict_is_noticed(
    style: Style, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis_server() as server, opened(style, server.url, namespace=namespace) as store:
        assert once(store) is True
        server.command("CONFIG", "SET", "maxmemory", "100mb")
        assert once(store) is False
        server.command("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
        for module in (blocking, asynchronous):
            monkeypatch.setattr(module, "CHECK_EVERY", -1.0)
        assert "set maxmemory-policy noeviction" in refusal(store)
        server.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        assert once(store) is False


@both
def test_what_is_kept_where(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store:
        once(store)
        put(store, b"secret of the user")
        tally(store)
        assert look(store) == b"secret of the user"
        keys = sorted(key.decode() for key in server.command("KEYS", f"{namespace}:*"))
    assert [key.removeprefix(namespace)[:3] for key in keys] == [":c:", ":in", ":m:", ":r:"]
    assert all(re.fullmatch(r":[mrc]:\{[A-Za-z0-9_-]{32}\}|:index", key.removeprefix(namespace)) for key in keys)

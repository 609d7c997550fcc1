"""Servers are killed (SIGKILL) while they are asked: what was acknowledged is kept as far as it is promised.

Meanwhile nobody is let in, nobody waits longer than they should, and the store finds the server again by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from random import Random
from threading import Event
from typing import Any, Self

import pytest

from tests.search import share_of
from tests.servers import postgres as postgres_servers
from tests.servers import redis as redis_servers
from tests.stores.faults.remote import migrate
from tests.stores.faults.world import (
    LONG,
    PATIENCE,
    STYLES,
    Asker,
    Kind,
    Marks,
    Style,
    lookup,
    opened,
    put,
    recovers,
    until,
)
from tests.stores.faults.world import count as tally
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_TIMEOUT

ASKERS = 4
KILLS = share_of(3)


@pytest.fixture(scope="module")
def durable_redis() -> Iterator[redis_servers.RedisServer]:
    redis_servers.need()
    with redis_servers.redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


@pytest.fixture(scope="module")
def durable_postgres() -> Iterator[postgres_servers.PostgresServer]:
    with postgres_servers.postgres_server({"fsync": "on", "synchronous_commit": "on"}) as server:
        migrate(server.url)
        yield server


class Load:
    """Askers that ask for one mark after the other, and keep and count something with each, until they are to stop.

    Attributes:
        refused_at_once: marks that were refused without the server being asked.
        failed: marks of which nobody knows whether they were set.
        kept: the keys of values that are kept.
        counted: how many events were counted for sure.
        perhaps: how many more may have been.
    """

    def __init__(self, asker: Asker, marks: Marks) -> None:
        self.refused_at_once: list[int] = []
        self.failed: list[int] = []
        self.kept: list[int] = []
        self.counted: list[int] = []
        self.perhaps: list[int] = []
        self._asker = asker
        self._marks = marks
        self._keys = count()
        self._over = Event()

    def run(self) -> None:
        while not self._over.is_set():
            key = next(self._keys)
            outcome = self._marks.use(self._asker, key)
            if outcome.reason is None:
                assert outcome.value is True, f"mark {key} was nobody's: {outcome}"
                self._keep(key)
                continue
            assert outcome.reason.kind in (SOURCE_DOWN, SOURCE_TIMEOUT), outcome
            if "not asked" in outcome.reason.detail:
                self.refused_at_once.append(key)
            else:
                self.failed.append(key)
            self._over.wait(0.005)  # who was refused does not come back at once

    def _keep(self, key: int) -> None:
        """Each answer is taken down by `append`, which is atomic."""
        now = self._marks.now
        if self._asker.ask(put(b"%d" % key, b"%d" % key, now)).reason is None:
            self.kept.append(key)
        (self.counted if self._asker.ask(tally(b"all", now)).reason is None else self.perhaps).append(key)

    def check(self, asker: Asker) -> None:
        """Everything is there that was acknowledged."""
        now = self._marks.now
        self._marks.check(asker, also=tuple(self.failed))
        for key in self.kept:
            assert asker.get(lookup(b"%d" % key, now)) == b"%d" % key
        counted = len(self.counted)
        assert counted <= asker.get(tally(b"all", now, add=0)) <= counted + len(self.perhaps)

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(ASKERS)
        self._running = [self._pool.submit(self.run) for _ in range(ASKERS)]
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pool.shutdown()
        for one in self._running:
            one.result()

    def goes_on(self, further: int) -> None:
        """Wait until so many more marks were given."""
        wanted = len(self._marks.acknowledged) + further
        until(lambda: len(self._marks.acknowledged) >= wanted or any(one.done() for one in self._running), "answers")

    def is_refused(self, further: int) -> None:
        """Wait until so many more were refused at once."""
        wanted = len(self.refused_at_once) + further
        until(lambda: len(self.refused_at_once) >= wanted or any(one.done() for one in self._running), "refusals")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", ["redis", "postgres"])
def test_nothing_acknowledged_is_lost_with_the_server(
    request: pytest.FixtureRequest, kind: Kind, style: Style, namespace: str
) -> None:
    server: Any = request.getfixturevalue(f"durable_{kind}")
    chance, marks, probes, numbers = Random(f"{kind}-{style}"), Marks(), Marks("probe"), count()
    with opened(kind, style, server.url, LONG, namespace=namespace) as asker:
        with Load(asker, marks) as load:
            for _ in range(KILLS):
                load.goes_on(chance.randrange(10, 120))
                server.kill()
                until(lambda: asker.breaker == "open", "the outage is noticed")
                load.is_refused(10)
                server.start()
                # When depends on who looked how often, as long as the server took to start, which may be long.
                until(lambda: probes.use(asker, next(numbers)).reason is None, "it answers again", 4 * PATIENCE)
                assert asker.breaker == "closed"
                load.goes_on(20)
        load.check(asker)
        probes.check(asker)


@contextmanager
def memory_only(namespace: str, style: Style, *arguments: str) -> Iterator[tuple[redis_servers.RedisServer, Asker]]:
    redis_servers.need()
    with (
        redis_servers.redis_server(*arguments) as server,
        opened("redis", style, server.url, LONG, namespace=namespace) as asker,
    ):
        yield server, asker


@pytest.mark.parametrize("style", STYLES)
def test_a_redis_that_keeps_snapshots_keeps_what_is_in_the_last_one(style: Style, namespace: str) -> None:
    with memory_only(namespace, style, "--save", "3600 1") as (server, asker):
        kept = Marks()
        for key in range(50):
            assert kept.use(asker, key).value is True
        server.command("SAVE")
        lost = Marks(now=kept.now)
        for key in range(100, 150):
            assert lost.use(asker, key).value is True
        server.kill()
        server.start()
        recovers(asker, Marks(), 10_000)
        kept.check(asker)
        # What was marked since the snapshot is not promised to be there. Whoever comes first now is first once.
        since = Marks(now=kept.now)
        for key in range(100, 150):
            assert since.use(asker, key).reason is None
        since.check(asker)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", ["redis", "postgres"])
def test_a_server_that_is_restarted_is_found_again(
    request: pytest.FixtureRequest, kind: Kind, style: Style, namespace: str
) -> None:
    """An orderly restart, with connections in the pool: they are known to be dead, so no ask is spent on them."""
    server: Any = request.getfixturevalue(f"durable_{kind}")
    marks = Marks()
    with opened(kind, style, server.url, namespace=namespace, timeout=PATIENCE) as asker:
        with Load(asker, marks) as load:
            load.goes_on(50)
        assert not load.failed
        server.restart()
        assert marks.use(asker, 1_000_000).value is True
        load.check(asker)

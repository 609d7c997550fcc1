"""Clocks that are wrong, jump or disagree: what was used may be refused, and is never usable again while it counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from glob import glob
from pathlib import Path
from typing import get_args

import pytest

from tests.servers import redis as redis_servers
from tests.servers import workplace
from tests.stores.faults.world import STYLES, Asker, Kind, Marks, Style, lookup, opened
from zerotrust.core.ask import Advance, ConsumeOnce, Count, Put
from zerotrust.core.reason import SOURCE_REFUSED

HOUR = 3600.0
# A mark lives longer than clocks that are said to agree may differ, and less than an hour.
LIFE = 300.0

STORES = [("memory", "blocking"), *((kind, style) for kind in get_args(Kind)[1:] for style in STYLES)]


class Clients:
    """Several applications with the same store; in memory that is one process, so one store."""

    def __init__(self, stack: ExitStack, kind: Kind, style: Style, where: str, namespace: str) -> None:
        self._stack = stack
        self._make = partial(opened, kind, style, where, 5.0, namespace=namespace)
        self._only: Asker | None = stack.enter_context(self._make()) if kind == "memory" else None

    def another(self) -> Asker:
        return self._only or self._stack.enter_context(self._make())


@pytest.fixture(params=STORES, ids="-".join)
def clients(request: pytest.FixtureRequest, namespace: str, tmp_path: Path) -> Iterator[Clients]:
    kind, style = request.param
    where = {"memory": "", "sqlite": f"{tmp_path}/store.db"}.get(kind)
    if where is None:
        where = str(request.getfixturevalue(kind).url)
    with ExitStack() as stack:
        yield Clients(stack, kind, style, where, namespace)


def flood(asker: Asker, now: float, number: int = 600) -> None:
    """Use the store long enough at `now` for it to forget what has long expired by then."""
    for key in range(number // 3):
        name = b"%d/%d" % (now, key)
        asker.get(ConsumeOnce("flood", name, now + LIFE, now))
        asker.get(Put("flood", name, b"v", now + LIFE, now))
        asker.get(Count("flood", name, LIFE, now))


def refused_or(asker: Asker, question: object, *allowed: object) -> None:
    """Either one of these answers, or a refusal; a wrong clock is no outage."""
    outcome = asker.ask(question)  # type: ignore[arg-type]
    if outcome.reason is None:
        assert outcome.value in allowed, f"{question}: {outcome}"
    else:
        assert outcome.reason.kind is SOURCE_REFUSED, f"{question}: {outcome}"


def test_a_clock_that_jumps_an_hour_ahead_and_back(clients: Clients) -> None:
    asker, other = clients.another(), clients.another()
    began = time.time()
    marks = Marks(now=began, lifetime=LIFE)
    for key in range(30):
        assert marks.use(asker, key).value is True
        name = b"%d" % key
        asker.get(Put("session", name, b"v", began + LIFE, began))
        assert asker.get(Advance("step", name, None, b"1", began + LIFE, began)) is True
        assert asker.get(Count("tries", name, LIFE, began, 5)) == 5
    flood(asker, began + HOUR)
    back = began + 1
    for one in (asker, other):
        for key in range(30):
            name = b"%d" % key
            assert marks.use(one, key, now=back).value in (False, None)
            refused_or(one, Advance("step", name, None, b"2", began + LIFE, back), False)
            # Nor is it taken for absent: what is looked up may be a revocation, what is counted an attack.
            refused_or(one, lookup(name, back), b"v")
            refused_or(one, Count("tries", name, LIFE, back, 0), 5)
    # When the clock is past what was forgotten, all goes on.
    later = Marks(now=began + HOUR + 1, lifetime=LIFE)
    assert later.use(asker, 1000).value is True
    assert later.use(other, 1000).value is False


def test_a_clock_that_jumps_ahead_takes_nothing_away_that_was_used_then(clients: Clients) -> None:
    asker, other = clients.another(), clients.another()
    began = time.time()
    ahead = Marks(now=began + HOUR, lifetime=LIFE)
    for key in range(30):
        assert ahead.use(asker, key).value is True
    flood(other, began, 60)
    for key in range(30):
        assert ahead.use(other, key, now=began).value in (False, None)
        assert ahead.use(asker, key).value is False
        assert ahead.use(other, key, now=ahead.until - 1).value in (False, None)


def test_a_clock_that_is_an_hour_behind(clients: Clients) -> None:
    asker, other = clients.another(), clients.another()
    behind = Marks(now=time.time() - HOUR, lifetime=LIFE)  # by the server's clock they expired long ago
    for key in range(30):
        assert behind.use(asker, key).value is True
    for key in range(30):
        assert behind.use(other, key, now=behind.now + LIFE - 1).value is False
    # To who has the right time they are nobody's, and no good.
    for key in range(30):
        outcome = behind.use(other, key, now=behind.now + HOUR)
        assert outcome.reason is not None
        assert outcome.reason.kind is SOURCE_REFUSED


def test_two_clients_ten_minutes_apart(clients: Clients) -> None:
    early, late = clients.another(), clients.another()
    now = time.time()
    ahead = now + 600
    # What both take for alive: one of them has it.
    shared = Marks("shared", now=now, lifetime=HOUR)
    for key in range(40):
        first, second = (early, late) if key % 2 else (late, early)
        assert shared.use(first, key, now=now if first is early else ahead).value is True
        assert shared.use(second, key, now=now if second is early else ahead).value is False
    # What has expired for one is alive for the other, and stays used although the first one tidies up.
    brief = Marks("brief", now=now, lifetime=30.0)
    for key in range(40):
        assert brief.use(early, key).value is True
    flood(late, ahead)
    for key in range(40):
        assert brief.use(early, key, now=now + 1).value in (False, None)
    # And the one behind is not shut out for good by the one ahead.
    fresh = Marks("fresh", now=ahead + 30, lifetime=HOUR)
    assert fresh.use(early, 1).value is True
    assert fresh.use(late, 1).value is False


def test_events_of_a_client_that_is_ahead_count(clients: Clients) -> None:
    early, late = clients.another(), clients.another()
    now = time.time()
    assert late.get(Count("tries", b"who", LIFE, now + 600, 3)) == 3
    assert early.get(Count("tries", b"who", LIFE, now, 1)) == 4


# --- The clock of the server itself ----------------------------------------------------------------------------------
def faketime() -> str | None:
    """The library that fakes a process's clock; None where it is not installed."""
    found = glob("/usr/lib/*/faketime/libfaketime.so.1")  # noqa: PTH207 - from the root
    return found[0] if found else None


@contextmanager
def redis_by_its_own_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[redis_servers.RedisServer, Path]]:
    """A Redis whose clock is as far off as a file says."""
    redis_servers.need()
    library = faketime()
    if library is None:
        pytest.skip("libfaketime fakes the server's clock, and is not installed (Debian: apt-get install libfaketime)")
    with ExitStack() as stack:
        place = stack.enter_context(workplace(redis_servers.USER))
        offset = place / "clock"
        offset.write_text("+0", "ascii")
        with monkeypatch.context() as environment:
            environment.setenv("LD_PRELOAD", library)
            environment.setenv("FAKETIME_TIMESTAMP_FILE", str(offset))
            environment.setenv("FAKETIME_NO_CACHE", "1")
            environment.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            server = stack.enter_context(redis_servers.redis_server(directory=place))
        yield server, offset


def set_clock(server: redis_servers.RedisServer, offset: Path, seconds: int) -> None:
    offset.write_text(f"{seconds:+d}", "ascii")
    told = int(server.command("TIME")[0])
    assert abs(told - time.time() - seconds) < 5, "the clock is as it was set"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("off", [-7200, 7200])
def test_a_redis_whose_clock_is_wrong(style: Style, off: int, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock is wrong from the start: a mark still lasts as long as the application says."""
    with redis_by_its_own_clock(monkeypatch) as (server, offset):
        set_clock(server, offset, off)
        with opened("redis", style, server.url, 5.0, namespace=namespace) as asker:
            marks = Marks(lifetime=LIFE)
            for key in range(30):
                assert marks.use(asker, key).value is True
            set_clock(server, offset, off + int(LIFE) - 2)  # time goes by, for all of them
            for key in range(30):
                assert marks.use(asker, key, now=marks.until - 2).value is False


@pytest.mark.parametrize("style", STYLES)
def test_a_redis_whose_clock_is_put_back(style: Style, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_by_its_own_clock(monkeypatch) as (server, offset):
        set_clock(server, offset, 7200)
        with opened("redis", style, server.url, 5.0, namespace=namespace) as asker:
            marks = Marks(lifetime=LIFE)
            for key in range(30):
                assert marks.use(asker, key).value is True
            set_clock(server, offset, 0)
            for key in range(30, 60):
                assert marks.use(asker, key).value is True
            set_clock(server, offset, int(LIFE) - 2)
            for key in range(60):
                assert marks.use(asker, key, now=marks.until - 2).value is False

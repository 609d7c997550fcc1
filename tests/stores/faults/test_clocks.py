"""Clocks that are wrong, jump or disagree: what was used may be refused, and is never usable again while it counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import get_args

import pytest

from tests.servers import redis as redis_servers
from tests.servers import workplace
from tests.servers.redis import RedisServer
from tests.stores.faults.clock import FakeClock, compiled
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


@pytest.mark.parametrize("ahead", [20.0, 600.0])
def test_events_that_are_old_for_a_client_that_is_ahead_count_for_one_that_is_not(
    clients: Clients, ahead: float
) -> None:
    """Who is ahead counts under the same key, and tidies up; that must not let anybody try more often elsewhere."""
    early, late = clients.another(), clients.another()
    now, window = time.time(), 60.0
    for turn in range(1, 6):
        # Those of the client ahead may be among them, since they are not older than the window.
        refused_or(early, Count("tries", b"who", window, now, 3), *range(3 * turn, 4 * turn))
        assert late.get(Count("tries", b"who", window, now + ahead)) >= turn
        refused_or(early, Count("tries", b"who", window, now, 0), *range(3 * turn, 4 * turn + 1))
    if ahead < window:
        assert early.get(Count("tries", b"who", window, now, 0)) == 20, "a small difference is no reason to refuse"


def test_a_small_difference_between_clocks_hides_no_events_and_refuses_nobody(clients: Clients) -> None:
    early, late = clients.another(), clients.another()
    now, window = time.time(), 60.0
    assert early.get(Count("tries", b"who", window, now - 50, 3)) == 3
    assert late.get(Count("tries", b"who", window, now + 20)) >= 1  # 70 seconds later, by its clock
    assert early.get(Count("tries", b"who", window, now)) == 5


# --- The clock of the server itself ----------------------------------------------------------------------------------
class Skewed:
    """A Redis whose clock can be set."""

    def __init__(self, server: RedisServer, clock: FakeClock) -> None:
        self._clock = clock
        self._server = server
        self.url = server.url

    def set(self, seconds: int) -> None:
        """Have it be so many seconds ahead of the true time."""
        self._clock.set(seconds)
        told = int(self._server.command("TIME")[0])
        assert abs(told - time.time() - seconds) < 5, "it goes by the clock that was set"


@pytest.fixture(scope="module")
def library() -> Iterator[Path]:
    with workplace(redis_servers.USER) as place:
        yield compiled(place)


@pytest.fixture
def skewed(library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Skewed]:
    redis_servers.need()
    with ExitStack() as stack:
        place = stack.enter_context(workplace(redis_servers.USER))
        clock = FakeClock(library, place / "clock")
        with clock.preloaded(monkeypatch):
            server = stack.enter_context(redis_servers.redis_server(directory=place))
        yield Skewed(server, clock)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("off", [-7200, 7200])
def test_a_redis_whose_clock_is_wrong(style: Style, off: int, namespace: str, skewed: Skewed) -> None:
    """Its clock is wrong from the start: a mark still lasts as long as the application says."""
    skewed.set(off)
    with opened("redis", style, skewed.url, 5.0, namespace=namespace) as asker:
        marks = Marks(lifetime=LIFE)
        for key in range(30):
            assert marks.use(asker, key).value is True
        skewed.set(off + int(LIFE) - 2)  # time goes by, for all of them
        for key in range(30):
            assert marks.use(asker, key, now=marks.until - 2).value is False


@pytest.mark.parametrize("style", STYLES)
def test_a_redis_whose_clock_is_put_back(style: Style, namespace: str, skewed: Skewed) -> None:
    skewed.set(7200)
    with opened("redis", style, skewed.url, 5.0, namespace=namespace) as asker:
        marks = Marks(lifetime=LIFE)
        for key in range(30):
            assert marks.use(asker, key).value is True
        skewed.set(0)
        for key in range(30, 60):
            assert marks.use(asker, key).value is True
        skewed.set(int(LIFE) - 2)
        for key in range(60):
            assert marks.use(asker, key, now=marks.until - 2).value is False


@pytest.mark.parametrize("style", STYLES)
def test_a_redis_whose_clock_is_set_forward_by_less_than_a_minute(style: Style, namespace: str, skewed: Skewed) -> None:
    with opened("redis", style, skewed.url, 5.0, namespace=namespace) as asker:
        marks = Marks(lifetime=LIFE)
        for key in range(30):
            assert marks.use(asker, key).value is True
        skewed.set(55 + int(LIFE) - 2)  # put forward by 55 seconds, and then time goes by
        for key in range(30):
            assert marks.use(asker, key, now=marks.until - 2).value is False

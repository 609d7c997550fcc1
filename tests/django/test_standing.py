"""Streaming responses of views are cut when their access ends, by whatever kind of server they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import AsyncClient, RequestFactory, override_settings

from tests.asgi.lasting import ISSUER as LASTING
from tests.asgi.lasting import NOW, REVOCATION, Line, Loop, Shaky, shown, token
from tests.django import standing_urls
from tests.django.world import GUARD, ISSUER, ZEROTRUST, get
from tests.fastapi.world import http_scope, raw
from zerotrust import Sources, anyone, seconds
from zerotrust.core.policy import Policy
from zerotrust.django import recheck
from zerotrust.django.door import door
from zerotrust.driver import run
from zerotrust.wsgi.standing import Cut

T = TypeVar("T")


class Site:
    """Django as a server sees it, in a loop whose time passes as soon as nothing else is left to do."""

    def __init__(
        self, policy: Policy = token.valid, middleware: tuple[str, ...] = (GUARD,), *, still: bool = False, **more: Any
    ) -> None:
        self.loop: Any = asyncio.SelectorEventLoop() if still else Loop()  # what waits for a thread must stand still
        self.ahead = 0.0
        self.store = Shaky()
        standing_urls.ended.clear()
        standing_urls.kept.clear()
        standing_urls.pause[:] = [self._pause]
        self._settings: dict[str, Any] = {
            "ROOT_URLCONF": "tests.django.standing_urls",
            "MIDDLEWARE": list(middleware),
            "ZEROTRUST": {"DEFAULT": policy, "SOURCES": Sources(self.store), "CLOCK": self.clock, **more},
        }

    def _pause(self) -> None:
        self.ahead += 40

    def clock(self) -> float:
        return NOW + getattr(self.loop, "passed", 0.0) + self.ahead

    def revoke(self) -> None:
        run(REVOCATION.revoke_subject(LASTING.url, "alice", self.clock()), Sources(self.store))

    def open(self, path: str, headers: dict[str, str] | None = None) -> Line:
        path, _, query = path.partition("?")
        scope = http_scope(path, headers=raw(shown() if headers is None else headers), query_string=query.encode())
        return Line(self.handler, scope)

    def run(self, body: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a test's own part, and see that nothing is left of it."""

        async def all_of_it() -> T:
            self.handler: Any = ASGIHandler()
            result = await body()
            for _ in range(5):
                await asyncio.sleep(0)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert not others, others
            watch = door("async").watch
            assert watch is not None
            assert len(watch) == 0
            return result

        with override_settings(**self._settings), asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            return runner.run(all_of_it())

    def sent(self, path: str, headers: dict[str, str] | None = None) -> tuple[bytes, bool, float]:
        """What is sent of a stream, whether it looks complete, and when it ends."""

        async def body() -> tuple[bytes, bool, float]:
            line = self.open(path, headers)
            await line.end()
            return line.body, line.complete, round(self.clock() - NOW)

        return self.run(body)


EVENTS = "type=text/event-stream"


# --- Under ASGI -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("middleware", [(GUARD,), (GUARD, "tests.django.standing_urls.behind")], ids=["async", "mixed"])
def test_an_idle_stream_is_cut_on_time_and_its_generator_closed(middleware: tuple[str, ...]) -> None:
    assert Site(middleware=middleware).sent("/stream/") == (b"x", False, 100)
    assert standing_urls.ended == ["CancelledError", "closed"]
    assert Site(middleware=middleware).sent(f"/stream/?{EVENTS}") == (b"x", True, 100)
    assert standing_urls.ended == ["CancelledError", "closed"]
    assert Site(middleware=middleware).sent("/stream/?every=30") == (b"xxxx", False, 100)


def test_a_stream_that_has_sent_nothing_yet_is_cut_as_well() -> None:
    assert Site().sent("/silent/") == (b"", True, 100)


def test_what_middleware_before_the_guard_makes_of_a_stream_is_cut_as_well() -> None:
    site = Site(middleware=("django.middleware.gzip.GZipMiddleware", GUARD))
    body, complete, when = site.sent(f"/stream/?{EVENTS}", {**shown(), "accept-encoding": "gzip"})
    assert (body[:2], complete, when) == (b"\x1f\x8b", True, 100)
    assert standing_urls.ended == ["CancelledError", "closed"]


def test_a_revocation_counts_with_the_next_recheck_or_at_once() -> None:
    site = Site(RECHECK=seconds(30))

    async def body() -> None:
        told, later = site.open(f"/stream/?{EVENTS}"), site.open("/stream/")
        await told.begun()
        await later.begun()
        await asyncio.sleep(35)
        site.revoke()
        recheck()
        await told.end()
        await later.end()
        assert (told.complete, later.complete) == (True, False)
        assert 35 <= site.loop.time() < 40  # threads of Django's may take what is a second here
        other, begun = site.open("/stream/", shown(1000, subject="bob")), site.loop.time()
        await other.begun()
        run(REVOCATION.revoke_subject(LASTING.url, "bob", site.clock()), Sources(site.store))
        await other.end()
        assert 30 <= site.loop.time() - begun < 35

    site.run(body)


def test_what_is_for_everybody_is_not_cut() -> None:
    site = Site(anyone(because="public"))

    async def body() -> None:
        line = site.open("/stream/")
        await line.begun()
        await asyncio.sleep(500)
        assert not line.task.done()
        line.leave()
        await line.end()

    site.run(body)


def test_a_client_that_leaves_ends_the_generator() -> None:
    site = Site()

    async def body() -> None:
        line = site.open("/stream/")
        await line.begun()
        await asyncio.sleep(15)
        line.leave()
        await line.end()
        assert round(site.loop.time()) == 15

    site.run(body)
    assert standing_urls.ended == ["CancelledError", "closed"]


def test_a_client_that_leaves_while_it_is_sent_to_ends_the_generator() -> None:
    site = Site()

    async def body() -> None:
        line = site.open("/stream/?every=10")
        await line.begun()
        await asyncio.sleep(15)
        line.hold = asyncio.Event().wait()
        await asyncio.sleep(10)
        line.leave()
        await line.end()
        for _ in range(5):
            await asyncio.sleep(0)
        assert standing_urls.ended == ["GeneratorExit", "closed"]  # not only once the loop ends

    site.run(body)


def test_a_stream_that_is_read_slowly_is_cut_all_the_same() -> None:
    site = Site()

    async def body() -> None:
        line = site.open("/stream/?every=10")
        await line.begun()
        await asyncio.sleep(15)
        line.hold = asyncio.Event().wait()
        await line.end()
        assert 100 <= round(site.loop.time()) < 110  # a loop whose time jumps does not wait for Django's threads
        assert not line.complete

    site.run(body)
    assert standing_urls.ended == ["GeneratorExit", "closed"]


def test_a_generator_that_will_not_be_cancelled_sends_nothing_more() -> None:
    body, complete, when = Site().sent("/stubborn/")
    assert (body, complete) == (b"xxxx", False)
    assert when == 100
    assert "swallowed" in standing_urls.ended


@pytest.mark.parametrize(
    ("who", "outcome"), [("alice", (b"xrenewed", True, 300)), ("bob", (b"xsubject_mismatch", True, 100))]
)
def test_a_stream_may_be_renewed(who: str, outcome: tuple[bytes, bool, float]) -> None:
    assert Site().sent(f"/renewing/?as={who}") == outcome


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous")
def test_parts_that_django_makes_beforehand_are_not_sent_late() -> None:
    """Under ASGI it makes a list of a synchronous iterator, in a thread."""
    assert Site(still=True).sent("/blocking/") == (b"", False, 200)
    assert Site(still=True).sent(f"/blocking/?{EVENTS}") == (b"", True, 200)
    assert Site(still=True).sent("/blocking/", shown(1000)) == (b"xxxxx", True, 200)


def test_a_stream_that_nobody_takes_is_closed() -> None:
    async def body() -> None:
        with closing(await AsyncClient().get("/stream/", headers=shown())):
            pass
        assert standing_urls.ended == []

    Site().run(body)


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous")
def test_a_file_is_cut_as_well() -> None:
    site = Site(still=True)

    async def pause() -> None:
        site.ahead = 100

    async def body() -> None:
        line = site.open("/file/")
        line.hold = pause()  # once the head is sent
        await line.end()
        assert (line.body, line.complete) == (b"", False)

    site.run(body)
    assert Site(still=True).sent("/file/")[:2] == (Path(standing_urls.__file__).read_bytes(), True)


# --- Under WSGI -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ahead() -> Iterator[list[float]]:
    """The seconds that have passed; 40 more with each part."""
    passed = [0.0]

    def pause() -> None:
        passed[0] += 40

    standing_urls.pause[:] = [pause]
    told = {**ZEROTRUST, "DEFAULT": token.valid, "SOURCES": Sources(Shaky()), "CLOCK": lambda: NOW + passed[0]}
    with override_settings(ROOT_URLCONF="tests.django.standing_urls", ZEROTRUST=told):
        yield passed


def taken(path: str, headers: dict[str, str] | None = None) -> list[bytes]:
    """What is sent, and `cut` where it breaks off."""
    found: list[bytes] = []
    try:
        found.extend(get(path, headers or shown()))
    except Cut:
        found.append(b"cut")
    return found


@pytest.mark.usefixtures("ahead")
def test_a_stream_is_cut_between_its_parts() -> None:
    assert taken("/blocking/") == [b"x", b"x", b"x", b"cut"]


@pytest.mark.usefixtures("ahead")
def test_a_stream_of_events_ends_between_its_parts() -> None:
    assert taken(f"/blocking/?{EVENTS}") == [b"x"] * 3


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous")
def test_what_django_has_awaited_beforehand_is_not_sent_late(ahead: list[float]) -> None:
    assert taken("/awaited/") == [b"cut"]
    ahead[0] = 0
    assert taken(f"/awaited/?{EVENTS}") == []


@pytest.mark.usefixtures("ahead")
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous")
def test_what_django_has_awaited_in_time_is_sent() -> None:
    assert taken("/awaited/", shown(1000)) == [b"x"] * 5


@pytest.mark.usefixtures("ahead")
def test_a_file_is_left_to_the_server() -> None:
    environ = RequestFactory().get("/file/", headers=shown()).environ
    environ["wsgi.file_wrapper"] = lambda file, _: file
    handler: Any = WSGIHandler()
    with closing(handler(environ, lambda *_: None)) as given:
        assert given.name == standing_urls.__file__


def test_the_guard_looks_at_what_views_stream() -> None:
    now = [ISSUER.clock()]
    with override_settings(ZEROTRUST={**ZEROTRUST, "RECHECK": seconds(30), "CLOCK": lambda: now[0]}):
        assert door("blocking").gate.rounds.interval == 30
        recheck()
        assert door("blocking").gate.rounds.count == 1
        parts = iter(get("/streaming/", {"authorization": f"Bearer {ISSUER.mint()}"}).streaming_content)
        assert next(parts) == b"alice"
        now[0] += 10_000
        with pytest.raises(Cut, match="expired"):
            next(parts)

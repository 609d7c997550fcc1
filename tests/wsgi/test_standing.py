"""Streaming responses are cut when their access ends: before a part is made, and before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.asgi.lasting import ISSUER, NOW, REVOCATION, Shaky, shown, token
from zerotrust import ConfigError, Sources, anyone, seconds
from zerotrust.core.policy import Policy
from zerotrust.driver import run
from zerotrust.wsgi import Guard, Rules
from zerotrust.wsgi.standing import Cut

CHUNKS = [b"a", b"b", b"c"]


class World:
    """A guard with a clock and a store, and what comes out of it."""

    def __init__(self, policy: Policy = token.valid, kind: str = "text/csv", **options: Any) -> None:
        self.now = NOW
        self.store = Shaky()
        self.kind = kind
        self.headers: list[tuple[str, str]] = []
        self.made: list[bytes] = []
        self.closed = False
        self.passing: Callable[[bytes], None] = lambda _: None
        self.status = ""
        self.written: list[bytes] = []
        rules = Rules(default=policy)
        self.guard = Guard(self._app, rules, sources=Sources(self.store), clock=lambda: self.now, **options)

    def _app(self, environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [("Content-Type", self.kind), *self.headers])
        if environ["PATH_INFO"] == "/write":
            for chunk in CHUNKS:
                write(chunk)
                self.passing(chunk)
        return self if environ["PATH_INFO"] != "/list" else CHUNKS

    def __iter__(self) -> Iterator[bytes]:
        for chunk in CHUNKS:
            self.made.append(chunk)
            self.passing(chunk)
            yield chunk

    def close(self) -> None:
        self.closed = True

    def ask(self, path: str = "/", headers: dict[str, str] | None = None) -> Iterator[bytes]:
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SCRIPT_NAME": "", "wsgi.url_scheme": "https"}
        shows = shown() if headers is None else headers
        environ |= {f"HTTP_{name.upper()}": value for name, value in shows.items()}

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.status = status
            return self.written.append

        response: Any = self.guard(environ, start)
        try:
            yield from response
        finally:
            getattr(response, "close", lambda: None)()

    def revoke(self) -> None:
        run(REVOCATION.revoke_subject(ISSUER.url, "alice", self.now), Sources(self.store))

    def after(self, chunk: bytes, what: Callable[[], None]) -> None:
        self.passing = lambda made: what() if made == chunk else None

    def later(self, passed: float) -> None:
        self.now += passed


def test_what_took_too_long_to_make_is_not_sent() -> None:
    world = World()
    world.after(b"b", lambda: world.later(100))
    sent = world.ask()
    assert next(sent) == b"a"
    with pytest.raises(Cut, match="expired") as cut:
        next(sent)
    assert isinstance(cut.value, OSError)
    assert (world.made, world.closed) == ([b"a", b"b"], True)


def test_nothing_is_made_any_more_once_it_has_ended() -> None:
    world = World()
    sent = world.ask()
    assert next(sent) == b"a"
    world.later(100)
    with pytest.raises(Cut):
        next(sent)
    assert (world.made, world.closed) == ([b"a"], True)


def test_a_refusal_before_the_first_part_is_a_whole_answer() -> None:
    world = World()
    world.after(b"a", lambda: world.later(100))
    body = list(world.ask())
    assert (world.status[:3], len(body), world.closed) == ("401", 1, True)
    assert b'"expired"' in body[0]


@pytest.mark.parametrize(("headers", "ends"), [([], True), ([("Content-Length", "3")], False)])
def test_a_stream_of_events_ends(headers: list[tuple[str, str]], ends: bool) -> None:
    world = World(kind="text/event-stream; charset=utf-8")
    world.headers = headers
    world.after(b"b", lambda: world.later(100))
    sent = world.ask()
    assert next(sent) == b"a"
    if ends:
        assert list(sent) == []
    else:
        with pytest.raises(Cut):
            list(sent)
    assert world.closed


def test_what_is_written_is_looked_at_too() -> None:
    world = World()
    world.after(b"b", lambda: world.later(100))
    with pytest.raises(Cut):
        list(world.ask("/write"))
    assert world.written == [b"a", b"b"]


def test_a_revocation_counts_with_the_next_recheck() -> None:
    world = World(recheck=seconds(30))
    sent = world.ask()
    assert next(sent) == b"a"
    world.revoke()
    world.later(29)
    assert next(sent) == b"b"
    world.later(1)
    with pytest.raises(Cut, match="revoked"):
        next(sent)


def test_a_revocation_counts_at_once_where_somebody_listens() -> None:
    world = World()
    sent = world.ask()
    assert next(sent) == b"a"
    world.revoke()
    assert next(sent) == b"b"
    world.guard.recheck()
    with pytest.raises(Cut, match="revoked"):
        next(sent)


def test_an_outage_cuts() -> None:
    world = World()
    sent = world.ask()
    assert next(sent) == b"a"
    world.store.down = True
    world.guard.recheck()
    with pytest.raises(Cut, match="source_timeout"):
        next(sent)


def test_what_is_good_still_goes_on() -> None:
    world = World(recheck=seconds(1))
    world.passing = lambda _: world.later(2)
    assert list(world.ask()) == CHUNKS
    assert World(anyone(because="public")).ask(headers={}) is not None
    assert list(World(anyone(because="public")).ask(headers={})) == CHUNKS


def test_what_is_there_as_a_whole_is_left_to_the_server() -> None:
    world = World()
    sent = world.ask("/list")
    assert next(sent) == b"a"
    world.later(100)
    assert list(sent) == [b"b", b"c"]


def test_a_recheck_that_makes_no_sense_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="recheck"):
        World(recheck=seconds(0))

"""The ceremonies as an ASGI application: bodies are bounded, and nothing that goes wrong shows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.ceremonies.world import SECRET, World, make, scope_of, through
from zerotrust import Bearer, Issuer, seconds
from zerotrust.asgi import CeremoniesApp
from zerotrust.core.errors import ConfigError
from zerotrust.driver import Sources
from zerotrust.sessions.device import DeviceCookie
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.totp import Totp
from zerotrust.web.ceremonies import Ceremonies
from zerotrust.web.ceremonies.reading import MOST_BODY


def fetching() -> Ceremonies:
    """Ceremonies of a token whose keys have to be fetched."""
    token = Bearer(Issuer("https://login.example.com"), audience="api")
    session = Session(of=token)
    return Ceremonies(session, Totp("E", of=session), first=token.valid, name="E", devices=DeviceCookie(SECRET))


FETCHING = fetching()


def app_of(world: World, **options: Any) -> CeremoniesApp:
    return CeremoniesApp(world.ceremonies, sources=world.sources, clock=world.clock, **options)


def answer(app: CeremoniesApp, messages: Iterator[dict[str, Any]] | None, scope: dict[str, Any]) -> tuple[int, int]:
    """The status, and how many parts were read; without `messages` nothing ever comes."""
    sent: list[Any] = []
    reads = 0

    async def receive() -> Any:
        nonlocal reads
        reads += 1
        if messages is None:
            await asyncio.Event().wait()
        return next(messages or iter(()), {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], reads


def posting(world: World, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    scope = scope_of(world.browser().posting("totp/verify", {"code": "1"}))
    scope["headers"] += headers
    return scope


def part(size: int, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def test_a_body_that_says_that_it_is_too_large_is_not_read() -> None:
    world = make()
    for length in (str(MOST_BODY + 1).encode(), b"9" * 30, b"-1", b"1e3", b"x", b"\xb2"):
        assert answer(app_of(world), iter([]), posting(world, (b"content-length", length))) == (413, 0)


def test_a_body_that_becomes_too_large_is_dropped_there() -> None:
    world = make()
    endless = iter(lambda: part(MOST_BODY // 4), None)
    assert answer(app_of(world), endless, posting(world)) == (413, 5)


def test_a_body_that_does_not_come_is_not_waited_for_long() -> None:
    world = make()
    assert answer(app_of(world, patience=seconds(0.1)), None, posting(world)) == (408, 1)


def test_a_body_that_ends_too_soon_is_malformed() -> None:
    world = make()
    scope = scope_of(world.browser().posting("sign-out"))
    cut = {"type": "http.request", "body": b"{}", "more_body": True}  # what came would do by itself
    assert answer(app_of(world), iter([cut]), scope) == (400, 2)


def test_a_body_may_come_in_parts() -> None:
    world = make()
    parts = iter([{"type": "http.request", "body": octet, "more_body": True} for octet in (b'{"co', b"", b'de":"1"}')])
    messages: Iterator[dict[str, Any]] = iter([*parts, {"type": "http.request"}])
    assert answer(app_of(world), messages, posting(world))[0] == 400  # read, and no code


def test_nobody_waits_for_the_body_of_a_request_that_has_none() -> None:
    world = make()
    for method in ("GET", "HEAD", "DELETE", "PUT"):
        scope = {**scope_of(world.browser().prepare("GET", "factors")), "method": method}
        assert answer(app_of(world), None, scope)[1] == 0


def test_whatever_goes_wrong_is_503_and_the_log_quotes_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(account: Any) -> str:
        raise RuntimeError(f"no name for {account.subject}, whose code is 123456")

    other = make(person=broken)
    other.door = lambda _, sent: through(app_of(other), sent)
    with caplog.at_level(logging.DEBUG, "zerotrust"):
        reply = other.browser("mallory").get("factors")
    assert (reply.status, reply.json["code"]) == (503, "undecided")
    assert "RuntimeError" in caplog.text
    assert "test_ceremonies.py" in caplog.text
    assert "123456" not in caplog.text
    assert "mallory" not in caplog.text


def test_answers_are_logged_without_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    world = make()
    world.door = lambda _, sent: through(app_of(world), sent)
    with caplog.at_level(logging.INFO, "zerotrust.ceremonies"):
        world.browser().post("totp/verify", {"code": "424242"})
        world.browser().get("nothing-secret")
    assert [record.getMessage() for record in caplog.records] == [
        "ceremony: 404 not_enrolled",
        "ceremony: 404 not_found",
    ]


def test_a_websocket_is_closed_and_a_lifespan_acknowledged() -> None:
    world = make()
    for kind, incoming, expected in (
        ("websocket", ["websocket.connect"], ["websocket.close"]),
        (
            "lifespan",
            ["lifespan.startup", "lifespan.shutdown"],
            ["lifespan.startup.complete", "lifespan.shutdown.complete"],
        ),
    ):
        sent: list[str] = []
        messages = iter(incoming)

        async def receive(messages: Iterator[str] = messages) -> Any:
            return {"type": next(messages)}

        async def send(message: Any, sent: list[str] = sent) -> None:
            sent.append(message["type"])

        asyncio.run(app_of(world)({"type": kind}, receive, send))
        assert sent == expected


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ceremonies": None}, "ceremonies takes Ceremonies"),
        ({"sources": Sources()}, "no source answers Lookup"),
        ({"sources": MemoryStore()}, "write Sources"),
        ({"ceremonies": FETCHING}, "no source answers Fetch"),
        ({"patience": 5}, "span of time"),
        ({"patience": seconds(61)}, "out of range"),
        ({"clock": None}, "clock="),
        ({"peers": "me"}, "peers is"),
    ],
    ids=lambda value: min(value) if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_said_at_once(options: dict[str, Any], says: str) -> None:
    world = make()
    given = {"ceremonies": world.ceremonies, "sources": world.sources, "clock": world.clock, **options}
    with pytest.raises(ConfigError) as raised:
        CeremoniesApp(given.pop("ceremonies"), **given)
    assert says in str(raised.value)

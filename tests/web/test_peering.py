"""Who the peer is, is asked once, when somebody wants to know; a resolver that fails is never believed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from zerotrust.core.peer import Peer
from zerotrust.core.reason import SOURCE_REFUSED, UNTRUSTED_HOP, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.web.asgi_request import access_request
from zerotrust.web.peers import Connection, Peers
from zerotrust.web.wsgi_request import wsgi_request

NOW = 1_800_000_000.0
ADA = Peer((b"a certificate",))
Make = Callable[[Peers | None], AccessRequest]


class Says(Peers):
    """Says what it was made with, and notes who asks."""

    def __init__(self, said: Any) -> None:
        self.said = said
        self.asked: list[tuple[AccessRequest, Connection]] = []

    def peer(self, request: AccessRequest, connection: Connection) -> Peer | Reason | None:
        self.asked.append((request, connection))
        if isinstance(self.said, BaseException):
            raise self.said
        return self.said(request) if callable(self.said) else self.said  # type: ignore[no-any-return]


def asgi(peers: Peers | None) -> AccessRequest:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"x", b"1")], "client": ("192.0.2.7", 0)}
    return access_request(scope, NOW, peers=peers)


def wsgi(peers: Peers | None) -> AccessRequest:
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.7", "HTTP_X": "1", "PROXY_PROTOCOL": "TCP4"}
    return wsgi_request(environ, NOW, peers=peers)


@pytest.fixture(params=[asgi, wsgi])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


@pytest.mark.parametrize("said", [ADA, None, UNTRUSTED_HOP(presented="192.0.2.7")])
def test_the_resolver_says_who_the_peer_is(make: Make, said: object) -> None:
    assert make(Says(said)).peer is said


def test_nobody_is_anybody_without_a_resolver(make: Make) -> None:
    request = make(None)
    assert request.peer is None
    assert request.method == "GET"
    assert request.peer is None


def test_it_is_asked_once_and_only_if_somebody_wants_to_know(make: Make) -> None:
    peers = Says(ADA)
    request = make(peers)
    assert (request.now, request.header("x"), request.client, request.path) == (NOW, "1", "192.0.2.7", "/")
    assert peers.asked == []
    assert (request.peer, request.peer) == (ADA, ADA)
    [(asked, connection)] = peers.asked
    assert asked is request
    assert (connection.chain, connection.shown, connection.rewritten) == ((), False, True)
    assert (request.method, request.peer) == ("GET", ADA)


def test_it_may_look_at_all_of_the_request(make: Make) -> None:
    """Reading the rest of the request fills it, and must not fill `peer` with nobody."""
    read = Says(lambda request: Peer(names=(f"{request.method} {request.client} {request.path}",)))
    assert make(read).peer == Peer(names=("GET 192.0.2.7 /",))


def test_while_it_is_asked_nobody_is_the_peer(make: Make) -> None:
    seen: list[object] = []

    def look(request: AccessRequest) -> Peer:
        seen.append(request.peer)
        return ADA

    assert make(Says(look)).peer is ADA
    [reason] = seen
    assert isinstance(reason, Reason)
    assert reason.kind is SOURCE_REFUSED


@pytest.mark.parametrize("error", [KeyError("x-client-cert: hunter2"), RecursionError(), Exception()])
def test_one_that_raises_is_not_believed(make: Make, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    said = make(Says(error)).peer
    assert isinstance(said, Reason)
    assert (said.kind, said.presented) == (SOURCE_REFUSED, type(error).__name__)
    [record] = caplog.records
    assert (record.name, record.levelno) == ("zerotrust.guard", logging.ERROR)
    assert f"Says failed: {type(error).__name__} at {__file__}" in record.getMessage()
    assert "hunter2" not in caplog.text + str(said)


@pytest.mark.parametrize("said", [True, b"a certificate", (b"a certificate",), object()])
def test_one_that_says_something_else_is_not_believed(
    make: Make, said: object, caplog: pytest.LogCaptureFixture
) -> None:
    reason = make(Says(said)).peer
    assert isinstance(reason, Reason)
    assert reason.kind is SOURCE_REFUSED
    assert f"says that the peer is a {type(said).__name__}" in caplog.text


def test_an_interrupt_is_not_a_failure(make: Make) -> None:
    with pytest.raises(KeyboardInterrupt):
        _ = make(Says(KeyboardInterrupt())).peer
    request = make(Says(None))
    with pytest.raises(AttributeError):
        _ = request.no_such_thing  # type: ignore[attr-defined]

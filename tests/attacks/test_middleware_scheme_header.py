"""CWE-290, CWE-863: what a proxy's header says of the scheme makes no WebSocket of a request.

uvicorn copies `X-Forwarded-Proto: ws` of a proxy that it trusts, and by default it trusts its own machine, into the
scope of any request; a proxy that adds no such header of its own hands on the client's.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.test_middleware_requests import Calls
from tests.fastapi.world import GOOD, NOW, call, http_scope, raw, shown, token
from tests.wsgi.test_guard import environ_of, serve
from zerotrust.sessions.cross_site import _is_handshake
from zerotrust.web.asgi_request import access_request
from zerotrust.web.context import is_websocket, method_of
from zerotrust.web.rules import Rules
from zerotrust.web.wsgi_request import wsgi_request

SCHEMES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


def rates() -> Rules:
    made = Rules(default=token.valid)
    made.open("/rates", because="a feed for everybody", methods=["WS"])
    made.protect("/rates", token.role("admin"), methods=["POST"])
    made.protect("/bids", token.scope("bid"), methods=["WS"])
    made.protect("/bids", token.role("admin"), methods=["POST"])
    return made


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_is_no_method(scheme: str) -> None:
    behind = Calls(rates())
    bidder = shown("bid")
    asked: list[tuple[str, dict[str, str]]] = [("/rates", {}), ("/rates", GOOD), ("/bids", bidder)]
    for path, headers in asked:
        assert call(behind.asgi, http_scope(path, "POST", raw(headers), scheme=scheme)).status in (401, 403)
        environ = {**environ_of(path, headers, REQUEST_METHOD="POST"), "wsgi.url_scheme": scheme}
        assert serve(behind.wsgi, environ, strict=False).code in (401, 403)
    assert behind.calls == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_request_is_told_by_its_kind(scheme: str) -> None:
    scope = http_scope("/rates", "POST", scheme=scheme)
    environ = {**environ_of("/rates", REQUEST_METHOD="POST"), "wsgi.url_scheme": scheme}
    for made in (access_request(scope, NOW), wsgi_request(environ, NOW)):
        assert (is_websocket(made), method_of(made), made.scheme) == (False, "POST", SCHEMES[scheme])
        assert not _is_handshake(made)
    handshake: dict[str, Any] = {**scope, "type": "websocket"}
    asked = access_request(handshake, NOW)
    assert (is_websocket(asked), method_of(asked)) == (True, "WS")
    assert asked.scheme == {"http": "ws", "https": "wss"}.get(scheme, scheme)

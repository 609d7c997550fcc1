"""CWE-524, CWE-863: what is remembered of one request must not decide about another, and must not fill the memory."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.attacks.test_middleware_requests import Calls, rules
from tests.fastapi.world import GOOD, NOW, call, http_scope, raw, token
from tests.wsgi.test_guard import environ_of, serve
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.web.asgi_request import access_request, spelling_of
from zerotrust.web.front import _LONGEST, _REMEMBERED, Front
from zerotrust.web.rules import Rules
from zerotrust.web.wsgi_request import spelling_of as spelling_of_environ
from zerotrust.web.wsgi_request import wsgi_request

FORGETFUL = rules()
OVERRIDE = {"x-http-method-override": "DELETE"}
METHODS = ("GET", "HEAD", "POST", "DELETE", "WS", "get")
SHIFTED = (("", "", ""), ("?_method=DELETE", "", ""), ("", "/api", ""), ("", "", "/api"), ("", "/api", "/api"))


def front(made: Rules) -> Front:
    return Front(
        "async", made, sources=Calls().asgi._gate.sources, peers=None, explain=False, realm=None, resource=None,
        ceremonies=None, recorder=None, shadow=None, clock=lambda: NOW, recheck=None,
    )  # fmt: skip


def decided(request: AccessRequest) -> Any:
    """By rules that remember nothing of any request before."""
    found = FORGETFUL.find(request)
    return found if isinstance(found, Reason) else (found.protection.policy, found.path)


def scopes() -> list[Any]:
    paths = ("/orders/7", "/orders/7/", "/Orders/7", "/public", "/PUBLIC", "/admin/x", "/", "/other")
    made: list[Any] = []
    for path, method, (query, root, before), headers in product(paths, METHODS, SHIFTED, ({}, OVERRIDE)):
        more = {"root_path": root, "query_string": query[1:].encode()}
        made.append(http_scope(before + path, method, raw(headers), **more))
        made.append({**made[-1], "raw_path": made[-1]["raw_path"].replace(b"/", b"%2F", 1)})
        made.append({**made[-1], "raw_path": None})
        made.append({**made[-1], "scheme": "ws"})  # as a proxy may say it of any request
        made += [{**made[-1], "type": "websocket"}, {**made[-2], "type": "websocket"}]
    return made


def environs() -> list[dict[str, Any]]:
    paths = ("/orders/7", "/orders/7/", "/public", "/admin/x", "", "/other")
    made: list[dict[str, Any]] = []
    for path, method, (query, root, before), headers in product(paths, METHODS, SHIFTED, ({}, OVERRIDE)):
        more: dict[str, Any] = {"REQUEST_METHOD": method, "SCRIPT_NAME": root, "QUERY_STRING": query[1:]}
        plain = environ_of(before + path, headers, **more)
        targets: tuple[Any, ...] = (before + path, f"/public#{path}", "http://a/public", "*", "", 7, b"/")
        made += [plain, {**plain, "REQUEST_URI": f"{before}{path}?a=/public"}]
        made += [{**plain, "RAW_URI": one} for one in targets]
        made += [{**plain, "RAW_URI": "/public", "REQUEST_URI": path}, {**plain, "wsgi.url_scheme": "wss"}]
        made += [{**plain, "HTTP_SCRIPT_NAME": "/admin"}, {**plain, "PATH_INFO": None}, {**plain, "SCRIPT_NAME": []}]
    return made


def same(known: Front, request: AccessRequest, spelling: Any) -> Any:
    """What a guard decides by that remembers the requests before: as in `asgi.Guard` and `wsgi.Guard`."""
    place: Any = known.known.get(spelling) or known.place(request, spelling)
    return (place.protection.policy, place.path) if hasattr(place, "protection") else place.status


def test_what_was_remembered_decides_as_if_nothing_was() -> None:
    known = front(rules())
    for _ in range(2):
        for scope in scopes():
            expected = decided(access_request(scope, NOW))
            found = same(known, access_request(scope, NOW), spelling_of(scope))
            assert found == (400 if isinstance(expected, Reason) else expected), scope
    assert len(known.known) > 100
    assert len(known._known_certain) > 100


def test_what_was_remembered_of_an_environment_decides_as_if_nothing_was() -> None:
    known = front(rules())
    for _ in range(2):
        for environ in environs():
            expected = decided(wsgi_request(environ, NOW))
            found = same(known, wsgi_request(environ, NOW), spelling_of_environ(environ))
            assert found == (400 if isinstance(expected, Reason) else expected), environ
    assert len(known.known) > 50
    assert len(known._known_certain) > 50


@pytest.mark.parametrize("path", ["/public", "/orders/7", "/other"])
def test_a_path_that_was_let_in_is_not_let_in_as_another(path: str) -> None:
    behind = Calls()
    scope = http_scope(path, headers=raw(GOOD))
    environ = environ_of(path, GOOD)
    for _ in range(2):
        assert (call(behind.asgi, scope).status, serve(behind.wsgi, environ, strict=False).code) == (200, 200)
    behind.calls.clear()
    for change in ({"raw_path": b"/admin/x"}, {"raw_path": path.encode() + b"%2e"}, {"path": "/admin/x"}):
        assert call(behind.asgi, {**scope, **change}).status in (400, 403)
    for change in ({"RAW_URI": "/admin/x"}, {"REQUEST_URI": "/admin/x?"}, {"PATH_INFO": "/admin/x"}):
        assert serve(behind.wsgi, {**environ, **change}, strict=False).code in (400, 403)
    assert behind.calls == []


def test_callers_cannot_fill_the_memory() -> None:
    known = front(Rules(default=token.valid))
    for number in range(_REMEMBERED + 10):
        scope = http_scope(f"/{number}")
        known.place(access_request(scope, NOW), spelling_of(scope))
    assert len(known.known) == 10
    scope = http_scope("/" + "a" * _LONGEST)
    known.place(access_request(scope, NOW), spelling_of(scope))
    assert len(known.known) == 10

"""Requests that try to be taken for others, before any application: methods, headers, hosts, and what fails inside.

CWE-436, CWE-444, CWE-755: none is let in by it, and none is answered with 500.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fastapi.world import GOOD, NOW, call, clock, http_scope, raw, shown, token
from tests.wsgi.test_guard import environ_of, serve
from zerotrust import asgi, wsgi
from zerotrust.core.policy import Policy
from zerotrust.web.rules import Rules

PAYER = shown("pay")
REFUSED = {400, 401, 403, 503}


def rules(default: Policy = token.valid) -> Rules:
    made = Rules(default=default)
    made.protect("/orders/{id}", token.valid, methods=["GET"])
    made.protect("/orders/{id}", token.scope("pay"), methods=["POST"])
    made.protect("/orders/{id}", token.role("boss"), methods=["DELETE"])
    made.open("/public", because="a test", methods=["GET"])
    made.protect("/admin/**", token.role("staff"))
    return made


class Calls:
    """Two applications behind their guards, which must not be called."""

    def __init__(self, made: Rules | None = None, **options: Any) -> None:
        self.calls: list[Any] = []
        made = made or rules()
        self.asgi = asgi.Guard(self._asgi, made, clock=options.pop("clock", clock), **options)
        self.wsgi = wsgi.Guard(self._wsgi, made, clock=clock, **options)

    async def _asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def _wsgi(self, environ: Any, start: Any) -> list[bytes]:
        self.calls.append(environ)
        start("200 OK", [])
        return []

    def both(self, method: str, path: str, *headers: tuple[str, str], query: str = "", **more: Any) -> set[int]:
        """The statuses of both."""
        octets = [(name.encode(), value.encode()) for name, value in headers]
        scope = http_scope(path, method, octets, query_string=query.encode(), **more)
        environ = environ_of(path, REQUEST_METHOD=method, QUERY_STRING=query)
        for name, value in headers:  # as servers do: one spelling for two, and copies joined
            key = f"HTTP_{name.upper().replace('-', '_')}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        return {call(self.asgi, scope).status, serve(self.wsgi, environ, strict=False).code}


@pytest.mark.parametrize(
    "name",
    [
        "x-http-method-override",
        "x-method-override",
        "x-http-method",
        "X-HTTP-Method-Override",
        "x_http_method_override",
    ],
)
@pytest.mark.parametrize("value", ["DELETE", "delete", "%44ELETE", "", "D\u0435LETE"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_override_needs_what_any_method_would(name: str, value: str, method: str) -> None:
    behind = Calls()
    assert behind.both(method, "/orders/7", *PAYER.items()) == {200}
    assert behind.both(method, "/orders/7", *PAYER.items(), (name, value)) == {403}
    assert len(behind.calls) == 2


@pytest.mark.parametrize(
    "query", ["_method=DELETE", "%5fmethod=delete", "a=1&_METHOD=DELETE", "%5F%6D%65%74hod=DELETE"]
)
def test_an_override_in_the_query_needs_what_any_method_would(query: str) -> None:
    assert Calls().both("POST", "/orders/7", *PAYER.items(), query=query) == {403}


@pytest.mark.parametrize("method", ["delete", "Delete", "PROPFIND", "GET ", "WS", "\u0130"])
def test_an_unknown_method_needs_all(method: str) -> None:
    behind = Calls()
    assert behind.both(method, "/orders/7", *PAYER.items()) == {403}
    assert behind.both(method, "/public") == {401}
    assert behind.calls == []


def test_what_is_opened_for_reading_is_not_for_writing() -> None:
    behind = Calls()
    assert behind.both("GET", "/public") == {200}
    assert behind.both("POST", "/public") == behind.both("OPTIONS", "/public") == {401}
    assert behind.both("GET", "/public", ("x-http-method-override", "POST")) == {401}
    assert behind.both("GET", "/public", ("upgrade", "websocket")) == {401}


@pytest.mark.parametrize("other", ["authorization", "Authorization"])
@pytest.mark.parametrize("second", [GOOD["authorization"], "Bearer x", "Basic YTpi", ""])
def test_a_second_authorization_is_not_chosen_from(other: str, second: str) -> None:
    behind = Calls()
    scope = http_scope(headers=[*raw(GOOD), (other.lower().encode(), second.encode())])
    assert call(behind.asgi, scope).status in REFUSED
    environ = environ_of(headers={"authorization": f"{GOOD['authorization']},{second}"})
    assert serve(behind.wsgi, environ).code in REFUSED
    assert behind.calls == []


@pytest.mark.parametrize("environ", [{"HTTP_SCRIPT_NAME": "/public"}, {"HTTP_PATH_INFO": "/public"}])
def test_headers_that_pass_for_the_path_are_no_paths(environ: dict[str, str]) -> None:
    behind = Calls()
    assert serve(behind.wsgi, {**environ_of("/public"), **environ}).code == 400
    assert behind.calls == []


def test_a_request_without_host_is_decided_on_as_any() -> None:
    behind = Calls()
    scope = {**http_scope("/admin/x"), "http_version": "1.0", "headers": raw(GOOD)}
    assert call(behind.asgi, scope).status == 403
    environ = environ_of("/admin/x", GOOD, SERVER_PROTOCOL="HTTP/1.0")
    del environ["HTTP_HOST"]
    assert serve(behind.wsgi, environ).code == 403
    assert behind.calls == []


def test_an_absolute_form_target_is_no_way_round() -> None:
    behind = Calls()
    for host in ("api.example", "evil.example"):
        scope = http_scope(f"http://{host}/public")
        assert call(behind.asgi, scope).status == 400
        assert serve(behind.wsgi, environ_of("/admin/x", GOOD, RAW_URI=f"http://{host}/admin/x")).code == 403
        assert serve(behind.wsgi, environ_of("/public", RAW_URI=f"http://{host}/admin/x")).code == 400
    assert behind.calls == []


# --- What fails inside -----------------------------------------------------------------------------------------------
def _raise(*_: Any) -> Any:
    raise ZeroDivisionError("alice's secret")


@pytest.mark.parametrize(
    "policy",
    [
        lambda: token.that(_raise, "a test"),
        lambda: token.valid & ~token.that(_raise, "a test"),
        lambda: token.that(lambda evidence: "yes", "a test"),  # type: ignore[arg-type,return-value]
    ],
    ids=["a predicate", "a predicate that is negated", "a predicate that says something else"],
)
def test_what_raises_inside_a_policy_lets_nobody_in(policy: Callable[[], Policy]) -> None:
    behind = Calls(rules(policy()))
    statuses = behind.both("GET", "/", *GOOD.items())
    assert statuses <= REFUSED
    assert behind.calls == []


def test_what_raises_around_a_decision_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("zerotrust.web.gate.deciding", "zerotrust.web.rules.path_of"):
        behind = Calls()  # which remembers no path yet
        with monkeypatch.context() as patch:
            patch.setattr(name, _raise)
            scope = http_scope(headers=raw(GOOD))
            sent = call(behind.asgi, scope)
            old = serve(behind.wsgi, environ_of(headers=GOOD))
            assert (sent.status, old.code) == (503, 503)
            assert b"secret" not in sent.body + old.body
        assert behind.calls == []


@pytest.mark.parametrize("lacking", ["headers", "path", "method"])
def test_a_scope_that_lacks_what_it_has_to_have_lets_nobody_in(lacking: str) -> None:
    behind = Calls()
    scope = http_scope(headers=raw(GOOD))
    del scope[lacking]
    assert call(behind.asgi, scope).status == 503
    assert behind.calls == []


def test_an_empty_environment_lets_nobody_in() -> None:
    behind = Calls()
    assert serve(behind.wsgi, {}, strict=False).code in REFUSED
    assert behind.calls == []


def test_a_clock_that_goes_mad_lets_nobody_in() -> None:
    ticks: list[Any] = [NOW, float("nan"), -1e300, "now"]
    behind = Calls(clock=lambda: ticks.pop(0))
    statuses = {call(behind.asgi, http_scope(headers=raw(GOOD))).status for _ in range(4)}
    assert statuses <= REFUSED
    assert behind.calls == []

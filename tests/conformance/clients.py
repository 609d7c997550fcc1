"""Requests sent by the test client that comes with each framework, as an application's own tests would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from tests.conformance.arriving import Arrived, by_environ, by_scope, sent
from tests.conformance.left_out import CLIENTS
from tests.conformance.wire import HOST, Answer, Headers, Request
from tests.conformance.world import Trouble

ORIGIN = f"http://{HOST.decode()}"


def answers_of(door: str, app: Any, requests: list[Request]) -> list[Answer]:
    """What `app` answers, one after the other."""
    return {
        "starlette": through_starlette, "httpx": through_httpx, "werkzeug": through_werkzeug,
        "django": through_django, "django-async": through_django_async,
    }[CLIENTS[door]](door, app, requests)  # fmt: skip


class Watch:
    """Stands before an application, and sees that what arrives is what was to be sent."""

    def __init__(self, app: Any, how: Callable[[dict[str, Any], Request], Arrived]) -> None:
        self._app, self._how = app, how
        self._last: dict[str, Any] | None = None

    def __call__(self, first: dict[str, Any], *more: Any) -> Any:
        if first.get("type") != "lifespan":
            self._last = dict(first)
        return self._app(first, *more)

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        await self(scope, receive, send)

    def check(self, request: Request) -> None:
        assert self._last is not None, request
        arrived, expected = self._how(self._last, request), sent(request)
        assert arrived == expected, f"the client made of it {arrived}, not {expected}"
        self._last = None


def _text(headers: Headers) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _octets(headers: Iterable[tuple[str, str]]) -> Headers:
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers)


def through_starlette(door: str, app: Any, requests: list[Request]) -> list[Answer]:
    from starlette.testclient import TestClient, WebSocketDenialResponse
    from starlette.websockets import WebSocketDisconnect

    watch = Watch(app, by_scope)

    def answer(client: TestClient, request: Request) -> Answer:
        if not request.upgrade:
            got = client.request(
                request.method, ORIGIN + request.target.decode(), headers=list(request.all_headers),
                content=request.body, follow_redirects=False,
            )  # fmt: skip
            return Answer(got.status_code, _lower(got.headers.raw), got.content)
        url = f"ws://{HOST.decode()}{request.target.decode()}"
        try:
            with client.websocket_connect(url, headers=dict(_text(request.all_headers))):
                return Answer(101)
        except WebSocketDenialResponse as denial:
            return Answer(denial.status_code, _lower(denial.headers.raw), denial.content)
        except WebSocketDisconnect:
            return Answer(403)  # what servers answer for a connection that is closed before it is accepted

    with TestClient(watch.asgi, raise_server_exceptions=False) as client:
        return [_watched(watch, request, answer(client, request)) for request in requests]


def through_httpx(door: str, app: Any, requests: list[Request]) -> list[Answer]:
    import httpx

    watch = Watch(app, by_scope)

    async def all_of_them() -> list[Answer]:
        found: list[Answer] = []
        transport = httpx.ASGITransport(watch.asgi, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as client:
            for request in requests:
                got = await client.request(
                    request.method, ORIGIN + request.target.decode(), headers=list(request.all_headers),
                    content=request.body,
                )  # fmt: skip
                found.append(_watched(watch, request, Answer(got.status_code, _lower(got.headers.raw), got.content)))
        return found

    return asyncio.run(all_of_them())


def through_werkzeug(door: str, app: Any, requests: list[Request]) -> list[Answer]:
    from werkzeug.test import Client

    watch = Watch(app, by_environ)
    client: Client
    if door == "flask":
        watch, app.wsgi_app = Watch(app.wsgi_app, by_environ), watch
        app.wsgi_app, client = watch, app.test_client(use_cookies=False)
    else:
        client = Client(watch, use_cookies=False)

    def answer(request: Request) -> Answer:
        try:
            got = client.open(
                request.target.decode(), base_url=ORIGIN, method=request.method, headers=_text(request.all_headers),
                data=request.body, environ_overrides={"SERVER_PROTOCOL": f"HTTP/{request.version}"},
            )  # fmt: skip
        except Trouble:
            return Answer(0)  # what an application raises comes out of this client: there is no server to answer it
        return Answer(got.status_code, _octets(got.headers), got.data)

    return [_watched(watch, request, answer(request)) for request in requests]


def through_django(door: str, app: Any, requests: list[Request]) -> list[Answer]:
    from django.test import Client
    from rest_framework.test import APIClient

    client = APIClient(enforce_csrf_checks=True) if door == "drf" else Client(enforce_csrf_checks=True)
    client.raise_request_exception = False
    watch = client.handler = Watch(client.handler, by_environ)  # type: ignore[assignment]

    def answer(request: Request) -> Answer:
        got: Any = client.generic(
            request.method, ORIGIN + request.target.decode(), request.body, content_type="",
            headers=dict(_text(request.all_headers)), SERVER_PROTOCOL=f"HTTP/{request.version}",
            SERVER_NAME=HOST.decode(),
        )  # fmt: skip
        return Answer(got.status_code, _octets(got.items()), b"".join(got))

    return [_watched(watch, request, answer(request)) for request in requests]


def through_django_async(door: str, app: Any, requests: list[Request]) -> list[Answer]:
    from django.test import AsyncClient

    class AtHost(AsyncClient):
        """Django's says that it asks `testserver`, besides whatever Host it is given."""

        async def request(self, **request: Any) -> Any:
            request["headers"] = [one for one in request["headers"] if one != (b"host", b"testserver")]
            return await super().request(**request)

    client = AtHost(enforce_csrf_checks=True, raise_request_exception=False)
    watch = client.handler = Watch(client.handler, by_scope)  # type: ignore[assignment]

    async def all_of_them() -> list[Answer]:
        found: list[Answer] = []
        for request in requests:
            headers = dict(_text(request.all_headers))
            content_type = headers.pop("content-type", "")
            headers.pop("content-length", None)  # it sends both by itself, beside those that it is given
            got: Any = await client.generic(
                request.method, ORIGIN + request.target.decode(), request.body, content_type, headers=headers
            )
            body = b"".join([chunk async for chunk in got]) if got.streaming else got.content
            found.append(_watched(watch, request, Answer(got.status_code, _octets(got.items()), body)))
        return found

    return asyncio.run(all_of_them())


def _watched(watch: Watch, request: Request, answer: Answer) -> Answer:
    watch.check(request)
    return answer


def _lower(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.lower(), value) for name, value in headers)

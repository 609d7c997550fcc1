"""The ready ceremonies are served at their path, before anything of the application, and refusals lead there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from tests.django.world import BOTH, GUARD, code, get
from tests.web.ceremonies.world import Reply, Sending, World, environ_of, make, scope_of, through_wsgi
from zerotrust import minutes
from zerotrust.core.reason import MALFORMED
from zerotrust.django import access, report
from zerotrust.web.ceremonies.reading import MOST_BODY

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])


def given(world: Any, **more: Any) -> Any:
    settings = {
        "DEFAULT": world.session.valid,
        "SOURCES": world.sources,
        "CLOCK": world.clock,
        "CEREMONIES": world.ceremonies,
        **more,
    }
    return override_settings(ZEROTRUST=settings, ROOT_URLCONF="tests.django.few_urls")


@both
def test_they_are_served_at_their_path(ask: Any) -> None:
    world = make()
    at = world.ceremonies.at
    with given(world):
        assert any(line.path == f"{at}/*" and line.is_open for line in report().lines)
        assert ask(f"{at}/nowhere").status_code == 404
        host = {"host": "shop.example.com"} if ask is get else {}
        foreign = {**host, "origin": "https://elsewhere.example"}
        refused = ask(f"{at}/totp/verify", foreign, "POST", data=b'{"code": "1"}', content_type="application/json")
        assert code(refused)[0] == 403
        large = ask(f"{at}/totp/verify", method="POST", data=b"x" * (MOST_BODY + 1))
        assert code(large) == (413, "too_large")
        assert ask("/plain/").status_code == 401
        assert ask(f"{at}x/").status_code == 401


@both
def test_whatever_goes_wrong_is_503(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make()

    def broken(*_: Any) -> None:
        raise RuntimeError("a secret")

    with given(world):
        monkeypatch.setattr(type(world.ceremonies), "answering", broken)
        answer = ask(f"{world.ceremonies.at}/totp/verify", method="POST", data=b"{}")
    assert code(answer) == (503, "undecided")


@both
def test_a_body_that_breaks_off_is_malformed(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make()
    monkeypatch.setattr("zerotrust.django.ready.Body.read", lambda self, limit: MALFORMED())
    with given(world):
        answer = ask(f"{world.ceremonies.at}/totp/verify", method="POST", data=b"{}")
    assert code(answer) == (400, "malformed")


# --- Where refusals lead ----------------------------------------------------------------------------------------------

NAVIGATES = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]


def by_wsgi(_: World, sent: Sending) -> Reply:
    reply = through_wsgi(WSGIHandler(), environ_of(sent))
    return Reply(reply.status, [(name.lower(), value) for name, value in reply.headers], reply.body)


def by_asgi(_: World, sent: Sending) -> Reply:
    parts = iter([{"type": "http.request", "body": sent.body, "more_body": False}])
    messages: list[Any] = []

    async def receive() -> Any:
        return next(parts, None) or await asyncio.Future[Any]()  # who waits for the answer does not hang up

    async def send(message: Any) -> None:
        messages.append(message)

    async def run() -> None:
        await ASGIHandler()(scope_of(sent), receive, send)

    asyncio.run(run())
    start, body = messages[0], b"".join(message.get("body", b"") for message in messages[1:])
    return Reply(start["status"], [(name.lower(), value) for name, value in start["headers"]], body)


@pytest.mark.parametrize("door", [by_wsgi, by_asgi], ids=["wsgi", "asgi"])
def test_a_person_is_led_through_exactly_what_is_missing(door: Any) -> None:
    world = make(door=door)
    needed = {"/plain/": world.token.scope("pay") & world.totp.within(minutes(10))}
    with given(world, DEFAULT=world.token.valid, PROTECT=needed), override_settings(MIDDLEWARE=[GUARD]):
        browser = world.browser(scope="pay")
        _, codes = browser.enrol_totp()
        world.later(700)
        refused = browser.get("/plain/")
        assert refused.status == 401
        assert refused.json["step_up"] == {"at": "/auth", "ways": [[{"method": "totp", "within": 600}]]}
        led = browser.get("/plain/", "a=1", headers=NAVIGATES)
        assert (led.status, led.body) == (303, b"")
        assert led.header("location") == "/auth/?next=/plain/%3Fa%3D1&for=totp"
        assert (led.header("cache-control"), led.header("content-type")) == ("no-store", None)
        assert browser.send("HEAD", "/plain/", headers=NAVIGATES).status == 401
        assert browser.get("/auth/", "next=/plain/%3Fa%3D1&for=totp").status == 200
        assert browser.post("totp/verify", {"code": codes.at(world.now)}).status == 200
        last = browser.get("/plain/", headers=NAVIGATES)
        assert (last.status, last.body) == (200, b"plain"), last


@pytest.mark.parametrize("door", [by_wsgi, by_asgi], ids=["wsgi", "asgi"])
def test_a_refusal_of_a_view_leads_there_too(door: Any) -> None:
    world = make(door=door)
    needed = world.totp.within(minutes(10))

    def view(request: HttpRequest) -> HttpResponse:
        access(request).check(needed)
        return HttpResponse("paid")

    changed = {"ROOT_URLCONF": (path("pay/", view),), "MIDDLEWARE": [GUARD]}
    with given(world, DEFAULT=world.token.valid), override_settings(**changed):
        led = world.browser().get("/pay/", headers=NAVIGATES)
        assert (led.status, led.header("location")) == (303, "/auth/?next=/pay/&for=totp")

"""What policies need besides a token, through the whole of Django: bodies, its own sessions, what a proxy tells."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.test.client import AsyncRequestFactory, RequestFactory

from tests.django.carried_urls import ALICE, ORIGIN, passkey, session, sources
from tests.django.world import BOTH, GOOD, GUARD, NOW, STAFF, ZEROTRUST, code, get, shown, staff
from zerotrust.django.requests import asked
from zerotrust.driver import NO_SOURCES, run
from zerotrust.factors.enrolled import Enrolled
from zerotrust.testing import LocalAuthenticator
from zerotrust.wire.encoding import b64url_encode

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])
ORDER = b'{"amount":100}'


def given(middleware: list[str] | None = None, **changed: Any) -> Any:
    return override_settings(
        ROOT_URLCONF="tests.django.carried_urls",
        MIDDLEWARE=middleware or [GUARD],
        ZEROTRUST={**ZEROTRUST, "SOURCES": sources, **changed},
    )


# --- Approvals --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authenticator() -> LocalAuthenticator:
    """Of alice, who has enrolled it."""
    made = LocalAuthenticator("example.com", ORIGIN)
    created = made.create(run(passkey.offering(ALICE, "alice", "Alice", b"browser", NOW), sources))
    assert isinstance(run(passkey.enrolling(ALICE, created, b"browser", NOW, "key"), sources), Enrolled)
    return made


@both
@pytest.mark.parametrize("path", ["/pay/", "/pay-async/"])
def test_an_approval_of_what_the_body_says(ask: Any, path: str, authenticator: LocalAuthenticator) -> None:
    def pay(body: bytes, headers: dict[str, str]) -> Any:
        host = {"host": "testserver"} if ask is get else {}  # Django's client for ASGI sends one itself
        sent = {**shown(sub="alice"), **host, **headers}
        return ask(path, sent, "POST", data=body, content_type="application/json")

    with given():
        refused = pay(ORDER, {})
        assert code(refused) == (401, "not_presented")
        ((step,),) = refused.json()["step_up"]["ways"]
        assert step["operation"]["fields"] == {"amount": 100}
        signed = b64url_encode(authenticator.get(step["publicKey"]).encode())
        approved = {"zerotrust-approval": f"{step['approval']}.{signed}"}
        assert code(pay(b'{"amount":99999}', approved)) == (401, "wrong_operation")
        answer = pay(ORDER, approved)
        assert (answer.status_code, answer.content.partition(b" ")[2]) == (200, ORDER)
        assert code(pay(ORDER, approved)) == (401, "replayed")


# --- Django's own sessions --------------------------------------------------------------------------------------------


class Browser:
    """Keeps cookies, under WSGI or under ASGI."""

    def __init__(self, kind: str) -> None:
        self._client: Any = (Client if kind == "wsgi" else AsyncClient)(headers={"origin": "https://testserver"})
        self._is_async = kind == "asgi"

    @property
    def cookies(self) -> Any:
        return self._client.cookies

    def send(self, method: str, path: str) -> Any:
        sent = self._client.generic(method, path, secure=True)

        async def wait() -> Any:
            return await sent

        return asyncio.run(wait()) if self._is_async else sent


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_djangos_own_session_carries_ours(kind: str) -> None:
    sessions = "django.contrib.sessions.middleware.SessionMiddleware"
    opened = {"/login/": "it is where people sign in"}
    with (
        given([sessions, GUARD], DEFAULT=session.valid, OPEN=opened),
        override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cache"),
    ):
        browser = Browser(kind)
        assert browser.send("GET", "/me/").status_code == 401
        assert browser.send("POST", "/login/").content == b"in"
        first = browser.cookies["sessionid"].value
        assert browser.send("GET", "/me/").content == b"ada"
        assert browser.send("POST", "/login/").content == b"in"
        assert browser.cookies["sessionid"].value != first, "Django's id changes with ours (CWE-384)"
        planted = Browser(kind)
        planted.cookies["sessionid"] = first
        assert planted.send("GET", "/me/").status_code == 401
        assert browser.send("GET", "/me/").content == b"ada"
        cache.clear()
        assert browser.send("GET", "/me/").status_code == 401


# --- Proxies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [RequestFactory, AsyncRequestFactory], ids=["wsgi", "asgi"])
def test_the_host_is_the_one_django_believes(make: Any) -> None:
    def host(forwarded: str | None = None) -> str:
        headers = {"host": "testserver"} if make is RequestFactory else {}  # the other one sends it itself
        if forwarded is not None:
            headers["x-forwarded-host"] = forwarded
        sent = make().get("/", headers=headers)
        return asked(sent, 0.0, NO_SOURCES, None).host

    assert host("localhost") == "testserver"
    with override_settings(USE_X_FORWARDED_HOST=True):
        assert host("localhost") == "localhost"
        assert host("localhost:8443") == "localhost:8443"
        assert host() == "testserver"
        assert host("elsewhere.example") == "", "it is not among ALLOWED_HOSTS"
        assert host("localhost, testserver") == ""
        assert asked(make().get("/", headers={"x-forwarded-host": "localhost"}), 0.0, NO_SOURCES, None).scheme == "http"
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert host("localhost") == "testserver"
        with override_settings(ALLOWED_HOSTS=[]):
            assert host("localhost") == "testserver", "only what a proxy tells is looked up"


# --- Pages of the database --------------------------------------------------------------------------------------------


@both
def test_flatpages_are_for_those_who_meet_the_default(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def flatpage(request: HttpRequest, url: str) -> HttpResponse:
        if url != "/about-us/":
            raise Http404
        return HttpResponse("who we are")

    monkeypatch.setattr("django.contrib.flatpages.middleware.flatpage", flatpage)
    fallback = "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware"
    with override_settings(MIDDLEWARE=[GUARD, fallback]):
        assert code(ask("/about-us/")) == (401, "not_presented")
        assert ask("/about-us/", GOOD).content == b"who we are"
        assert ask("/nothing/", GOOD).status_code == 404
        with override_settings(ZEROTRUST={**ZEROTRUST, "DEFAULT": staff}):
            assert (ask("/about-us/", GOOD).status_code, ask("/about-us/", STAFF).status_code) == (403, 200)

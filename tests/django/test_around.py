"""What stands around views: static files of servers for development, sessions, users, the admin site, bodies."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler, StaticFilesHandler
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpRequest
from django.test import Client, override_settings
from django.test.client import AsyncRequestFactory, RequestFactory

from tests.django.world import BOTH, GOOD, GUARD, STAFF, ZEROTRUST, code, get, get_async, staff, token
from zerotrust.core.ask import ReadBody
from zerotrust.core.reason import Reason
from zerotrust.django.requests import Body, asked
from zerotrust.django.static import cover
from zerotrust.driver import NO_SOURCES
from zerotrust.web.resource import ProtectedResource

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])
FILE = "/static/admin/css/base.css"


def given(**changed: Any) -> Any:
    return override_settings(ZEROTRUST={**ZEROTRUST, **changed})


def served(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """What `runserver` answers under WSGI."""
    sent: list[Any] = []
    environ = RequestFactory().get(path, headers=headers).environ
    handler: Any = StaticFilesHandler(WSGIHandler())
    response: Any = handler(environ, lambda status, headers: sent.append((status, headers)))
    body = b"".join(response)
    response.close()
    return int(sent[0][0][:3]), body


def served_async(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """What a server for development answers under ASGI."""
    scope = AsyncRequestFactory().get(path, headers=headers).scope
    sent: list[Any] = []
    received = iter([True])

    async def receive() -> dict[str, Any]:
        if next(received, False):
            return {"type": "http.request", "body": b"", "more_body": False}
        return await asyncio.Future[dict[str, Any]]()

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        await ASGIStaticFilesHandler(ASGIHandler())(dict(scope), receive, send)

    asyncio.run(run())
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("ask", [served, served_async], ids=["wsgi", "asgi"])
def test_static_files_of_runserver_are_guarded(ask: Any) -> None:
    cover()  # once more changes nothing
    assert ask(FILE, {})[0] == 401
    status, body = ask(FILE, GOOD)
    assert (status, body[:2]) == (200, b"/*")
    assert ask("/static/nowhere.css", GOOD)[0] == 404
    with given(PROTECT={"/static/": staff}):
        assert (ask(FILE, GOOD)[0], ask(FILE, STAFF)[0]) == (403, 200)
    with given(OPEN={"/static/": "styles and scripts"}):
        assert ask(FILE, {})[0] == 200
    with override_settings(ZEROTRUST=None, MIDDLEWARE=[]):
        assert ask(FILE, GOOD)[0] == 503


@both
def test_a_user_is_what_the_hook_gives(ask: Any) -> None:
    asked_for: list[str] = []

    def user_of(access: Any) -> Any:
        evidence = access.get(token)
        asked_for.append("asked")
        return None if evidence is None else SimpleNamespace(name=evidence.subject)

    async def user_of_async(access: Any) -> Any:
        return user_of(access)

    auth = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    for hook in (user_of, user_of_async):
        with given(USER=hook, OPEN={"/health/": "anybody"}), override_settings(MIDDLEWARE=[GUARD, *auth]):
            assert ask("/user-async/", GOOD).content == b"namespace(name='alice')"
            assert ask("/user/", GOOD).content == b"namespace(name='alice')"
            asked_for.clear()
            assert ask("/plain/", GOOD).status_code == 200
            assert asked_for == []
    with given(USER=user_of, OPEN={"/user/": "anybody"}):
        assert ask("/user/").content == b"AnonymousUser"
    assert ask("/user/", GOOD).content == b"nobody"


def test_the_admin_site_is_protected_besides_its_own_sign_in() -> None:
    from django.contrib.auth.models import User  # once Django is configured

    call_command("migrate", verbosity=0)
    people = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    admin = User(username="ada", is_staff=True, is_superuser=True, pk=1)
    with given(PROTECT={"/admin/": staff}), override_settings(MIDDLEWARE=[GUARD, *people]):
        assert code(get("/admin/")) == (401, "not_presented")
        assert get("/admin/login/", GOOD).status_code == 403
        assert get("/admin/", STAFF).headers["location"] == "/admin/login/?next=/admin/"
        forged = Client(enforce_csrf_checks=True).post("/admin/login/", headers=STAFF)
        assert (forged.status_code, b"CSRF" in forged.content) == (403, True)
        with given(PROTECT={"/admin/": staff}, USER=lambda access: admin):
            assert get("/admin/", STAFF).status_code == 200


@both
def test_the_session_of_django_is_at_hand_where_it_stands_before(ask: Any) -> None:
    sessions = "django.contrib.sessions.middleware.SessionMiddleware"
    engine = {"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"}

    with override_settings(MIDDLEWARE=[sessions, GUARD], ROOT_URLCONF="tests.django.asking_urls", **engine):
        assert ask("/session/", GOOD).content == b"SessionStore"
    with override_settings(MIDDLEWARE=[GUARD], ROOT_URLCONF="tests.django.asking_urls"):
        assert ask("/session/", GOOD).content == b"NoneType"


@both
def test_paths_are_those_that_django_looks_at(ask: Any) -> None:
    with override_settings(ROOT_URLCONF="tests.django.asking_urls"):
        name = "é" if ask is get else "Ã©"  # as Django's own client for ASGI has it
        assert ask("/path/%C3%A9/", GOOD).content.decode() == f"/path/{name}/"
        assert ask("/path/a/", GOOD).content.decode() == "/path/a/"


def test_the_scheme_is_the_one_django_believes() -> None:
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        made = RequestFactory().get("/", headers={"x-forwarded-proto": "https"})
        assert asked(made, 0.0, NO_SOURCES, None).scheme == "https"
        waiting = AsyncRequestFactory().get("/", headers={"x-forwarded-proto": "https"})
        assert asked(waiting, 0.0, NO_SOURCES, None).scheme == "https"
    assert asked(made, 0.0, NO_SOURCES, None).scheme == "http"


# --- Bodies -----------------------------------------------------------------------------------------------------------


def post(content: bytes, **more: Any) -> Any:
    return RequestFactory().post("/body/", data=content, content_type="application/octet-stream", **more)


@pytest.mark.parametrize("make", [RequestFactory, AsyncRequestFactory], ids=["wsgi", "asgi"])
def test_a_body_is_read_once_and_handed_on(make: Any) -> None:
    request = make().post("/body/", data=b"0123456789", content_type="text/plain")
    assert Body(request).answer(ReadBody(10), 1.0) == b"0123456789"
    assert Body(request).read(10) == b"0123456789"
    assert request.body == b"0123456789"
    assert Body(request).read(10) == b"0123456789"
    too_large = Body(request).read(9)
    assert isinstance(too_large, Reason)
    assert too_large.code == "too_large"


def test_a_body_that_is_too_large_is_not_read() -> None:
    request = post(b"0123456789")
    read = Body(request).read(4)
    assert isinstance(read, Reason)
    assert read.code == "too_large"
    assert request.body == b"0123456789"
    undeclared = AsyncRequestFactory().post("/body/", data=b"0123456789", content_type="text/plain")
    del undeclared.META["CONTENT_LENGTH"]
    assert isinstance(Body(undeclared).read(4), Reason)
    assert undeclared.read() == b"0123456789"


def test_a_body_that_breaks_off_is_none() -> None:
    short = post(b"0123")
    short.META["CONTENT_LENGTH"] = "9"
    read = Body(short).read(100)
    assert isinstance(read, Reason)
    assert read.code == "malformed"

    class Broken:
        def read(self, size: int) -> bytes:
            raise OSError("gone")

    broken = post(b"0123")
    broken._stream = Broken()
    assert isinstance(Body(broken).read(100), Reason)
    begun = post(b"0123")
    begun.read(1)
    assert isinstance(Body(begun).read(100), Reason)


# --- Ready-made -------------------------------------------------------------------------------------------------------


@both
def test_the_metadata_of_a_resource_is_for_everybody(ask: Any) -> None:
    with given(RESOURCE=ProtectedResource("https://api.example/shop")):
        answer = ask("/.well-known/oauth-protected-resource/shop")
        assert (answer.status_code, answer.json()["resource"]) == (200, "https://api.example/shop")
        assert answer.json()["scopes_supported"]
        assert ask("/.well-known/oauth-protected-resource/shop", method="HEAD").content == b""
        assert ask("/.well-known/oauth-protected-resource/shop", method="POST").status_code == 405
        assert "resource_metadata=" in ask("/plain/").headers["www-authenticate"]


# --- Threads ----------------------------------------------------------------------------------------------------------


class OnlyBlocking:
    """A middleware of the old kind."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)


def test_nothing_runs_in_a_thread_under_asgi() -> None:
    threads: set[int] = set()

    def clock() -> float:
        threads.add(threading.get_ident())
        return float(ZEROTRUST["CLOCK"]())

    with given(CLOCK=clock), override_settings(MIDDLEWARE=[GUARD]):
        assert get_async("/pay-async/", GOOD).status_code == 401
        assert get_async("/plain/", GOOD).content == b"plain"
    assert threads == {threading.get_ident()}


def test_a_middleware_that_blocks_may_stand_behind_the_guard() -> None:
    from zerotrust import Sources
    from zerotrust.stores.http import AsyncHttpFetcher

    blocking = [GUARD, "tests.django.test_around.OnlyBlocking"]
    with given(SOURCES=Sources(AsyncHttpFetcher())), override_settings(MIDDLEWARE=blocking):
        assert get_async("/plain/", GOOD).content == b"plain"
        assert code(get_async("/plain/")) == (401, "not_presented")
        assert code(get_async("/denying/", GOOD)) == (401, "missing_claim")

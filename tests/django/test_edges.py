"""What seldom happens: odd URLconfs and middleware, outages in the middle, settings that change, what is missing."""

from __future__ import annotations

import asyncio
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import Resolver404, ResolverMatch, URLResolver, include, path
from django.urls.resolvers import RoutePattern
from django.views import View

from tests.django.urls import denying, hiding
from tests.django.world import (
    BOTH,
    GOOD,
    GUARD,
    PAYER,
    READER,
    ZEROTRUST,
    can_pay,
    can_read,
    code,
    get,
    get_async,
    token,
)
from tests.web.ceremonies.world import make
from zerotrust import Sources
from zerotrust.core.decision import Allow
from zerotrust.core.errors import Denied
from zerotrust.django import door as doors
from zerotrust.django import report, require
from zerotrust.django.lookup import Lookup
from zerotrust.django.middleware import Guard
from zerotrust.django.raised import answered
from zerotrust.django.users import Users
from zerotrust.engine import judge
from zerotrust.stores.http import AsyncHttpFetcher
from zerotrust.web.access import Access

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


def secret(request: HttpRequest) -> HttpResponse:
    raise AssertionError("nobody gets here")


class Fickle(URLResolver):
    """Leads elsewhere each time it is asked."""

    asked = 0

    def resolve(self, path: str) -> Any:
        if path != "fickle/":
            return None
        Fickle.asked += 1
        return ResolverMatch(
            plain if Fickle.asked % 2 else secret, (), {}, route="fickle/", captured_kwargs={}, extra_kwargs={}
        )


class Refusing(URLResolver):
    """Takes nothing."""

    def resolve(self, path: str) -> Any:
        raise Resolver404({"tried": [], "path": path})


class OnDispatch(View):
    @require(can_read)
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)

    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")


async def _paid(request: HttpRequest) -> HttpResponse:
    return HttpResponse("paid")


_hidden = require(can_pay)(lambda request: _paid(request))


async def awaiting(request: HttpRequest) -> Any:
    return await _hidden(request)


urlpatterns: list[Any] = [
    Refusing(RoutePattern("plain/"), []),
    path("plain/", plain),
    path("plain/below/", plain),
    Fickle(RoutePattern("fickle/"), []),
    path("dispatch/", OnDispatch.as_view()),
    path("awaiting/", awaiting),
    path("opened/", hiding(require(can_pay)(plain))),
    path("denying/", denying),
    path("shop/", include([path("pay/", require(can_pay)(plain)), path("", plain)])),
]


def given(middleware: list[str] | None = None, **changed: Any) -> Any:
    return override_settings(
        ROOT_URLCONF="tests.django.test_edges",
        MIDDLEWARE=[GUARD] if middleware is None else middleware,
        ZEROTRUST={**ZEROTRUST, **changed},
    )


# --- What the path leads to -------------------------------------------------------------------------------------------


@both
def test_a_urlconf_that_changes_its_mind_is_refused(ask: Any) -> None:
    with given():
        Fickle.asked = 0
        assert code(ask("/fickle/", GOOD)) == (503, "undecided")
        assert ask("/plain/", GOOD).content == b"plain"


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerotrust.django.lookup._REMEMBERED", 1)
    with override_settings(MIDDLEWARE=[GUARD]):
        for urlconf in ("tests.django.few_urls", "tests.django.other_urls", "tests.django.few_urls"):
            with override_settings(ROOT_URLCONF=urlconf):
                client = Client()
                lookup: Any = doors.door("blocking")._lookup
                requests = [RequestFactory().get(one) for one in ("/plain/", "/replying/", "/health/")]
                for request in requests:
                    for other in ("tests.django.few_urls", "tests.django.other_urls", None):
                        request.urlconf = other
                        lookup.find(request)
                assert [len(one) for one in (lookup._known, lookup._entries, lookup._fixed)] == [1, 1, 1]
                assert client.get("/plain/").status_code == 401


def test_what_is_remembered_is_what_was_written_out() -> None:
    with given():
        at = doors.door("blocking")
        plain_urls: Any = Lookup(lambda found: at.protections.entry(found.place), by_path=False)
        for asked in ("/plain/", "/items/7/", "/items/8/", "/old/2001/", "/shop/cart/", "/nowhere/"):
            request = RequestFactory().get(asked)
            request.urlconf = "tests.django.urls"
            first, again = plain_urls.find(request), plain_urls.find(request)
            assert first == again
        assert sorted(name for _, name in plain_urls._known) == ["/plain/", "/shop/cart/"]
        stray: Any = Lookup(lambda found: at.protections.entry(found.place), by_path=False)
        stray.find(RequestFactory().get("/plain/"))
        assert stray._known == {}, "a class of the application may lead elsewhere next time"


def test_a_rule_that_says_what_the_default_says_changes_nothing() -> None:
    with given(PROTECT={"/plain/": token.valid}):
        (line,) = [line for line in report().lines if line.path == "/plain/below/"]
        assert line.protection is not None
        assert line.protection.by == "default"


def test_an_open_include_has_an_effect_though_a_view_below_requires_more() -> None:
    with given(OPEN={"/shop/*": "a test"}):
        assert report().problems == ()
        assert get("/shop/").content == b"plain"
        assert code(get("/shop/pay/")) == (401, "not_presented")


@pytest.mark.parametrize("url", [None, "/", "https://files.example/"])
def test_static_files_that_are_served_elsewhere_are_not_in_the_report(url: str | None) -> None:
    with given(), override_settings(STATIC_URL=url):
        assert not [line for line in report().lines if "static" in line.path]


# --- Middleware and classes -------------------------------------------------------------------------------------------


class Replacing:
    """Hands on a request of its own making."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        other = RequestFactory().get(request.headers["x-other"], headers=dict(request.headers))
        return self.get_response(other)


class Marking:
    """Sets a cookie in every response."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        response.set_cookie("seen", "1")
        response["x-own"] = "1"
        return response


def test_another_request_is_decided_on_its_own() -> None:
    with given([GUARD, "tests.django.test_edges.Replacing"], OPEN={"/plain/$": "a test"}):
        assert code(get("/plain/", {"x-other": "/denying/"})) == (401, "not_presented")
        assert get("/plain/", {"x-other": "/plain/"}).content == b"plain"
        assert get("/plain/", {**PAYER, "x-other": "/denying/"}).content == b"allowed"


def test_a_later_refusal_keeps_the_cookies_of_middleware_and_nothing_else() -> None:
    with given([GUARD, "tests.django.test_edges.Marking"]):
        answer = get("/denying/", GOOD)
    assert code(answer) == (401, "missing_claim")
    assert (answer.cookies["seen"].value, "x-own" in answer.headers) == ("1", False)


@both
def test_a_method_that_answers_for_all_may_be_decorated(ask: Any) -> None:
    for middleware in ([GUARD], []):
        with given(middleware):
            assert ask("/dispatch/", READER).content == b"read"
            assert code(ask("/dispatch/", GOOD)) == (403, "missing_claim")


def test_what_gives_something_to_await_is_decided_where_it_is_awaited() -> None:
    with given():
        assert get_async("/awaiting/", PAYER).content == b"paid"
        assert code(get_async("/awaiting/", GOOD)) == (401, "missing_claim")


def test_an_open_place_opens_nothing_that_requires_something_itself() -> None:
    with given(OPEN={"/opened/": "a test"}):
        assert code(get("/opened/")) == (401, "not_presented")
        assert get("/opened/", PAYER).content == b"plain"


def test_a_guard_that_the_settings_do_not_name() -> None:
    with given([]):
        answer: Any = Guard(plain)(RequestFactory().get("/plain/", headers=GOOD))
    assert answer.content == b"plain"


# --- Outages ----------------------------------------------------------------------------------------------------------


def test_a_clock_that_breaks_while_a_refusal_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("a secret")

    with given([]):
        monkeypatch.setattr("zerotrust.django.door.asked", broken)
        decision = judge(can_pay, {}, 0.0)
        assert not isinstance(decision, Allow)
        answer = answered(RequestFactory().get("/plain/"), Denied(decision))
    assert answer.status_code == 503


def test_settings_that_break_while_it_serves() -> None:
    async def twice(client: Any) -> list[int]:
        found = [(await client.get("/plain/", headers=GOOD)).status_code]
        with override_settings(ZEROTRUST={**ZEROTRUST, "PROTECT": {"/nowhere/": token.valid}}):
            found.append((await client.get("/plain/", headers=GOOD)).status_code)
        return found

    with given():
        assert asyncio.run(twice(AsyncClient())) == [200, 503]


def test_static_files_are_refused_while_something_is_wrong() -> None:
    handler: Any = StaticFilesHandler(WSGIHandler())
    sent: list[str] = []
    with given(PROTECT={"/nowhere/": token.valid}):
        environ = RequestFactory().get("/static/admin/css/base.css", headers=GOOD).environ
        handler(environ, lambda status, headers: sent.append(status)).close()
    assert sent == ["503 Service Unavailable"]


def test_two_threads_make_one_door(monkeypatch: pytest.MonkeyPatch) -> None:
    made: Any = SimpleNamespace()

    class Lock:
        def __enter__(self) -> None:
            doors._doors["blocking"] = made  # the other thread, while this one waited

        def __exit__(self, *_: object) -> None: ...

    with given():
        monkeypatch.setattr(doors, "_lock", Lock())
        assert doors.door("blocking") is made


# --- Users, ceremonies, what is not installed -------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True], ids=["function", "coroutine function"])
def test_a_user_is_asked_for_once(is_async: bool) -> None:
    asked: list[int] = []

    def hook(_: Access) -> str:
        asked.append(1)
        return "ada"

    async def hook_async(_: Access) -> str:
        return hook(_)

    request: Any = RequestFactory().get("/")
    nobody: Any = None
    Users(hook_async if is_async else hook).give(request, nobody)

    async def wait() -> list[Any]:
        return [await request.auser(), await request.auser()]

    assert asyncio.run(wait()) == ["ada", "ada"]
    assert str(request.user) == "ada"
    assert asked == [1]


def test_ceremonies_behind_middleware_that_blocks() -> None:
    world = make()
    options = {
        "SOURCES": Sources(world.store, AsyncHttpFetcher()),
        "CLOCK": world.clock,
        "CEREMONIES": world.ceremonies,
    }
    with given([GUARD, "tests.django.test_edges.Marking"], DEFAULT=world.session.valid, **options):
        assert get_async("/auth/zerotrust.js").status_code == 200
        assert get_async("/auth/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("page", "module", "extra"), [("__init__", "django", "django"), ("rest/__init__", "rest_framework", "drf")]
)
def test_what_is_missing_is_named(page: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    source = Path(doors.__file__).parent / f"{page}.py"
    with pytest.raises(ImportError, match=rf"zerotrust\[{extra}\]"):
        runpy.run_path(str(source))


def test_the_application_needs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    covered: list[int] = []
    monkeypatch.setattr("zerotrust.django.static.cover", lambda: covered.append(1))
    config = apps.get_app_config("zerotrust")
    config.ready()
    monkeypatch.setattr(apps, "is_installed", lambda name: False)
    config.ready()
    assert covered == [1]

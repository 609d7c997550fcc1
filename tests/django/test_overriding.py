"""CWE-650: the method that counts is the one that the view is called for, whatever middleware took it from."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from django.views import View

from tests.django.world import BOTH, GOOD, GUARD, PAYER, READER, STAFF, ZEROTRUST, can_pay, can_read, code, get, staff
from zerotrust import ConfigError, anyone
from zerotrust.django import access, require
from zerotrust.django.called import cover
from zerotrust.web.ambient import current_access

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])
ran: list[str] = []


class Overriding:
    """Takes the method from a header or a field of a form, just before the view is called."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        if request.method == "POST":
            request.method = request.headers.get("x-http-method-override") or request.POST.get("_method") or "POST"
        if "x-found" in request.headers:
            request.__dict__["_zerotrust"].found = None


def told(request: HttpRequest) -> HttpResponse:
    ran.append(str(request.method))
    asked = access(request).request
    assert asked is not None
    assert current_access() is access(request)
    return HttpResponse(f"{request.method} {asked.method}")


class Hook(View):
    @require(anyone(because="a webhook"))
    def post(self, request: HttpRequest) -> HttpResponse:
        return told(request)

    @require(can_pay)
    def patch(self, request: HttpRequest) -> HttpResponse:
        return told(request)

    def delete(self, request: HttpRequest) -> HttpResponse:
        return told(request)


class AsyncHook(View):
    @require(anyone(because="a webhook"))
    async def post(self, request: HttpRequest) -> HttpResponse:
        return told(request)

    async def delete(self, request: HttpRequest) -> HttpResponse:
        return told(request)


class Unhashable:
    """A view that has no hash."""

    __hash__ = None  # type: ignore[assignment]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return told(request)


class Comments(View):
    @require(can_read)
    def post(self, request: HttpRequest) -> HttpResponse:
        return told(request)

    def put(self, request: HttpRequest) -> HttpResponse:
        return told(request)


urlpatterns = [
    path("hook/", Hook.as_view()),
    path("async/", AsyncHook.as_view()),
    path("comments/", Comments.as_view()),
    path("unhashable/", Unhashable()),
]


@pytest.fixture(autouse=True)
def here() -> Any:
    ran.clear()
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[GUARD, f"{__name__}.Overriding"]):
        yield


@both
@pytest.mark.parametrize("at", ["/hook/", "/async/"])
def test_a_method_from_a_header_is_decided_about(ask: Any, at: str) -> None:
    delete = {"x-http-method-override": "DELETE"}
    assert ask(at, method="DELETE").status_code == 401
    assert ask(at, method="POST").content == b"POST POST"
    ran.clear()
    assert code(ask(at, delete, "POST")) == (401, "not_presented")
    assert ran == []
    assert ask(at, {**GOOD, **delete}, "POST").content == b"DELETE DELETE"


def post(at: str, headers: dict[str, str], **fields: str) -> list[Any]:
    """The answers under WSGI and ASGI."""
    form: dict[str, Any] = {
        "data": urlencode(fields),
        "content_type": "application/x-www-form-urlencoded",
        "headers": headers,
    }

    async def ask() -> Any:
        return await AsyncClient().post(at, **form)

    return [Client().post(at, **form), asyncio.run(ask())]


def test_a_method_from_a_form_is_decided_about() -> None:
    with override_settings(ZEROTRUST={**ZEROTRUST, "DEFAULT": staff}):
        assert get("/comments/", READER, "PUT").status_code == 403
        assert [answer.content for answer in post("/comments/", READER)] == [b"POST POST"] * 2
        ran.clear()
        assert [answer.status_code for answer in post("/comments/", READER, _method="PUT")] == [403, 403]
        assert ran == []
    assert [answer.status_code for answer in post("/hook/", STAFF, _method="PATCH")] == [401, 401]
    assert [answer.content for answer in post("/hook/", PAYER, _method="PATCH")] == [b"PATCH PATCH"] * 2


@both
def test_a_view_without_a_hash_is_called_all_the_same(ask: Any) -> None:
    assert ask("/unhashable/", GOOD).content == b"GET GET"


def test_what_it_can_not_decide_about_is_not_called(caplog: pytest.LogCaptureFixture) -> None:
    changed = {**GOOD, "x-http-method-override": "DELETE", "x-found": "nothing"}
    for at in ("/hook/", "/async/"):
        assert [code(ask(at, changed, "POST")) for ask in BOTH] == [(503, "undecided")] * 2
    assert ran == []
    assert "AssertionError" in caplog.text


def test_django_is_asked_once_and_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    known = BaseHandler.make_view_atomic
    cover()
    assert BaseHandler.make_view_atomic is known
    monkeypatch.delattr(BaseHandler, "make_view_atomic")
    with pytest.raises(ConfigError, match="calls views in a way"):
        cover()

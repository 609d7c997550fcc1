"""`Denied` that middleware raises is answered as the one that a view raises."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.handlers import exception as handlers
from django.core.signals import got_request_exception
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path

from tests.django.urls import denying
from tests.django.world import BOTH, GOOD, GUARD, PAYER, can_pay, code, get, get_async, token
from zerotrust import functions
from zerotrust.core.errors import Denied
from zerotrust.django import access, require
from zerotrust.django.raised import cover

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])


class Asking:
    """Asks for more than the guard, on the way in or on the way out."""

    async_capable = False

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        where = request.headers.get("x-where", "in")
        if where == "out":
            self.get_response(request)
        try:
            access(request).check(can_pay, hidden=where == "hidden")
        except Denied as error:
            if where == "group":
                raise ExceptionGroup("several", [error]) from None
            raise
        if where == "broken":
            raise RuntimeError("the application's own mistake")
        return self.get_response(request)


class AskingAsync:
    """The same for applications that are asynchronous throughout."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        from asgiref.sync import markcoroutinefunction

        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> Any:
        await access(request).check_async(can_pay)
        return await self.get_response(request)


def given(kind: str = "Asking") -> Any:
    return override_settings(MIDDLEWARE=[GUARD, f"tests.django.test_raised.{kind}"])


@both
@pytest.mark.parametrize("where", ["in", "out", "group"])
def test_middleware_refuses_in_the_same_words(ask: Any, where: str) -> None:
    before = ask("/pay/", GOOD)
    with given():
        later = ask("/plain/", {**GOOD, "x-where": where})
        assert (list(later.items()), later.content) == (list(before.items()), before.content)
        assert ask("/plain/", {**PAYER, "x-where": where}).content == b"plain"


def test_middleware_that_is_awaited_refuses_in_the_same_words() -> None:
    before = get_async("/pay/", GOOD)
    with given("AskingAsync"):
        later = get_async("/plain/", GOOD)
        assert (list(later.items()), later.content) == (list(before.items()), before.content)
        assert get_async("/plain/", PAYER).content == b"plain"


@both
def test_what_middleware_hides_is_the_applications_own_404(ask: Any) -> None:
    nowhere = ask("/nowhere/", GOOD)
    with given():
        answer = ask("/plain/", {**GOOD, "x-where": "hidden"})
    assert (answer.status_code, answer.content) == (404, nowhere.content)


@both
def test_other_mistakes_of_middleware_stay_its_own(ask: Any) -> None:
    with given():
        assert ask("/plain/", {**PAYER, "x-where": "broken"}).status_code == 500


def test_a_refusal_is_no_error_of_the_application() -> None:
    """Nobody is told of an exception: no administrator, no client for tests, nothing that collects errors."""
    told: list[object] = []

    def tell(**_: object) -> None:
        told.append(1)

    got_request_exception.connect(tell)
    try:
        with given():
            assert Client().get("/plain/", headers=GOOD).status_code == 401
    finally:
        got_request_exception.disconnect(tell)
    assert told == []


def test_a_refusal_where_no_guard_stands() -> None:
    """A view that decided late may ask for more."""
    with override_settings(MIDDLEWARE=[], ROOT_URLCONF="tests.django.test_raised"):
        assert code(get("/late/", GOOD)) == (401, "missing_claim")
        assert get("/late/", PAYER).content == b"allowed"


def test_without_settings_it_is_a_refusal_too() -> None:
    with override_settings(MIDDLEWARE=["tests.django.test_raised.Raising"], ZEROTRUST=None):
        assert code(get("/plain/", GOOD)) == (503, "undecided")


def test_django_is_covered_once() -> None:
    before: Any = handlers.response_for_exception
    cover()
    assert handlers.response_for_exception is before


class Raising:
    """Stands where no guard does, and refuses."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    @functions.Guard().require(can_pay)
    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)


urlpatterns = [path("late/", require(token.valid)(denying))]

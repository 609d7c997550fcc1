"""Who was let in late is whom Django and Django REST framework know; what is required below `@api_view` is seen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.django.urls import hiding
from tests.django.world import BOTH, GOOD, GUARD, PAYER, STAFF, ZEROTRUST, can_pay, code, get, token
from zerotrust.django import Access, access, report, require
from zerotrust.django.rest import AccessAuthentication, Requires

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])


def user_of(given: Access) -> object | None:
    evidence = given.get(token)
    return None if evidence is None else SimpleNamespace(name=evidence.subject, is_authenticated=True)


class BySignIn:
    """Puts a user of its own there, as Django's sign-in does."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        request.user = SimpleNamespace(name="bob")
        return self.get_response(request)


class Another(BaseAuthentication):
    """Knows callers by itself."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        return SimpleNamespace(name="carol", is_authenticated=True), "hers"


class Looking(BasePermission):
    """Asks who it is, before anybody has required anything."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return request.user is not None and not request.user.is_authenticated


def named(request: HttpRequest) -> HttpResponse:
    return HttpResponse(getattr(request, "user").name)  # noqa: B009 - not whom Django's types know


def told(request: Request) -> Response:
    name = getattr(request.user, "name", "nobody")
    return Response({"user": name, "same": request.auth is access(request)})


class Given(APIView):
    def get_permissions(self) -> list[Any]:
        return [Looking(), Requires(can_pay)()]

    def get(self, request: Request) -> Response:
        return told(request)


def hiding_method(method: Any) -> Any:
    def inner(view: object, request: Request) -> Any:
        return method(view, request)

    return inner


class Hidden(APIView):
    @hiding_method
    @require(can_pay)
    def get(self, request: Request) -> Response:
        return told(request)


class Elsewhere(APIView):
    authentication_classes = (Another,)

    def get_permissions(self) -> list[Any]:
        return [Requires(can_pay)()]

    def get(self, request: Request) -> Response:
        name = getattr(request.user, "name", "nobody")
        return Response({"user": name, "auth": str(request.auth)})


class Naming(AccessAuthentication):
    """Names users in a way of its own; there is none before somebody was let in."""

    def authenticate(self, request: Request) -> tuple[Any, Access] | None:
        let_in = super().authenticate(request)
        known = None if let_in is None else let_in[1].get(token)
        if let_in is None or known is None:
            return None
        return SimpleNamespace(name=f"our {known.subject}", is_authenticated=True), let_in[1]


class Named(APIView):
    authentication_classes = (Naming,)

    def get_permissions(self) -> list[Any]:
        return [Requires(can_pay)()]

    def get(self, request: Request) -> Response:
        return told(request)


class Asking(APIView):
    @property
    def permission_classes(self) -> Any:  # type: ignore[override]
        return [Requires(can_pay)]

    def get(self, request: Request) -> Response:
        return told(request)


@api_view(["GET", "POST"])
@require(can_pay)
def below(request: Request) -> Response:
    """Says what nobody else is to know."""
    return told(request)


urlpatterns = [
    path("django/", hiding(require(token.valid)(named))),
    path("given/", Given.as_view()),
    path("hidden/", Hidden.as_view()),
    path("elsewhere/", Elsewhere.as_view()),
    path("named/", Named.as_view()),
    path("asking/", Asking.as_view()),
    path("below/", below),
]
LATE = ["/django/", "/given/", "/hidden/", "/elsewhere/", "/named/"]


@pytest.fixture(autouse=True)
def here() -> Any:
    opened = dict.fromkeys(LATE, "what they require is hidden")
    with override_settings(
        ROOT_URLCONF=__name__,
        MIDDLEWARE=[GUARD, f"{__name__}.BySignIn"],
        ZEROTRUST={**ZEROTRUST, "OPEN": opened, "USER": user_of},
    ):
        yield


@both
def test_the_user_is_whom_the_late_decision_let_in(ask: Any) -> None:
    assert code(ask("/django/")) == (401, "not_presented")
    assert ask("/django/", GOOD).content == b"alice"


@both
@pytest.mark.parametrize("at", ["/given/", "/hidden/"])
def test_the_framework_is_told_whom_a_late_decision_let_in(ask: Any, at: str) -> None:
    assert code(ask(at)) == (401, "not_presented")
    assert ask(at, PAYER).json() == {"user": "alice", "same": True}
    with override_settings(ZEROTRUST={**ZEROTRUST, "OPEN": {at: "a test"}}):
        assert ask(at, PAYER).json() == {"user": "nobody", "same": True}


def test_whom_another_authentication_knows_stays() -> None:
    assert get("/elsewhere/", PAYER).json() == {"user": "carol", "auth": "hers"}


def test_an_authentication_of_its_own_is_asked_again() -> None:
    assert get("/named/", PAYER).json() == {"user": "our alice", "same": True}


def test_a_late_decision_after_the_request_of_the_framework_is_gone() -> None:
    from django.test import RequestFactory

    from zerotrust.django.door import door
    from zerotrust.django.late import decided
    from zerotrust.django.middleware import Guard

    def view(request: HttpRequest) -> HttpResponse:
        framework = Request(request)
        AccessAuthentication().authenticate(framework)
        framework.parser_context.clear()  # where it keeps itself
        del framework
        assert decided(request, can_pay) is access(request)
        return HttpResponse(access(request)[token].subject)

    assert door("blocking").users is not None
    answer: Any = Guard(view)(RequestFactory().get("/given/", headers=PAYER))
    assert answer.content == b"alice"


def test_permissions_that_only_a_view_tells_decide_when_they_are_asked() -> None:
    assert code(get("/asking/", GOOD)) == (401, "missing_claim")
    assert get("/asking/", PAYER).json() == {"user": "alice", "same": True}


def test_what_is_required_below_api_view_is_in_the_report_and_holds_for_options() -> None:
    (line,) = [line for line in report().lines if line.path == "/below/"]
    assert (line.methods, str(line)) == (("*",), "can pay  (require)")
    for method in ("GET", "POST", "OPTIONS"):
        assert get("/below/", STAFF, method).status_code == 401
        assert get("/below/", PAYER, method).status_code == 200

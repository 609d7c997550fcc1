"""What runs is what was decided about, whatever middleware has changed in between, also where no view has a mark."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.decorators import sync_and_async_middleware
from django.views import View

from tests.django.world import BOTH, GOOD, GUARD, PAYER, STAFF, ZEROTRUST, can_pay, code, get, staff, token
from zerotrust import Bearer, anyone, functions
from zerotrust.core.policy import Policy
from zerotrust.django import access, require

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])
ran: list[str] = []


@sync_and_async_middleware
def changing(get_response: Any) -> Any:
    """Sets the path, the method or the URLconf to what headers say, once the guard has decided."""

    def change(request: HttpRequest) -> HttpRequest:
        for name in ("path_info", "method", "urlconf"):
            if (given := request.headers.get(f"x-{name.replace('_', '-')}")) is not None:
                setattr(request, name, given)
        return request

    async def waiting(request: HttpRequest) -> Any:
        return await get_response(change(request))

    return waiting if iscoroutinefunction(get_response) else lambda request: get_response(change(request))


def told(request: HttpRequest, name: str = "") -> HttpResponse:
    """What was decided about."""
    ran.append(name)
    asked = access(request).request
    return HttpResponse("" if asked is None else f"{asked.method} {asked.path}")


class ByMethod(View):
    """Reads for some, writes for others; what it does not answer is for neither."""

    @require(staff)
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")

    @require(can_pay)
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("paid")


class WithHead(View):
    @require(staff)
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")

    @require(can_pay)
    def head(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"X-Own": "head"})


@functions.Guard().require(can_pay)
def from_elsewhere(request: HttpRequest) -> HttpResponse:
    return HttpResponse("paid")


OTHER = "tests.django.changed_urls"
urlpatterns = [
    path("told/", told),
    path("open/", told),
    path("items/<str:name>/", told),
    path("methods/", ByMethod.as_view()),
    path("head/", WithHead.as_view()),
    path("elsewhere/", from_elsewhere),
    path("a/", told),
    path("a/b/", told),
    path("a/b/c/", told),
]


def given(**changed: Any) -> Any:
    ran.clear()
    return override_settings(
        ROOT_URLCONF="tests.django.test_changed",
        MIDDLEWARE=[GUARD, "tests.django.test_changed.changing"],
        ZEROTRUST={**ZEROTRUST, **changed},
    )


@both
def test_another_urlconf_with_another_view_at_the_same_path(ask: Any) -> None:
    with given(URLCONFS=[OTHER], PROTECT={"/told/": staff}):
        assert ask("/told/", STAFF).content == b"GET /told/"
        assert ask("/told/", {**STAFF, "x-urlconf": OTHER}).content == b"other /told/"


@both
def test_another_urlconf_with_the_same_view_at_another_place(ask: Any) -> None:
    """The path, the method and the view are the same; what is open is the place, and that is another."""
    with given(URLCONFS=[OTHER], OPEN={"/open/": "a test"}):
        assert ask("/open/").status_code == 200
        ran.clear()
        assert code(ask("/open/", {"x-urlconf": OTHER})) == (401, "not_presented")
        assert ran == []
        assert ask("/open/", {**GOOD, "x-urlconf": OTHER}).content == b"GET /open/"


@both
def test_another_view_at_the_same_place_is_looked_at(ask: Any) -> None:
    """Two URLconfs may spell a place alike; what each view requires is its own."""
    with given(URLCONFS=[OTHER], OPEN={"/told/": "a test"}):
        assert ask("/told/", {"x-urlconf": OTHER}).content == b"other /told/"


@both
def test_another_path_of_the_same_place_is_what_policies_look_at(ask: Any) -> None:
    with given():
        assert ask("/items/a/", GOOD).content == b"GET /items/a/"
        assert ask("/items/a/", {**GOOD, "x-path-info": "/items/b/"}).content == b"GET /items/b/"


@both
def test_another_method_of_the_same_place_is_what_policies_look_at(ask: Any) -> None:
    with given():
        assert ask("/told/", {**GOOD, "x-method": "PUT"}).content == b"PUT /told/"


@both
def test_nothing_changed_is_decided_once(ask: Any) -> None:
    decided: list[str] = []

    class Counting(Bearer):
        def find(self, request: Any) -> Any:
            decided.append(request.path)
            return super().find(request)

    counting = Counting(*token.issuers, audience="api")
    with given(DEFAULT=counting.valid):
        assert ask("/told/", GOOD).status_code == 200
        assert ask("/items/a/", GOOD).status_code == 200
        assert decided == ["/told/", "/items/a/"]
        assert ask("/told/", {**GOOD, "x-path-info": "/a/"}).status_code == 200
        assert decided == ["/told/", "/items/a/", "/told/", "/a/"]


class Speaking(Bearer):
    """Has something to say in each response."""

    def continuing(self, now: float) -> Any:
        return ((b"x-next", b"7"),)


@both
def test_what_the_first_decision_says_is_said_all_the_same(ask: Any) -> None:
    speaking: Policy = Speaking(*token.issuers, audience="api").valid
    with given(DEFAULT=speaking, OPEN={"/open/": "a test"}):
        answer = ask("/told/", {**GOOD, "x-path-info": "/open/"})
        assert (answer.status_code, answer.headers["x-next"]) == (200, "7")
        answer = ask("/open/", {**GOOD, "x-path-info": "/told/"})
        assert (answer.status_code, answer.headers["x-next"]) == (200, "7")
        assert "x-next" not in ask("/open/", GOOD).headers


@both
def test_head_needs_what_get_does(ask: Any) -> None:
    with given():
        assert ask("/methods/", STAFF, "HEAD").status_code == 200
        assert ask("/methods/", PAYER, "HEAD").status_code == 403
        assert ask("/methods/", PAYER, "POST").content == b"paid"


def test_a_head_of_its_own_has_a_policy_of_its_own() -> None:
    with given():
        assert get("/head/", PAYER, "HEAD").headers["x-own"] == "head"
        assert get("/head/", STAFF, "HEAD").status_code == 401


def test_what_is_open_at_a_view_hides_no_rule_above_it() -> None:
    """The rule of `/a/` holds at `/a/b/c/`, though `/a/b/`, which is closer, was opened: that opens itself alone."""
    with given(DEFAULT=anyone(because="a test"), PROTECT={"/a/": staff}, OPEN={"/a/b/": "a test"}):
        assert get("/a/b/").status_code == 200
        assert get("/a/b/c/").status_code == 401
        assert get("/a/b/c/", GOOD).status_code == 403
        assert get("/a/b/c/", STAFF).status_code == 200


@both
def test_a_requirement_of_another_guard_is_its_own_to_decide(ask: Any) -> None:
    with given():
        assert ask("/elsewhere/", PAYER).content == b"paid"
        assert code(ask("/elsewhere/", GOOD)) == (401, "missing_claim")
        assert code(ask("/elsewhere/")) == (401, "not_presented")

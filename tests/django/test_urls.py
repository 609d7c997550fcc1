"""What the guard finds in a URLconf is what Django runs, also where a class resolves in a way of its own."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, include, path
from django.urls.resolvers import RoutePattern

from tests.django.urls import plain
from tests.django.world import GOOD, PAYER, STAFF, ZEROTRUST, can_pay, get, staff
from zerotrust.core.errors import Denied
from zerotrust.django import require
from zerotrust.django.middleware import Guard
from zerotrust.django.urls import places, resolve, route


class Declining(URLResolver):
    """Takes what it likes."""

    def resolve(self, path: str) -> Any:
        return super().resolve(path) if "pay" in str(path) else None


class Own(URLPattern):
    """Resolves as Django does, in a class of its own."""


def late(request: HttpRequest) -> HttpResponse:
    return HttpResponse("late")


inner = [path("pay/", require(can_pay)(plain)), path("other/", plain)]
urlpatterns: list[Any] = [
    Own(RoutePattern("own/", is_endpoint=True), plain),
    Declining(RoutePattern("stray/"), inner),
    path("stray/late/", late),
    path("deep/", include([path("a/", include([path("", plain), path("b/", plain)]))])),
]

here = override_settings(ROOT_URLCONF="tests.django.test_urls")


def test_a_resolver_of_its_own_is_decided_on_by_its_view() -> None:
    with here:
        assert get("/stray/pay/", GOOD).status_code == 401
        assert get("/stray/pay/", PAYER).content == b"plain"
        assert get("/own/", GOOD).content == b"plain"
        with override_settings(ZEROTRUST={**ZEROTRUST, "PROTECT": {"/stray/": staff}}):
            assert get("/stray/pay/", PAYER).status_code == 403
            assert get("/own/", GOOD).content == b"plain"


def test_what_it_declines_is_not_its_own() -> None:
    with here, override_settings(ZEROTRUST={**ZEROTRUST, "OPEN": {"/stray/": "a test"}}):
        assert get("/stray/late/").status_code == 401
        assert get("/stray/late/", GOOD).content == b"late"
    with here:
        assert get("/stray/nothing/", GOOD).status_code == 404


@pytest.mark.parametrize("asked", ["/own/", "/deep/a/", "/deep/a/b/", "/nowhere/", "/deep/a/c/", "/"])
def test_the_walk_is_djangos(asked: str) -> None:
    with here:
        found = resolve(RequestFactory().get(asked), by_path=True)
        try:
            match = get_resolver("tests.django.test_urls").resolve(asked)
        except Exception:
            assert found is None
            return
        assert found is not None
        assert (found.view, route(found.chain)) == (match.func, match.route)
        assert found.is_of(match)
        assert not found.is_of(None)


def test_a_urlconf_that_includes_itself_comes_to_an_end() -> None:
    loop = path("a/", include(([path("b/", plain)], "loop")))
    loop.__dict__["url_patterns"] = [loop]
    module: Any = (loop,)
    assert list(places(module)) != []
    request = RequestFactory().get("/" + "a/" * 60)
    request.urlconf = module
    assert resolve(request, by_path=False) is None


def test_denied_without_a_decision_is_answered_all_the_same() -> None:
    from zerotrust.django.door import door

    at = door("blocking")
    request = RequestFactory().get("/plain/")

    def never(_: HttpRequest) -> HttpResponse:
        raise AssertionError("it is not called")

    guard = Guard(never)
    assert guard.process_exception(request, RuntimeError("not ours")) is None
    passed: Any = at.decide(request, at.prepare(RequestFactory().get("/plain/", headers=STAFF)))
    with pytest.raises(Denied) as raised:
        passed.access.check(can_pay)
    answer: Any = guard.process_exception(request, raised.value)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    with override_settings(ZEROTRUST=None):
        broken: Any = guard.process_exception(request, raised.value)
    assert broken.status_code == 503

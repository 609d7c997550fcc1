"""Paths, methods and headers that Django, its middleware or its servers may read in other ways than the guard."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings

from tests.django.urls import seen
from tests.django.world import BOTH, GOOD, GUARD, PAYER, ZEROTRUST, code, get
from zerotrust.django.middleware import Guard

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])
OPENED = {**ZEROTRUST, "OPEN": {"/health/": "the load balancer asks"}}


class Overriding:
    """Takes the method from a header, as many packages do."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.method = request.headers.get("X-HTTP-Method-Override", request.method)
        answer: HttpResponse = self.get_response(request)
        return answer


@both
def test_method_override(ask: Any) -> None:
    with override_settings(MIDDLEWARE=[GUARD, "tests.attacks.test_django_paths.Overriding"]):
        assert ask("/methods/", {**GOOD, "x-http-method-override": "POST"}).status_code == 401
        assert ask("/methods/", {**PAYER, "x-http-method-override": "POST"}).content == b"paid"


@pytest.mark.parametrize("method", ["get", "GeT", "post "])
def test_methods_in_another_case(method: str) -> None:
    seen.clear()
    answer = get("/plain/", method=method)
    assert (answer.status_code, seen) == (401, [])


@pytest.mark.parametrize(
    "path",
    ["/health/%2e%2e/plain/", "/health/..;/plain/", "/health/%00", "/health/\r\nx: y", "/health%0a"],
)
def test_an_open_view_is_no_way_in(path: str) -> None:
    seen.clear()
    with override_settings(ZEROTRUST=OPENED):
        answer = get(path)
    assert (answer.status_code, seen) == (401, [])


@pytest.mark.parametrize("name", ["HTTP_PATH_INFO", "HTTP_SCRIPT_NAME"])
def test_headers_that_look_like_the_environment(name: str) -> None:
    with override_settings(ZEROTRUST=OPENED):
        assert get("/plain/", headers=None, **{name: "/health/"}).status_code == 401


@both
def test_an_authorization_header_that_came_twice(ask: Any) -> None:
    doubled = {"authorization": f"{GOOD['authorization']}, {GOOD['authorization']}"}
    assert ask("/plain/", doubled).status_code in (400, 401)


def test_the_mount_is_no_way_in() -> None:
    with override_settings(ZEROTRUST=OPENED):
        assert get("/plain/", SCRIPT_NAME="/health").status_code == 401
        assert get("/health/", SCRIPT_NAME="/shop").content == b"plain"


def test_a_forged_urlconf_header_is_no_urlconf() -> None:
    assert get("/plain/", {"x-urlconf": "tests.django.other_urls"}).status_code == 401


def test_what_is_no_token_never_shows(caplog: pytest.LogCaptureFixture) -> None:
    secret = "eyJhbGciOiJub25lIn0.c2VjcmV0."
    answer = get("/plain/", {"authorization": f"Bearer {secret}"})
    assert code(answer)[0] == 401
    assert secret not in caplog.text + answer.content.decode()


def test_a_request_that_cannot_be_read_is_refused() -> None:
    def never(request: HttpRequest) -> HttpResponse:
        raise AssertionError("it was refused")

    request = RequestFactory().get("/plain/")
    request.path_info = 7  # type: ignore[assignment]
    answer = Guard(never)(request)
    assert isinstance(answer, HttpResponse)
    assert answer.status_code == 503

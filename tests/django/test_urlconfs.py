"""CWE-863: a rule of one URLconf judges no view of another, and opens nothing where no report has looked."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path

from tests.django.test_names import PUBLIC, page, secret
from tests.django.world import BOTH, GOOD, GUARD, READER, STAFF, ZEROTRUST, can_read, shown, staff, token_valid
from zerotrust.django import require

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])

shared = path("shared/", page)
inside = include([path("data/", page)])
site = (path("pub/", inside), path("status/", page), path("marked/", require(can_read)(page)), shared)
other = (path("pub/data/", page), path("status/", secret), path("marked/", require(can_read)(page)), shared)


class Choosing:
    """Chooses the URLconf by the tenant."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        if "x-tenant" in request.headers:
            request.urlconf = sys.modules["tests.django.tenant_urls"]
            if request.headers["x-tenant"] == "by name":
                request.urlconf = "tests.django.tenant_urls"
        answer: HttpResponse = self.get_response(request)
        return answer


@pytest.fixture(autouse=True)
def tenant_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    made: Any = ModuleType("tests.django.tenant_urls")
    made.urlpatterns = list(other)
    monkeypatch.setitem(sys.modules, made.__name__, made)


def given(**changed: Any) -> Any:
    return override_settings(
        ROOT_URLCONF=site,
        MIDDLEWARE=[GUARD, f"{__name__}.Choosing"],
        ZEROTRUST={**ZEROTRUST, **changed},
    )


TENANTS = [{"x-tenant": "by name"}, {"x-tenant": "by module"}]
LISTED = {"URLCONFS": ["tests.django.tenant_urls"]}


@both
def test_the_same_view_at_the_same_path_of_another_urlconf_is_decided_anew(ask: Any) -> None:
    with given(OPEN={"/pub/": PUBLIC}, **LISTED):
        assert ask("/pub/data/").content == b"page"
        for tenant in TENANTS:
            assert ask("/pub/data/", tenant).status_code == 401
            assert ask("/pub/data/", {**GOOD, **tenant}).content == b"page"


@both
def test_nothing_is_open_in_a_urlconf_that_no_report_lists(ask: Any, caplog: pytest.LogCaptureFixture) -> None:
    with given(OPEN={"/status/": PUBLIC}):
        assert ask("/status/").content == b"page"
        for tenant in TENANTS:
            assert ask("/status/", tenant).status_code == 401
            assert ask("/status/", {**GOOD, **tenant}).content == b"secret"
    assert caplog.text.count("name it in ZEROTRUST['URLCONFS']") == 1
    with given(OPEN={"/status/": PUBLIC}, **LISTED):
        assert [ask("/status/", tenant).content for tenant in TENANTS] == [b"secret", b"secret"]
    assert caplog.text.count("name it in ZEROTRUST['URLCONFS']") == 1


@both
def test_a_pattern_that_two_urlconfs_share_is_open_in_one(ask: Any) -> None:
    with given(OPEN={"/shared/": PUBLIC}):
        for _ in range(2):
            assert ask("/shared/").content == b"page"
            assert ask("/shared/", TENANTS[0]).status_code == 401


def test_rules_there_add_to_the_default_and_to_marks() -> None:
    ask, tenant = BOTH[0], TENANTS[0]
    with given(DEFAULT=staff, PROTECT={"/marked/": token_valid}):
        assert ask("/marked/", {**READER, **tenant}).content == b"page"
    with given(DEFAULT=staff, PROTECT={"/status/": can_read, "/marked/": staff}):
        assert ask("/status/", READER).content == b"page"
        assert ask("/status/", {**READER, **tenant}).status_code == 403
        assert ask("/status/", {**STAFF, **tenant}).status_code == 403
        assert ask("/status/", {**shown("read staff"), **tenant}).content == b"secret"
        assert ask("/marked/", {**READER, **tenant}).status_code == 403
        assert ask("/marked/", {**shown("read staff"), **tenant}).content == b"page"


def test_a_request_without_one_has_that_of_the_settings() -> None:
    from django.test import RequestFactory

    from zerotrust.django.urls import urlconf_of

    request: HttpRequest = RequestFactory().get("/")
    request.urlconf = None
    assert urlconf_of(request) == "tests.django.urls"

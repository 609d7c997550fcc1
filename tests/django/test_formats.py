"""Django REST framework has a path for each format of a view: `/payments.json` is `/payments/`."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import include, path, re_path
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.urlpatterns import format_suffix_patterns
from rest_framework.viewsets import ViewSet

from tests.django.test_names import PUBLIC, codes, given, page, secret
from tests.django.world import GOOD, STAFF, staff
from zerotrust.django import report


class Payments(ViewSet):
    def list(self, request: Any, format: str | None = None) -> Response:  # noqa: A002 - as the framework calls it
        return Response("secret")

    def retrieve(self, request: Any, pk: str, format: str | None = None) -> Response:  # noqa: A002 - as above
        return Response("secret")


def test_the_page_of_a_router_opens_no_endpoint() -> None:
    router = DefaultRouter()
    router.register("payments", Payments, basename="payment")
    with given(path("", include(router.urls)), OPEN={"/": PUBLIC}):
        assert codes("/", "/payments/", "/payments.json") == [200, 401, 401]


@pytest.mark.parametrize("regex", [True, False])
def test_other_formats_of_a_view_are_protected_with_it(regex: bool) -> None:
    router = DefaultRouter(use_regex_path=regex)
    router.register("payments", Payments, basename="payment")
    for urls, at in (((path("", include(router.urls)),), ""), ((path("v1/", include(router.urls)),), "/v1")):
        with given(*urls, PROTECT={f"{at}/payments/": staff}):
            asked = [f"{at}/payments{end}" for end in ("/", ".json", "/7/", "/7.json")]
            assert codes(*asked, headers=GOOD) == [403] * 4
            assert codes(*asked, headers=STAFF) == [200] * 4
            assert all("PROTECT" in str(line) for line in report().lines if "/payments" in line.path)
    with given(path("", include(router.urls)), PROTECT={"/payments/$": staff}):
        assert codes("/payments/", "/payments.json", "/payments/7.json", headers=GOOD) == [403, 403, 200]


@pytest.mark.parametrize("allowed", [["json"], ["json", "xml"]])
def test_formats_that_are_listed_are_protected_too(allowed: list[str]) -> None:
    view = Payments.as_view({"get": "list"})
    for one in (path("payments/", view), re_path(r"^payments/$", view)):
        urls = format_suffix_patterns([one, path("other/", view)], allowed=allowed)
        with given(*urls, PROTECT={"/payments/": staff}):
            assert codes("/payments/", "/payments.json", "/other.json", headers=GOOD) == [403, 403, 200]


def test_another_view_that_looks_like_another_format_is_another() -> None:
    """Its name alone does not make it one: an opened view opens no other."""
    format_suffix_patterns([path("x/", page)])  # which registers the converter
    for other in (path("x<drf_format_suffix:format>", secret), re_path(r"^x\.(?P<format>[a-z0-9]+)/?$", secret)):
        with given(path("x/", page), other, OPEN={"/x/": PUBLIC}):
            assert codes("/x/", "/x.json") == [200, 401]

"""A URLconf that middleware sets: one path, that leads elsewhere than in the others."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.django.test_changed import told
from zerotrust.django import access


def other(request: HttpRequest, name: str) -> HttpResponse:
    asked = access(request).request
    return HttpResponse("" if asked is None else f"other {asked.path}")


urlpatterns = [path("told/", other, {"name": "told"}), path("<str:name>/", told)]

"""Views that tell what the guard was asked about."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from zerotrust.django import access


def session(request: HttpRequest) -> HttpResponse:
    asked = access(request).request
    return HttpResponse(type(None if asked is None else asked.session).__name__)


def path_of(request: HttpRequest, **_: Any) -> HttpResponse:
    asked = access(request).request
    return HttpResponse("" if asked is None else asked.path)


urlpatterns = [path("session/", session), path("path/<str:name>/", path_of)]

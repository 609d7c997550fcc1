"""A few views that require nothing themselves."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.django.urls import broken, plain


def replying(request: HttpRequest) -> HttpResponse:
    answer = HttpResponse("with a header of its own", headers={"X-Next": "8"})
    answer.set_cookie("kept", "2")
    return answer


urlpatterns = [path("plain/", plain), path("broken/", broken), path("replying/", replying)]

"""Views of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_POST

from tests.django.world import can_pay, can_read, staff, token
from zerotrust.django import Require, access, require
from zerotrust.web.ambient import current_access

seen: list[str] = []


def plain(request: HttpRequest, **_: Any) -> HttpResponse:
    seen.append(request.path)
    return HttpResponse("plain")


@require(can_pay)
def pay(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"who": access(request)[token].subject, "same": current_access() is access(request)})


@require(can_pay)
async def pay_async(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"who": access(request)[token].subject, "same": current_access() is access(request)})


def hiding(view: Callable[..., Any]) -> Callable[..., Any]:
    def inner(request: HttpRequest, **kwargs: Any) -> Any:
        return view(request, **kwargs)

    return inner


def hiding_async(view: Callable[..., Any]) -> Callable[..., Any]:
    async def inner(request: HttpRequest) -> Any:
        return await view(request)

    return inner


class Refund(Require, View):
    policy = can_pay

    def post(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"who": access(request)[token].subject})


class AsyncRefund(Require, View):
    policy = can_pay

    async def post(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"who": access(request)[token].subject})


class ByMethod(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")

    @require(can_pay)
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("paid")

    @method_decorator(require(staff))
    def delete(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("deleted")


@method_decorator(require(can_read), name="dispatch")
class Dispatched(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")


@method_decorator(require(can_read), name="dispatch")
class DispatchedAsync(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")


def denying(request: HttpRequest) -> HttpResponse:
    access(request).check(can_pay, hidden="hidden" in request.GET)
    return HttpResponse("allowed")


async def denying_group(request: HttpRequest) -> HttpResponse:
    try:
        await access(request).check_async(can_pay)
    except Exception as error:
        raise ExceptionGroup("tasks", [error]) from None
    return HttpResponse("allowed")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the application is broken")


def streaming(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        for _ in range(2):
            known = current_access()
            yield b"none" if known is None else known[token].subject.encode()

    return StreamingHttpResponse(parts())


async def streaming_async(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(2):
            known = current_access()
            yield b"none" if known is None else known[token].subject.encode()

    return StreamingHttpResponse(parts())


def user(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(getattr(request, "user", "nobody")))


async def user_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(await request.auser()))


def body(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


urlpatterns = [
    path("plain/", plain),
    path("health/", plain),
    path("items/<int:pk>/", plain),
    path("pay/", pay),
    path("pay-async/", pay_async),
    path("hidden/", hiding(pay)),
    path("hidden-async/", hiding_async(pay_async)),
    path("hidden-class/", hiding(Refund.as_view())),
    path("refund/", Refund.as_view()),
    path("refund-async/", AsyncRefund.as_view()),
    path("refund-staff/", Refund.as_view(policy=staff)),
    path("methods/", ByMethod.as_view()),
    path("dispatched/", Dispatched.as_view()),
    path("dispatched-async/", DispatchedAsync.as_view()),
    path("post-only/", require(can_pay)(require_POST(plain))),
    path("denying/", denying),
    path("denying-group/", denying_group),
    path("broken/", broken),
    path("streaming/", streaming),
    path("streaming-async/", streaming_async),
    path("user/", user),
    path("user-async/", user_async),
    path("body/", body),
    path("admin/", admin.site.urls),
    path("shop/", include([path("", plain), path("cart/", plain), path("cart/lines/", plain)])),
    re_path(r"^files/(?P<path>.*)$", serve),
    re_path(r"^old/(?P<year>[0-9]{4})/$", plain),
]

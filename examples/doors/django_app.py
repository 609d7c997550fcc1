"""The ledger with Django: settings, URLs and views in one file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views import View
from django.views.decorators.http import require_POST, require_safe
from django.views.static import serve

from examples.doors.ledger import TERMS, Ledger, Refused
from examples.doors.policies import (
    OPEN,
    can_pay,
    can_pay_out,
    can_read,
    can_refund,
    may_see,
    may_settle,
    payout_token,
    signed_in,
    staff,
    token,
)
from examples.doors.setting import Setting
from zerotrust.django import access, require

ledger = Ledger()  # `configure` has the books


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


@require_safe
def me(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"subject": access(request)[token].subject})


class Payments(View):
    @require(can_read)
    def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse(ledger.of(access(request)[token].subject), safe=False)

    @require(can_pay)
    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            return JsonResponse(ledger.pay(request.body, access(request)[token].subject))
        except Refused as refused:
            return JsonResponse({"error": str(refused)}, status=400)


@require(can_read)
@require_safe
def payment(request: HttpRequest, reference: str) -> HttpResponse:
    return found(ledger.payment(reference))


@require(can_refund)
@require_POST
def refund(request: HttpRequest, reference: str) -> HttpResponse:
    return found(ledger.refund(reference, access(request)[token].subject))


@require_safe
def invoice(request: HttpRequest, reference: str) -> HttpResponse:
    access(request).check(may_see, resource=ledger.invoices.get(reference), hidden=True)
    return JsonResponse(vars(ledger.invoices[reference]))


@require_POST
def settle(request: HttpRequest, reference: str) -> HttpResponse:
    access(request).check(may_settle, resource=ledger.invoices.get(reference))
    return JsonResponse(ledger.settle(ledger.invoices[reference], access(request)[token].subject))


@require(can_pay_out)
@require_POST
def pay_out(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"paid out to": access(request)[payout_token].subject})


@require(can_read)
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    lines: Any = ledger.export(access(request)[token].subject)
    if isinstance(request, ASGIRequest):
        lines = awaited(lines)
    return StreamingHttpResponse(lines, content_type="text/csv")


async def awaited(lines: Any) -> Any:
    for line in lines:
        yield line


@require(can_read)
@require_safe
async def feed(request: HttpRequest) -> HttpResponseBase:
    return StreamingHttpResponse(ledger.feed(access(request)[token].subject), content_type="text/event-stream")


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"payments": len(ledger.payments)})


@require_safe
def users(request: HttpRequest) -> HttpResponse:
    return JsonResponse(sorted({payment.by for payment in ledger.payments.values()}), safe=False)


def found(entry: dict[str, Any] | None) -> HttpResponse:
    if entry is None:
        raise Http404
    return JsonResponse(entry)


@require_safe
def ok(request: HttpRequest) -> HttpResponse:
    return JsonResponse(ledger.page(request.path), safe=False)


urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health),
    path("me", me),
    path("payments", Payments.as_view()),
    path("payments/<str:reference>", payment),
    path("payments/<str:reference>/refund", refund),
    path("invoices/<str:reference>", invoice),
    path("invoices/<str:reference>/settle", settle),
    path("payouts", pay_out),
    path("export", export),
    path("admin/", include([path("", overview), path("users", users)])),
    re_path(r"^static/(?P<path>.*)$", serve, {"document_root": TERMS.parent}),
]


def configure(setting: Setting, *, urls: str = __name__, **more: Any) -> None:
    """Configure Django for this process, once."""
    global ledger  # noqa: PLW0603 - Django's views are functions of a module, and so is what they share
    ledger = setting.ledger
    urlpatterns[:] = [*urlpatterns, *(path(at[1:], require(policy)(ok)) for at, policy in setting.pages.items())]
    settings.configure(
        ROOT_URLCONF=urls,
        ALLOWED_HOSTS=["localhost", "127.0.0.1", "ledger.example"],
        SECRET_KEY="nothing here is signed with it",
        MIDDLEWARE=["zerotrust.django.Guard", "django.middleware.common.CommonMiddleware"],
        LOGGING_CONFIG=None,
        ZEROTRUST={
            "DEFAULT": signed_in,
            "OPEN": {"/health": OPEN["/health"], "/static/<path>": OPEN["/static"]},
            "PROTECT": {"/admin/": staff},
            "SOURCES": setting.sources,
            "CLOCK": setting.clock,
            "RECORDER": setting.recorder,
        },
        **{"INSTALLED_APPS": ["zerotrust.django"], **more},
    )
    django.setup()


def create_app(setting: Setting) -> Callable[..., Any]:
    """For WSGI servers."""
    from django.core.wsgi import get_wsgi_application

    configure(setting)
    return get_wsgi_application()


def create_asgi_app(setting: Setting) -> Callable[..., Awaitable[None]]:
    """For ASGI servers, which can send a stream that does not end."""
    from django.core.asgi import get_asgi_application

    urlpatterns.append(path("feed", feed))
    configure(setting)
    return get_asgi_application()

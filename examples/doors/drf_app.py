"""The ledger with Django REST framework; settings, and what is no part of the API, are those of `django_app`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, URLResolver, path

from examples.doors import django_app
from examples.doors.ledger import Refused
from examples.doors.policies import (
    can_pay,
    can_pay_out,
    can_read,
    can_refund,
    may_see,
    may_settle,
    payout_token,
    token,
)
from examples.doors.setting import Setting

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["zerotrust.django.rest.AccessAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}

urlpatterns: list[URLPattern | URLResolver] = []  # `create_app` adds them: the views need the settings


def create_app(setting: Setting) -> Callable[..., Any]:
    """For WSGI servers."""
    from django.core.wsgi import get_wsgi_application

    apps = ["zerotrust.django", "django.contrib.contenttypes", "django.contrib.auth", "rest_framework"]
    django_app.configure(setting, urls=__name__, INSTALLED_APPS=apps, REST_FRAMEWORK=REST_FRAMEWORK)
    urlpatterns[:] = [*views(setting), *django_app.urlpatterns]
    return get_wsgi_application()


def views(setting: Setting) -> list[URLPattern]:
    from rest_framework.exceptions import NotFound, ParseError
    from rest_framework.request import Request
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from zerotrust.django import access, require
    from zerotrust.django.rest import Requires

    ledger = setting.ledger

    def found(entry: dict[str, Any] | None) -> Response:
        if entry is None:
            raise NotFound
        return Response(entry)

    class Me(APIView):
        def get(self, request: Request) -> Response:
            return Response({"subject": access(request)[token].subject})

    class Payments(APIView):
        @require(can_read)
        def get(self, request: Request) -> Response:
            return Response(ledger.of(access(request)[token].subject))

        @require(can_pay)
        def post(self, request: Request) -> Response:
            try:
                return Response(ledger.pay(request.data, access(request)[token].subject))
            except Refused as refused:
                raise ParseError(str(refused)) from None

    class Payment(APIView):
        permission_classes = (Requires(can_read),)

        def get(self, request: Request, reference: str) -> Response:
            return found(ledger.payment(reference))

    class Refund(APIView):
        permission_classes = (Requires(can_refund),)

        def post(self, request: Request, reference: str) -> Response:
            return found(ledger.refund(reference, access(request)[token].subject))

    class Invoice(APIView):
        def get(self, request: Request, reference: str) -> Response:
            access(request).check(may_see, resource=ledger.invoices.get(reference), hidden=True)
            return Response(vars(ledger.invoices[reference]))

    class Settle(APIView):
        def post(self, request: Request, reference: str) -> Response:
            access(request).check(may_settle, resource=ledger.invoices.get(reference))
            return Response(ledger.settle(ledger.invoices[reference], access(request)[token].subject))

    class Payout(APIView):
        permission_classes = (Requires(can_pay_out),)

        def post(self, request: Request) -> Response:
            return Response({"paid out to": access(request)[payout_token].subject})

    return [
        path("me", Me.as_view()),
        path("payments", Payments.as_view()),
        path("payments/<str:reference>", Payment.as_view()),
        path("payments/<str:reference>/refund", Refund.as_view()),
        path("invoices/<str:reference>", Invoice.as_view()),
        path("invoices/<str:reference>/settle", Settle.as_view()),
        path("payouts", Payout.as_view()),
    ]

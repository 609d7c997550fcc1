# pyright: strict
"""What a type checker knows of a guarded view of Django REST framework. Read by mypy and pyright; never run."""

from typing import assert_type

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from zerotrust import Bearer, Issuer, TokenEvidence, minutes
from zerotrust.django import Access, Require, access, require
from zerotrust.django.rest import Requires

token = Bearer(Issuer("https://login.example.com"), audience="payments")
can_pay = token.scope("pay") & token.fresh(within=minutes(5))

assert_type(Requires(can_pay), type[BasePermission])


class Payments(APIView):
    permission_classes = (Requires(token.valid),)

    def get(self, request: Request) -> Response:
        assert_type(access(request), Access)
        assert_type(access(request)[token], TokenEvidence)
        assert_type(access(request)[token].subject, str)
        return Response()

    @require(can_pay)
    def post(self, request: Request, amount: int) -> Response:
        return Response(amount)


class Refunds(Require, APIView):
    policy = can_pay


def call_by_hand(view: Payments, request: Request) -> None:
    # The decorator leaves the method as it was.
    assert_type(view.post(request, 5), Response)
    view.post(request, "five")  # type: ignore[arg-type]


def mistakes(request: Request) -> None:
    Requires(token)  # type: ignore[arg-type]
    print(access(request)[token].no_such_claim)  # type: ignore[attr-defined]

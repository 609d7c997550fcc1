# pyright: strict
"""What a type checker knows of a guarded view of Django. Read by mypy and pyright; never run."""

from typing import assert_type

from django.http import HttpRequest, HttpResponse
from django.views import View

from zerotrust import Allow, Bearer, Issuer, TokenEvidence, minutes
from zerotrust.django import Access, Require, access, report, require
from zerotrust.web.report import Report

token = Bearer(Issuer("https://login.example.com"), audience="payments")
can_pay = token.scope("pay") & token.fresh(within=minutes(5))


@require(can_pay)
def pay(request: HttpRequest, amount: int) -> HttpResponse:
    assert_type(access(request), Access)
    assert_type(access(request)[token], TokenEvidence)
    assert_type(access(request)[token].subject, str)
    assert_type(access(request).get(token), TokenEvidence | None)
    assert_type(access(request).decision, Allow)
    return HttpResponse(access(request)[token].subject)


@require(can_pay)
async def pay_async(request: HttpRequest, amount: int) -> HttpResponse:
    return HttpResponse(access(request)[token].subject)


class Refund(Require, View):
    policy = can_pay

    @require(token.scope("refund"))
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return HttpResponse(access(request)[token].subject)


def called(request: HttpRequest, view: Refund) -> None:
    # The decorator leaves the view as it was.
    assert_type(pay(request, 5), HttpResponse)
    assert_type(pay(request, amount=5), HttpResponse)
    assert_type(view.post(request, 5), HttpResponse)
    pay(request, "five")  # type: ignore[arg-type]


async def awaited(request: HttpRequest) -> None:
    assert_type(await pay_async(request, 5), HttpResponse)


assert_type(report(), Report)


def mistakes(request: HttpRequest) -> None:
    require(token)  # type: ignore[arg-type]
    access(request)["token"]  # type: ignore[index]
    print(access(request)[token].no_such_claim)  # type: ignore[attr-defined]

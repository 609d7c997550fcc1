"""Views whose policies look at bodies and sessions."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.django.world import ISSUER, token
from zerotrust import Session, Sources, minutes
from zerotrust.django import access, require
from zerotrust.driver import run
from zerotrust.factors.account import Account
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.sessions.framework import FrameworkSession
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.approval import Approval
from zerotrust.verifiers.passkey import Passkey

ORIGIN = "https://shop.example.com"
ALICE = Account(ISSUER.url, "alice")

of_token = Session(of=token)
passkey = Passkey(RelyingParty("example.com", name="Example", origins=[ORIGIN]), of=of_token, secret=bytes(range(32)))
approval = Approval(passkey, fields=("amount",), within=minutes(5))
session = Session(source="shop", cookie=FrameworkSession(rotate=lambda framework: framework.cycle_key()))
store = MemoryStore(keys=StoreKeys(encrypt=[bytes(range(32))]))
sources = Sources(store)


@require(token.valid & approval.given)
def pay(request: HttpRequest) -> HttpResponse:
    return HttpResponse(access(request)[approval].by.encode() + b" " + request.body)


@require(token.valid & approval.given)
async def pay_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(access(request)[approval].by.encode() + b" " + request.body)


def login(request: HttpRequest) -> HttpResponse:
    asked = access(request).request
    assert asked is not None
    run(session.beginning(Account("shop", "ada"), asked), sources)
    return HttpResponse("in")


def me(request: HttpRequest) -> HttpResponse:
    return HttpResponse(access(request)[session].subject)


urlpatterns = [path("pay/", pay), path("pay-async/", pay_async), path("login/", login), path("me/", me)]

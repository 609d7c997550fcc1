"""A shop where looking is free and paying takes a second factor. Every route is closed unless a policy opens it."""
# No `from __future__ import annotations`: FastAPI reads the annotations of the handlers, which use the guard.

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from examples.mfa_app import pages
from examples.mfa_app.people import People
from examples.mfa_app.policies import Policies
from zerotrust import Account, Sources
from zerotrust.factors.proof import Proof
from zerotrust.fastapi import Access, Guard, safe_next, sign_in

SCRIPT = Path(__file__).parent / "static" / "shop.js"
MOST_FORM = 4096  # bytes


class Order(BaseModel):
    to: str = Field(max_length=64)
    cents: int = Field(gt=0)


class Receipt(Order):
    number: int


async def read_form(request: Request) -> dict[str, list[str]] | Response:
    """The fields of a form, or the refusal of what is none or too long."""
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return Response(status_code=400)
    if len(length) > 9 or int(length) > MOST_FORM:
        return Response(status_code=413)
    return parse_qs((await request.body()).decode("utf-8", "replace"))


def create_app(
    policies: Policies,
    people: People,
    sources: Sources,
    *,
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """The application: `sources` has a store with keys, which keeps sessions and factors."""
    app = FastAPI(title="Corner Shop", docs_url=None, redoc_url=None, openapi_url=None)
    guard = Guard(app, default=policies.signed_in, sources=sources, ceremonies=policies.ceremonies, clock=clock)
    guard.open("/login", because="it is where people sign in")
    guard.open("/static/shop.js", because="it is the same for everybody")
    session = policies.session
    ledger: list[tuple[str, Receipt]] = []

    @app.get("/static/shop.js")
    async def script() -> FileResponse:
        return FileResponse(SCRIPT, media_type="text/javascript")

    @app.get("/login")
    async def login_page(request: Request) -> Response:
        going = safe_next(request.query_params.get("next"))
        return HTMLResponse(pages.login(going), headers=pages.HEADERS)

    @app.post("/login")
    async def login(request: Request) -> Response:
        form = await read_form(request)
        if isinstance(form, Response):
            return form
        name, password = form.get("name", [""])[0], form.get("password", [""])[0]
        going = safe_next(form.get("next", [""])[0])
        if not people.know(name, password):
            return HTMLResponse(pages.login(going, wrong=True), 401, headers=pages.HEADERS)
        response = RedirectResponse(going, 303)
        proofs = [Proof("password", clock(), "password")]
        # Refuses a form that another site has sent, and ends the session that this browser had.
        await sign_in(request, response, session, Account("shop", name), sources=sources, proofs=proofs, clock=clock)
        return response

    @app.get("/")
    async def home(access: Annotated[Access, guard.require(policies.signed_in)]) -> HTMLResponse:
        return HTMLResponse(pages.home(access[session].subject), headers=pages.HEADERS)

    @app.get("/statement")
    async def statement(access: Annotated[Access, guard.require(policies.can_pay)]) -> HTMLResponse:
        me = access[session].subject
        mine = [f"{one.number}: {one.cents / 100:.2f} to {one.to}" for who, one in ledger if who == me]
        return HTMLResponse(pages.statement(me, mine), headers=pages.HEADERS)

    def book(who: str, order: Order) -> Receipt:
        receipt = Receipt(number=len(ledger) + 1, to=order.to, cents=order.cents)
        ledger.append((who, receipt))
        return receipt

    @app.post("/payments")
    async def pay(order: Order, access: Annotated[Access, guard.require(policies.can_pay)]) -> Receipt:
        return book(access[session].subject, order)

    @app.post("/transfers")
    async def transfer(order: Order, access: Annotated[Access, guard.require(policies.can_transfer)]) -> Receipt:
        return book(access[session].subject, order)

    return app

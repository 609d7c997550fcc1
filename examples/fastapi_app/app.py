"""A small payments service. Every route is closed unless a policy opens it.

Run it with `uvicorn --factory --no-proxy-headers examples.fastapi_app.app:create_app`.
"""
# No `from __future__ import annotations`: FastAPI reads the annotations of the handlers, which use the guard.

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException

from examples.fastapi_app.policies import Order, Payment, can_pay, can_read, can_refund, may_see, token
from zerotrust import Sources
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.http import AsyncHttpFetcher


def create_app(sources: Sources | None = None, clock: Callable[[], float] = time.time) -> FastAPI:
    """The application. Tests pass their own sources and clock."""
    fetcher = AsyncHttpFetcher()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with fetcher:
            yield

    app = FastAPI(title="Payments", lifespan=lifespan)
    guard = Guard(app, default=token.valid, sources=sources or Sources(fetcher), clock=clock)
    guard.open("/healthz", because="the load balancer asks without credentials")
    ledger: dict[int, Payment] = {}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/payments")
    async def payments(access: Annotated[Access, guard.require(can_read)]) -> list[Payment]:
        me = access[token].subject  # evidence, with its type; it is there because the policy asked for it
        return [payment for payment in ledger.values() if payment.by == me]

    @app.post("/payments")
    async def pay(order: Order, access: Annotated[Access, guard.require(can_pay)]) -> Payment:
        number = len(ledger) + 1
        ledger[number] = Payment(id=number, by=access[token].subject, to=order.to, cents=order.cents)
        return ledger[number]

    @app.get("/payments/{number}")
    def payment(number: int, access: Annotated[Access, guard.require(can_read)]) -> Payment:
        found = ledger.get(number)
        access.check(may_see, resource=found, hidden=True)  # somebody else's is not there, as one that is not
        return ledger[number]

    @app.post("/payments/{number}/refund")
    async def refund(number: int, access: Annotated[Access, guard.require(can_refund)]) -> Payment:
        if number not in ledger:
            raise HTTPException(404)
        ledger[number].refunded_by = access[token].subject
        return ledger[number]

    @app.get("/me")
    async def me() -> dict[str, str]:
        return {"hello": "whoever you are"}  # no policy of its own: the default asks for a good token

    return app

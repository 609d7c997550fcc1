"""The ledger with FastAPI."""
# No `from __future__ import annotations`: FastAPI reads the annotations of the handlers, which use the guard.

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.staticfiles import StaticFiles

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
from zerotrust.fastapi import Access, Guard


def create_app(setting: Setting) -> FastAPI:  # noqa: C901 - a few lines for each page
    app, ledger = FastAPI(title="Ledger", docs_url=None, redoc_url=None, openapi_url=None), setting.ledger
    guard = Guard(app, default=signed_in, sources=setting.sources, recorder=setting.recorder, clock=setting.clock)
    SignedIn = Annotated[Access, guard.require(signed_in)]
    Reading = Annotated[Access, guard.require(can_read)]
    Refunding = Annotated[Access, guard.require(can_refund)]

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/me")
    async def me(access: SignedIn) -> dict[str, str]:
        return {"subject": access[token].subject}

    @app.get("/payments")
    async def payments(access: Reading) -> list[dict[str, Any]]:
        return ledger.of(access[token].subject)

    @app.post("/payments")
    async def pay(order: dict[str, Any], access: Annotated[Access, guard.require(can_pay)]) -> dict[str, Any]:
        try:
            return ledger.pay(order, access[token].subject)
        except Refused as refused:
            raise HTTPException(400, str(refused)) from None

    @app.get("/payments/{reference}", dependencies=[guard.require(can_read)])
    async def payment(reference: str) -> dict[str, Any]:
        return found(ledger.payment(reference))

    @app.post("/payments/{reference}/refund")
    async def refund(reference: str, access: Refunding) -> dict[str, Any]:
        return found(ledger.refund(reference, access[token].subject))

    @app.get("/invoices/{reference}")
    def invoice(reference: str, access: SignedIn) -> dict[str, Any]:
        access.check(may_see, resource=ledger.invoices.get(reference), hidden=True)
        return vars(ledger.invoices[reference])

    @app.post("/invoices/{reference}/settle")
    def settle(reference: str, access: SignedIn) -> dict[str, Any]:
        access.check(may_settle, resource=ledger.invoices.get(reference))
        return ledger.settle(ledger.invoices[reference], access[token].subject)

    @app.post("/payouts")
    async def pay_out(access: Annotated[Access, guard.require(can_pay_out)]) -> dict[str, str]:
        return {"paid out to": access[payout_token].subject}

    @app.get("/export")
    def export(access: Reading) -> StreamingResponse:
        lines: Iterator[bytes] = ledger.export(access[token].subject)
        return StreamingResponse(lines, media_type="text/csv")

    @app.get("/feed")
    async def feed(access: Reading) -> StreamingResponse:
        return StreamingResponse(ledger.feed(access[token].subject), media_type="text/event-stream")

    @app.websocket("/rates")
    async def rates(socket: WebSocket, access: Reading) -> None:
        await socket.accept()
        await socket.send_json({"for": access[token].subject, "EUR": 100})
        await socket.close()

    admin = APIRouter(prefix="/admin", dependencies=[guard.require(staff)])

    @admin.get("/")
    async def overview() -> dict[str, int]:
        return {"payments": len(ledger.payments)}

    @admin.get("/users")
    async def users() -> list[str]:
        return sorted({payment.by for payment in ledger.payments.values()})

    app.include_router(admin)
    app.mount("/static", StaticFiles(directory=TERMS.parent))
    guard.open("/health", because=OPEN["/health"])
    guard.open("/static/*", because=OPEN["/static"])
    for path, policy in setting.pages.items():
        app.add_api_route(path, page(ledger, path), dependencies=[guard.require(policy)])
    return app


def found(entry: dict[str, Any] | None) -> dict[str, Any]:
    if entry is None:
        raise HTTPException(404)
    return entry


def page(ledger: Ledger, path: str) -> Callable[[], str]:
    def ok() -> str:
        return ledger.page(path)

    return ok

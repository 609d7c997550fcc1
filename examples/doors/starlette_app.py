"""The ledger with Starlette."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from examples.doors.ledger import TERMS, Refused
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
from zerotrust.starlette import Guard


def create_app(setting: Setting) -> Starlette:  # noqa: C901 - a few lines for each page
    app, ledger = Starlette(), setting.ledger
    guard = Guard(app, default=signed_in, sources=setting.sources, recorder=setting.recorder, clock=setting.clock)

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def me(request: Request) -> Response:
        return JSONResponse({"subject": guard.access[token].subject})

    @guard.require(can_read)
    async def payments(request: Request) -> Response:
        return JSONResponse(ledger.of(guard.access[token].subject))

    @guard.require(can_pay)
    async def pay(request: Request) -> Response:
        try:
            return JSONResponse(ledger.pay(await request.body(), guard.access[token].subject))
        except Refused as refused:
            raise HTTPException(400, str(refused)) from None

    @guard.require(can_read)
    async def payment(request: Request) -> Response:
        return found(ledger.payment(request.path_params["reference"]))

    @guard.require(can_refund)
    async def refund(request: Request) -> Response:
        return found(ledger.refund(request.path_params["reference"], guard.access[token].subject))

    def invoice(request: Request) -> Response:
        reference = request.path_params["reference"]
        guard.access.check(may_see, resource=ledger.invoices.get(reference), hidden=True)
        return JSONResponse(vars(ledger.invoices[reference]))

    def settle(request: Request) -> Response:
        reference = request.path_params["reference"]
        guard.access.check(may_settle, resource=ledger.invoices.get(reference))
        return JSONResponse(ledger.settle(ledger.invoices[reference], guard.access[token].subject))

    @guard.require(can_pay_out)
    async def pay_out(request: Request) -> Response:
        return JSONResponse({"paid out to": guard.access[payout_token].subject})

    @guard.require(can_read)
    def export(request: Request) -> Response:
        return StreamingResponse(ledger.export(guard.access[token].subject), media_type="text/csv")

    @guard.require(can_read)
    async def feed(request: Request) -> Response:
        return StreamingResponse(ledger.feed(guard.access[token].subject), media_type="text/event-stream")

    @guard.require(can_read)
    async def rates(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json({"for": guard.access[token].subject, "EUR": 100})
        await socket.close()

    async def overview(request: Request) -> Response:
        return JSONResponse({"payments": len(ledger.payments)})

    async def users(request: Request) -> Response:
        return JSONResponse(sorted({payment.by for payment in ledger.payments.values()}))

    async def page(request: Request) -> Response:
        return JSONResponse(ledger.page(request.url.path))

    app.router.routes += [
        Route("/health", health),
        Route("/me", me),
        Route("/payments", payments, methods=["GET"]),
        Route("/payments", pay, methods=["POST"]),
        Route("/payments/{reference}", payment),
        Route("/payments/{reference}/refund", refund, methods=["POST"]),
        Route("/invoices/{reference}", invoice),
        Route("/invoices/{reference}/settle", settle, methods=["POST"]),
        Route("/payouts", pay_out, methods=["POST"]),
        Route("/export", export),
        Route("/feed", feed),
        WebSocketRoute("/rates", rates),
        Mount("/admin", routes=[Route("/", overview), Route("/users", users)]),
        Mount("/static", StaticFiles(directory=TERMS.parent)),
        *(Route(path, guard.require(policy)(page)) for path, policy in setting.pages.items()),
    ]
    guard.protect("/admin/*", staff)
    guard.open("/health", because=OPEN["/health"])
    guard.open("/static/*", because=OPEN["/static"])
    return app


def found(entry: dict[str, Any] | None) -> Response:
    if entry is None:
        raise HTTPException(404)
    return JSONResponse(entry)

# pyright: strict
"""What a type checker knows of a guarded Starlette endpoint. Read by mypy and pyright; never run."""

from collections.abc import Callable, Coroutine
from typing import Any, assert_type

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.websockets import WebSocket

from zerotrust import Allow, Bearer, Issuer, TokenEvidence, minutes
from zerotrust.starlette import Access, Guard
from zerotrust.web.report import Report

token = Bearer(Issuer("https://login.example.com"), audience="payments")
can_pay = token.scope("pay") & token.fresh(within=minutes(5))

app = Starlette()
guard = Guard(app, default=token.valid)


@guard.require(can_pay)
async def pay(request: Request) -> JSONResponse:
    assert_type(guard.access, Access)
    assert_type(guard.access[token], TokenEvidence)
    assert_type(guard.access[token].subject, str)
    assert_type(guard.access.decision, Allow)
    return JSONResponse({"who": guard.access[token].subject})


@guard.require(can_pay)
def read(request: Request) -> PlainTextResponse:
    return PlainTextResponse("read")


@guard.require(can_pay)
async def rates(socket: WebSocket) -> None:
    await socket.close()


@guard.require(can_pay)
def settle(order: str, *, cents: int = 0) -> int:
    return len(order) + cents


class Payments(HTTPEndpoint):
    @guard.require(can_pay)
    async def post(self, request: Request) -> Response:
        return PlainTextResponse("paid")


async def call_by_hand(request: Request, socket: WebSocket) -> None:
    # The decorator leaves the function as it was.
    assert_type(await pay(request), JSONResponse)
    assert_type(read(request), PlainTextResponse)
    assert_type(settle("o-1", cents=5), int)
    await rates(socket)
    await rates(request)  # type: ignore[arg-type]
    settle("o-1", euros=5)  # type: ignore[call-arg]
    endpoint: Callable[[Request], Coroutine[Any, Any, JSONResponse]] = pay
    print(endpoint)


assert_type(guard.report(), Report)


def mistakes() -> None:
    guard.require(token)  # type: ignore[arg-type]
    guard.open("/docs")  # type: ignore[call-arg]
    Guard(app)  # type: ignore[call-arg]
    print(guard.access[token].no_such_claim)  # type: ignore[attr-defined]

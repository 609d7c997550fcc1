"""An application that says what it got of bodies, and a policy that reads them."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.bodies import Reader, says
from tests.fastapi.world import clock, token
from zerotrust.core.policy import Policy
from zerotrust.fastapi import Guard

reader = Reader(token)
says_yes = says(b"yes", reader)


async def echo(request: Request) -> JSONResponse:
    parts = [part.decode() async for part in request.stream()]
    return JSONResponse({"parts": parts})


def app_with(policy: Policy) -> FastAPI:
    app = FastAPI(routes=[Route("/echo", echo, methods=["GET", "POST"])])
    guard = Guard(app, default=token.valid, clock=clock)
    guard.protect("/echo", policy)
    return app

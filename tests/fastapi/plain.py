"""An application of plain routes behind a guard, and what three callers are answered: none, somebody, a reader."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fastapi.world import GOOD, READER, Sent, call, can_read, clock, http_scope, raw
from zerotrust.fastapi import Guard

SECRET = b"secret"


async def secret(request: Request) -> PlainTextResponse:
    return PlainTextResponse(SECRET)


async def everything(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(SECRET)(scope, receive, send)


def guarded(**options: Any) -> tuple[FastAPI, Guard]:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    return app, Guard(app, default=options.pop("default", can_read), clock=clock, **options)


def get(app: ASGIApp, path: str, shown: dict[str, str] | None = None, host: str = "api.example") -> Sent:
    scope = http_scope(path, headers=raw(shown or {}))
    scope["headers"][0] = (b"host", host.encode())
    return call(app, scope)


def statuses(app: ASGIApp, path: str, host: str = "api.example") -> tuple[int, int, int]:
    """What nobody, somebody and somebody who may read are answered at `path`."""
    a, b, c = (get(app, path, shown, host).status for shown in ({}, GOOD, READER))
    return a, b, c


DECIDED = (401, 403, 200)

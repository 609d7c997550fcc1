"""CWE-696: authorisation comes before parsing. A stranger's body is not read, not parsed, and not argued about."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
from typing import Annotated

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI
from pydantic import BaseModel, field_validator

from tests.fastapi.world import GOOD, READER, call, can_read, clock, http_scope, raw, token
from zerotrust.fastapi import Access, Guard

TOUCHED: list[str] = []


class Order(BaseModel):
    amount: int

    @field_validator("amount")
    @classmethod
    def check(cls, value: int) -> int:
        TOUCHED.append("validated")
        return value


async def other_dependency() -> None:
    TOUCHED.append("dependency")


def build() -> FastAPI:
    app = FastAPI(dependencies=[Depends(other_dependency)])
    guard = Guard(app, default=token.valid, clock=clock)
    reading = guard.require(can_read)

    @app.post("/json")
    async def json_body(order: Order, access: Annotated[Access, reading]) -> None: ...

    @app.post("/bytes", dependencies=[reading])
    async def raw_body(content: Annotated[bytes, Body(media_type="application/octet-stream")]) -> None: ...

    @app.post("/query/{number}")
    async def query(number: int, limit: int, access: Annotated[Access, reading]) -> None: ...

    @app.post("/default")
    async def default(order: Order) -> None: ...

    router = APIRouter(dependencies=[reading])

    @router.post("/in")
    async def included(order: Order) -> None: ...

    app.include_router(router, prefix="/router")
    sub = FastAPI()

    @sub.post("/json", dependencies=[reading])
    async def mounted(order: Order) -> None: ...

    app.mount("/sub", sub)
    return app


APP = build()
JSON = (b"content-type", b"application/json")
BYTES = (b"content-type", b"application/octet-stream")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/json", JSON),
        ("/bytes", BYTES),
        ("/query/word", JSON),
        ("/default", JSON),
        ("/router/in", JSON),
        ("/sub/json", JSON),
        ("/nowhere", JSON),
    ],
)
@pytest.mark.parametrize("body", [b"{", b'{"amount": 1}', b"\xff" * 1000, b""])
def test_a_strangers_body_is_not_touched(path: str, kind: tuple[bytes, bytes], body: bytes) -> None:
    TOUCHED.clear()
    length = (b"content-length", str(len(body)).encode())
    sent = call(APP, http_scope(path, "POST", [kind, length]), body)
    assert (sent.status, sent.reads, TOUCHED) == (401, 0, [])
    if path not in {"/default", "/nowhere"}:
        sent = call(APP, http_scope(path, "POST", [kind, length, *raw(GOOD)]), body)
        assert (sent.status, sent.reads, TOUCHED) == (403, 0, [])


def test_who_may_has_it_validated() -> None:
    TOUCHED.clear()
    sent = call(APP, http_scope("/json", "POST", [JSON, *raw(READER)]), b'{"amount": 1}')
    assert (sent.status, sent.reads) == (200, 1)
    assert TOUCHED == ["dependency", "validated"]
    assert call(APP, http_scope("/json", "POST", [JSON, *raw(READER)]), b"{").status == 422

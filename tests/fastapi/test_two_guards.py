"""Guards of mounted applications: a refusal in a handler is answered by the guard whose decision it was."""

# No `from __future__ import annotations`: FastAPI reads the annotations of the handlers, which use the guard.

from typing import Annotated

import pytest
from fastapi import FastAPI

from tests.fastapi.world import GOOD, call, clock, http_scope, raw, token
from zerotrust.fastapi import Access, Guard


@pytest.mark.parametrize("before", [None, "one", "two"])
def test_the_guard_that_decided_answers(before: str | None) -> None:
    outer, app = FastAPI(), FastAPI()
    one = Guard(outer, default=token.valid, clock=clock, realm="one")
    two = Guard(app, default=token.valid, clock=clock, realm="two")
    outer.mount("/in", app)

    @app.get("/one")
    async def of_one(access: Annotated[Access, one.require(token.valid)]) -> None:
        access.check(token.scope("pay"))

    @app.get("/two")
    async def of_two(access: Annotated[Access, two.require(token.valid)]) -> None:
        access.check(token.scope("pay"))

    if before is not None:  # whoever was asked first
        assert asked(outer, before) == before
    assert [asked(outer, "one"), asked(outer, "two")] == ["one", "two"]


def asked(app: FastAPI, name: str) -> str:
    """The realm of the challenge that a caller gets at this path."""
    sent = call(app, http_scope(f"/in/{name}", headers=raw(GOOD)))
    assert sent.status == 403
    return sent.headers[b"www-authenticate"].decode().partition('realm="')[2].partition('"')[0]

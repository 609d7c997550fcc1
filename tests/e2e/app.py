"""The guarded application of these tests: it knows its issuer's name, and everything else it finds out."""
# No `from __future__ import annotations`: FastAPI reads annotations of names that are local here.

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI

from tests.e2e.servers import PAYMENTS
from zerotrust import Bearer, Issuer, Sources, minutes
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.http import AsyncHttpFetcher

STRONG = "urn:example:loa:2"


def payments(issuer: str, *, audience: str | Collection[str] = PAYMENTS) -> FastAPI:
    """An application whose every route wants a token of `issuer`, and some of them more than that."""
    token = Bearer(Issuer(issuer), audience=audience)
    fetcher = AsyncHttpFetcher()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with fetcher:
            yield

    app = FastAPI(lifespan=lifespan)
    guard = Guard(app, sources=Sources(fetcher), default=token.valid)
    may_pay = token.scope("pay").named("may pay")
    may_pay_out = (token.scope("pay") & token.acr(STRONG) & token.fresh(within=minutes(5))).named("may pay out")

    @app.get("/whoami")
    async def whoami(access: Annotated[Access, guard.require(token.valid)]) -> dict[str, str | None]:
        evidence = access[token]
        return {"subject": evidence.subject, "client": evidence.client_id, "issuer": evidence.source}

    @app.get("/plain")
    async def plain() -> str:
        return "nothing here asks for a token; the guard does"

    @app.post("/payments")
    async def pay(access: Annotated[Access, guard.require(may_pay)]) -> dict[str, str]:
        return {"paid by": access[token].subject}

    @app.post("/payouts")
    async def pay_out(access: Annotated[Access, guard.require(may_pay_out)]) -> dict[str, str]:
        return {"paid out by": access[token].subject}

    return app

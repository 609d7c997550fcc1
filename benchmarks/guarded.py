"""Our side of the web group: one route behind the FastAPI guard, keys at hand, every token verified anew."""

# No `from __future__ import annotations`: FastAPI could not resolve a requirement that is local to a function.
from typing import Annotated

from fastapi import FastAPI

from benchmarks.material import Material
from benchmarks.ours import bearer
from zerotrust.fastapi import Access, Guard


def with_access(made: Material) -> FastAPI:
    """The route requires a policy and is handed the evidence: what the PyJWT dependency does with its claims."""
    app = FastAPI(openapi_url=None)  # one route and no more: routes are matched one after another
    token = bearer(made)
    guard = Guard(app, default=token.valid, clock=lambda: made.now)

    @app.get("/accounts")
    async def accounts(access: Annotated[Access, guard.require(token.valid)]) -> dict[str, str]:
        return {"account": access[token].subject}

    return app


def by_default(made: Material) -> FastAPI:
    """The route says nothing and is guarded by the application's default policy."""
    app = FastAPI(openapi_url=None)  # one route and no more: routes are matched one after another
    token = bearer(made)
    Guard(app, default=token.valid, clock=lambda: made.now)

    @app.get("/accounts")
    async def accounts() -> dict[str, str]:
        return {"account": "1"}

    return app

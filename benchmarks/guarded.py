"""Our side of the web groups: one route behind the FastAPI guard, keys at hand; tokens verified anew, or remembered."""

# No `from __future__ import annotations`: FastAPI could not resolve a requirement that is local to a function.
from typing import Annotated

from fastapi import FastAPI

from benchmarks.material import Material
from benchmarks.ours import bearer
from zerotrust import asgi
from zerotrust.core.policy import Policy
from zerotrust.fastapi import Access, Guard
from zerotrust.verifiers.bearer import Bearer


def with_access(made: Material, *, remember: int) -> FastAPI:
    """The route requires a policy and is handed the evidence: what the PyJWT dependency does with its claims."""
    app = FastAPI(openapi_url=None)  # one route and no more: routes are matched one after another
    token = bearer(made, remember=remember)
    guard = Guard(app, default=token.valid, clock=lambda: made.now)

    @app.get("/accounts")
    async def accounts(access: Annotated[Access, guard.require(_policy(token))]) -> dict[str, str]:
        return {"account": access[token].subject}

    return app


def by_default(made: Material, *, remember: int) -> FastAPI:
    """The route says nothing and is guarded by the application's default policy."""
    app = FastAPI(openapi_url=None)  # one route and no more: routes are matched one after another
    Guard(app, default=_policy(bearer(made, remember=remember)), clock=lambda: made.now)

    @app.get("/accounts")
    async def accounts() -> dict[str, str]:
        return {"account": "1"}

    return app


def behind_middleware(made: Material, *, remember: int) -> asgi.Guard:
    """The same route in an application that knows nothing of the guard before it."""
    app = FastAPI(openapi_url=None)  # one route and no more: routes are matched one after another

    @app.get("/accounts")
    async def accounts() -> dict[str, str]:
        return {"account": "1"}

    rules = asgi.Rules(default=_policy(bearer(made, remember=remember)))
    return asgi.Guard(app, rules, clock=lambda: made.now)


def _policy(token: Bearer) -> Policy:
    return token.scope("read:accounts") & token.role("approver")

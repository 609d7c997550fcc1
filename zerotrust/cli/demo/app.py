"""The demo's bank: a FastAPI application, closed by default, that says for each route who may use it."""
# No `from __future__ import annotations`: FastAPI reads the annotations of the handlers, which use local values.

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from zerotrust import Sources
from zerotrust.cli.demo.policies import Policies
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.http import AsyncHttpFetcher


class Order(BaseModel):
    """A payment to make."""

    to: str
    cents: int = Field(gt=0)


def create_app(policies: Policies, clock: Callable[[], float]) -> tuple[FastAPI, Guard]:
    """The application and its guard.

    Args:
        policies: who may do what.
        clock: tells POSIX seconds; an application leaves this out and has the time of day.
    """
    fetcher = AsyncHttpFetcher()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with fetcher:
            yield

    app = FastAPI(title="The demo's bank", lifespan=lifespan)
    guard = Guard(
        app,
        default=policies.token.valid,  # what holds for routes without a policy of their own
        sources=Sources(fetcher),  # where the issuer's keys come from
        explain=True,  # the tree goes into refusals: for development, never for production
        clock=clock,
    )

    @app.get("/accounts")
    async def accounts(access: Annotated[Access, guard.require(policies.can_read)]) -> dict[str, Any]:
        return {"owner": access[policies.token].subject, "accounts": ["savings"], **_why(access)}

    @app.post("/payments")
    async def payments(order: Order, access: Annotated[Access, guard.require(policies.can_pay)]) -> dict[str, Any]:
        return {"by": access[policies.token].subject, "to": order.to, "cents": order.cents, **_why(access)}

    @app.get("/reports")
    async def reports() -> dict[str, Any]:
        return {"reports": []}  # nobody thought of a policy, so the default protects it

    return app, guard


def _why(access: Access) -> dict[str, Any]:
    """The tree of an allow, for the demo to show; a refusal has it from the guard."""
    return {"explanation": access.decision.explanation.to_dict()}

"""Applications whose annotations are text, some of which FastAPI can resolve and some of which it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional

from fastapi import APIRouter, Depends, FastAPI, Query, Request, WebSocket
from pydantic import BaseModel

from tests.fastapi.world import can_pay, can_read, clock, token
from zerotrust.fastapi import Access as Granted
from zerotrust.fastapi import Guard

if TYPE_CHECKING:
    from zerotrust.fastapi import Access

app = FastAPI()
guard = Guard(app, default=token.valid, clock=clock)
Paying = Annotated[Granted, guard.require(can_pay)]


class Order(BaseModel):
    amount: int


def session() -> str:
    return "a session"


def paid(access: Paying) -> Granted:
    return access


# --- What can be resolved --------------------------------------------------------------------------------------------


@app.get("/direct/{number}")
async def direct(number: int, access: Annotated[Granted, guard.require(can_pay)], q: int | None = None) -> str:
    return "direct"


@app.post("/alias", response_model=None)
async def alias(order: Order, request: Request, access: Paying) -> Undefined:  # type: ignore[name-defined]  # noqa: F821
    return "alias"


needed: Any = guard.require(can_pay)


@app.get("/default")
async def default(access: Access = needed) -> str:
    return "default"


@app.get("/passed")
async def passed(access: Annotated[Granted, Depends(paid)]) -> str:
    return "passed"


@app.get("/session")
async def plain(db: Undefined = Depends(session), q: list[str] = Query([])) -> str:  # type: ignore[name-defined]  # noqa: F821, B008
    return "session"


@app.websocket("/ws")
async def socket(socket: WebSocket, access: Paying) -> None:
    await socket.accept()
    await socket.close()


RESOLVED = ("/direct/1", "/alias", "/default", "/passed", "/session")

# --- What cannot -----------------------------------------------------------------------------------------------------


def only_for_checkers(app: FastAPI, guard: Guard) -> None:
    """`Access` is imported for type checkers only."""

    @app.get("/y")
    async def y(access: Annotated[Access, GUARD.require(can_pay)] = None) -> str:  # type: ignore[assignment]  # noqa: F821
        raise AssertionError


def local_guard(app: FastAPI, inner: Guard) -> None:
    """The guard is local to a function."""

    @app.get("/y")
    async def y(access: Annotated[Granted, inner.require(can_pay)] = None) -> str:  # type: ignore[assignment]
        raise AssertionError


def local_alias(app: FastAPI, guard: Guard) -> None:
    """So is the alias; nothing in the text tells that it is about access."""
    Needed = Annotated[Granted, guard.require(can_pay)]

    @app.get("/y")
    async def y(access: Needed = None) -> str:  # type: ignore[assignment]
        raise AssertionError


def not_yet_there(app: FastAPI, guard: Guard) -> None:
    """The name comes to be after FastAPI looked for it."""
    globals().pop("Later", None)

    @app.get("/y")
    async def y(access: Later = None) -> str:
        raise AssertionError

    globals()["Later"] = Annotated[Granted, guard.require(can_pay)]


if TYPE_CHECKING:
    Later = Any


def in_a_dependency(app: FastAPI, inner: Guard) -> None:
    """A dependency of a dependency is the one that asks for more."""

    def deep(access: Annotated[Granted, inner.require(can_pay)] = None) -> None:  # type: ignore[assignment]
        raise AssertionError

    def shallow(deep: None = Depends(deep)) -> None:
        raise AssertionError

    @app.get("/y", dependencies=[Depends(shallow)])
    async def y() -> str:
        raise AssertionError


def in_a_class(app: FastAPI, inner: Guard) -> None:
    """A class is called as a dependency."""

    class Deep:
        def __init__(self, access: Annotated[Granted, inner.require(can_pay)] = None) -> None:  # type: ignore[assignment]
            raise AssertionError

    @app.get("/y", dependencies=[Depends(Deep)])
    async def y() -> str:
        raise AssertionError


def in_a_router(app: FastAPI, inner: Guard) -> None:
    """An included router has the dependency."""

    def deep(access: Annotated[Granted, inner.require(can_pay)] = None) -> None:  # type: ignore[assignment]
        raise AssertionError

    router = APIRouter(dependencies=[Depends(deep)])

    @router.get("/y")
    async def y() -> str:
        raise AssertionError

    app.include_router(router)


def beside_a_default(app: FastAPI, inner: Guard) -> None:
    """The default is a dependency, so FastAPI looks no further."""

    @app.get("/y")
    async def y(db: Annotated[str, inner.require(can_pay)] = Depends(session)) -> str:
        raise AssertionError


def optional(app: FastAPI, inner: Guard) -> None:
    """The text inside is not read when the whole is."""
    annotation: Any = Optional["Annotated[str, inner.require(can_pay)]"]

    async def y(access: Any = None) -> str:
        raise AssertionError

    y.__annotations__["access"] = annotation
    app.get("/y")(y)


UNRESOLVED = (
    only_for_checkers,
    local_guard,
    local_alias,
    not_yet_there,
    in_a_dependency,
    in_a_class,
    in_a_router,
    beside_a_default,
    optional,
)
__all__ = ["RESOLVED", "UNRESOLVED", "app", "can_read", "guard"]

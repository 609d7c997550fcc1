"""A FastAPI request, in process: what authentication adds to it. No sockets, so that the framework is all there is.

Answers for P14 (a token that was seen before, and a policy: near the open application, as a guard and as a dependency)
and P15 (our whole strict, uncached request against that of the usual PyJWT dependency).
"""

# No `from __future__ import annotations`: FastAPI could not resolve dependencies that are local to a function.
import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Annotated, Any, Final

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from benchmarks import guarded
from benchmarks.harness import Case, Goal, Group, clock, overhead, total
from benchmarks.material import AUDIENCE, ISSUER, Material, material
from benchmarks.runner import Groups, main

OPEN: Final = "open"
EMPTY: Final = "empty async dependency"
PYJWT: Final = "PyJWT dependency, async def"
OURS: Final = "zerotrust, requirement with access"
DEFAULT: Final = "zerotrust, guarded by default"
OURS_SEEN: Final = "zerotrust, requirement with access, token seen before"
DEFAULT_SEEN: Final = "zerotrust, guarded by default, token seen before"

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


def open_app() -> FastAPI:
    """One route, no authentication: the floor."""
    app = FastAPI(openapi_url=None)  # one route and no more: routes are matched one after another

    @app.get("/accounts")
    async def accounts() -> dict[str, str]:
        return {"account": "1"}

    return app


def empty_app() -> FastAPI:
    """One route with a dependency that does nothing: what FastAPI's own injection costs."""
    app = FastAPI(openapi_url=None)  # one route and no more: routes are matched one after another

    async def nothing() -> None:
        return None

    @app.get("/accounts")
    async def accounts(_: Annotated[None, Depends(nothing)]) -> dict[str, str]:
        return {"account": "1"}

    return app


def pyjwt_app(made: Material) -> FastAPI:
    """One route with the dependency that tutorials show, done well: `async def`, keys at hand, nothing cached."""
    app = FastAPI(openapi_url=None)  # one route and no more: routes are matched one after another
    keys = jwt.PyJWKSet.from_dict(made.jwks)
    bearer = HTTPBearer()

    async def claims(shown: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> dict[str, Any]:
        token = shown.credentials
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            return jwt.decode(token, key, algorithms=[made.algorithm], audience=AUDIENCE, issuer=ISSUER)
        except (jwt.PyJWTError, KeyError) as error:
            raise HTTPException(401, "invalid token", {"WWW-Authenticate": "Bearer"}) from error

    @app.get("/accounts")
    async def accounts(known: Annotated[dict[str, Any], Depends(claims)]) -> dict[str, str]:
        return {"account": known["sub"]}

    return app


class InProcess:
    """Calls an ASGI application directly, one request after another, on an event loop that is kept."""

    def __init__(self, app: App, token: str | None) -> None:
        self._app = app
        headers = [(b"host", b"api.example"), (b"user-agent", b"benchmark"), (b"accept", b"application/json")]
        if token is not None:
            headers.append((b"authorization", b"Bearer " + token.encode()))
        self._scope: Message = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": "/accounts",
            "raw_path": b"/accounts",
            "query_string": b"",
            "root_path": "",
            "client": ("192.0.2.7", 40000),
            "server": ("192.0.2.1", 443),
            "headers": headers,
        }
        self._loop = asyncio.new_event_loop()
        self._status = 0

    def status(self) -> int:
        """Send one request and answer with its status."""
        self.seconds(1)
        return self._status

    def seconds(self, number: int) -> float:
        """Send `number` requests and answer with the seconds they took."""
        return self._loop.run_until_complete(self._requests(number))

    async def _requests(self, number: int) -> float:
        app, scope = self._app, self._scope
        begun = clock()
        for _ in range(number):
            await app({**scope, "headers": list(scope["headers"]), "state": {}}, _receive, self._send)
        return clock() - begun

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]

    def __del__(self) -> None:
        self._loop.close()


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def request(name: str, app: App, token: str | None, expected: int = 200) -> Case:
    """A case that sends one request to `app`; the expected outcome is its status."""
    calls = InProcess(app, token)
    return Case(name, calls.status, calls.seconds, lambda status: status == expected)


def apps(made: Material) -> dict[str, App]:
    """Each variant is an app of its own with one route, since routes are matched one after another."""
    return {
        OPEN: open_app(),
        EMPTY: empty_app(),
        PYJWT: pyjwt_app(made),
        OURS: guarded.with_access(made, remember=0),
        DEFAULT: guarded.by_default(made, remember=0),
        OURS_SEEN: guarded.with_access(made, remember=4096),
        DEFAULT_SEEN: guarded.by_default(made, remember=4096),
    }


def fastapi() -> Group:
    """Every variant with a good RS256 token."""
    made = material("RS256")
    cases = [request(name, app, made.good) for name, app in apps(made).items()]
    goals = [
        Goal(
            "P14",
            "requirement, token seen before: whole request, x an empty dependency's",
            1.12,
            total(OURS_SEEN, EMPTY),
        ),
        Goal(
            "P14",
            "requirement, token seen before: adds, x what PyJWT's dependency adds",
            1 / 8,
            overhead(OURS_SEEN, PYJWT),
        ),
        Goal(
            "P14",
            "guard, token seen before: adds, x what PyJWT's dependency adds",
            1 / 20,
            overhead(DEFAULT_SEEN, PYJWT),
        ),
        Goal("P15", "requirement, token verified: whole request, x PyJWT dependency's", 0.55, total(OURS, PYJWT)),
    ]
    notes = ["PyJWT's dependency verifies the token anew with each request; the policy asks for a scope and a role"]
    return Group("web", "one FastAPI request in process, RS256 token; floor: open app", cases, goals, notes)


GROUPS: Final[Groups] = {"fastapi": fastapi}

if __name__ == "__main__":
    sys.exit(main("benchmarks.web", GROUPS))

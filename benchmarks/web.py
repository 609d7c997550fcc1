"""A FastAPI request, in process: what authentication adds to it. No sockets, so that the framework is all there is.

Answers for P14 (a token that was seen before, and a policy: near the open application, as a guard and as a dependency)
and P15 (our whole strict, uncached request against that of the usual PyJWT dependency). The other doors are in
`web_before`.
"""

# No `from __future__ import annotations`: FastAPI could not resolve dependencies that are local to a function.
import sys
from typing import Annotated, Any, Final

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from benchmarks import guarded, web_before
from benchmarks.harness import Goal, Group, overhead, total
from benchmarks.material import AUDIENCE, ISSUER, Material, material
from benchmarks.runner import Groups, main
from benchmarks.web_calls import App, request

OPEN: Final = "open"
EMPTY: Final = "empty async dependency"
PYJWT: Final = "PyJWT dependency, async def"
OURS: Final = "zerotrust, requirement with access"
DEFAULT: Final = "zerotrust, guarded by default"
OURS_SEEN: Final = "zerotrust, requirement with access, token seen before"
DEFAULT_SEEN: Final = "zerotrust, guarded by default, token seen before"
MIDDLEWARE_SEEN: Final = "zerotrust, ASGI guard as middleware, token seen before"


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
        MIDDLEWARE_SEEN: guarded.behind_middleware(made, remember=4096),
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
        Goal(
            "P14",
            "middleware, token seen before: adds, x what PyJWT's dependency adds",
            1 / 20,
            overhead(MIDDLEWARE_SEEN, PYJWT),
        ),
        Goal("P15", "requirement, token verified: whole request, x PyJWT dependency's", 0.55, total(OURS, PYJWT)),
    ]
    notes = ["PyJWT's dependency verifies the token anew with each request; the policy asks for a scope and a role"]
    return Group("web", "one FastAPI request in process, RS256 token; floor: open app", cases, goals, notes)


GROUPS: Final[Groups] = {
    "fastapi": fastapi,
    "starlette": web_before.starlette_guard,
    "asgi": web_before.asgi_guard,
    "wsgi": web_before.wsgi_guard,
}

if __name__ == "__main__":
    sys.exit(main("benchmarks.web", GROUPS))

"""A bare application, in process, under ASGI, WSGI and Starlette: what a guard that stands before it adds to a request.

Answers for P14 of the doors beside FastAPI's: a token that was seen before, and a policy, against what PyJWT adds, done
by hand as middleware. A floor of a microsecond or two leaves the guard alone to be looked at; no framework hides it.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.harness import Case, Goal, Group, clock, overhead
from benchmarks.material import AUDIENCE, ISSUER, Material, material
from benchmarks.ours import bearer
from benchmarks.web_calls import App, Message, request
from zerotrust import asgi, starlette, wsgi
from zerotrust.core.policy import Policy
from zerotrust.web.rules import Rules

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

OPEN: Final = "open"
PYJWT: Final = "PyJWT by hand"
GUARD: Final = "zerotrust, guard"
SEEN: Final = "zerotrust, guard, token seen before"

_JSON: Final = "application/json"


def policy(made: Material, remember: int) -> Policy:
    """What is required everywhere: a scope and a role."""
    token = bearer(made, remember=remember)
    return token.scope("read:accounts") & token.role("approver")


def rules(made: Material, remember: int) -> Rules:
    """A table as applications have it: a page that is open, one with a policy of its own, and a default."""
    found = Rules(default=policy(made, remember))
    found.open("/health", because="a load balancer asks")
    found.protect("/admin/**", bearer(made).valid)
    return found


def decoder(made: Material) -> Callable[[str], dict[str, Any] | None]:
    """Verifies the value of an `Authorization` header by PyJWT, keys at hand, nothing cached."""
    keys = jwt.PyJWKSet.from_dict(made.jwks)

    def decode(sent: str) -> dict[str, Any] | None:
        token = sent.partition(" ")[2]
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            return jwt.decode(token, key, algorithms=[made.algorithm], audience=AUDIENCE, issuer=ISSUER)
        except (jwt.PyJWTError, KeyError):
            return None

    return decode


# --- ASGI ------------------------------------------------------------------------------------------------------------
async def bare(scope: Message, receive: Any, send: Callable[[Message], Awaitable[None]]) -> None:
    """The floor: a response, and nothing else."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", _JSON.encode())]})
    await send({"type": "http.response.body", "body": b'{"account":"1"}'})


def pyjwt_before(app: App, made: Material) -> App:
    """Middleware by hand."""
    decode = decoder(made)

    async def before(scope: Message, receive: Any, send: Callable[[Message], Awaitable[None]]) -> None:
        sent = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        claims = decode(sent.decode("latin-1"))
        if claims is None:
            await send({"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Bearer")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            scope["claims"] = claims
            await app(scope, receive, send)

    return before


def starlette_app() -> Starlette:
    """One route, no authentication."""

    async def accounts(_: Request) -> JSONResponse:
        return JSONResponse({"account": "1"})

    return Starlette(routes=[Route("/accounts", accounts)])


def guarded_starlette(made: Material, remember: int) -> Starlette:
    """The route says nothing and is guarded by the default."""
    app = starlette_app()
    starlette.Guard(app, default=policy(made, remember), clock=lambda: made.now)
    return app


def _goals() -> list[Goal]:
    says = "guard, token seen before: adds, x what PyJWT by hand adds"
    return [Goal("P14", says, 1 / 20, overhead(SEEN, PYJWT))]


_NOTES: Final = ("PyJWT verifies the token anew with each request; our policy asks for a scope and a role besides",)


def asgi_guard() -> Group:
    """`zerotrust.asgi.Guard` before a bare application."""
    made = material("RS256")
    apps: dict[str, App] = {
        OPEN: bare,
        PYJWT: pyjwt_before(bare, made),
        GUARD: asgi.Guard(bare, rules(made, 0), clock=lambda: made.now),
        SEEN: asgi.Guard(bare, rules(made, 4096), clock=lambda: made.now),
    }
    cases = [request(name, app, made.good) for name, app in apps.items()]
    return Group("web, ASGI", "one bare ASGI request, RS256 token; floor: open app", cases, _goals(), _NOTES)


def starlette_guard() -> Group:
    """`zerotrust.starlette.Guard` in an application with one route."""
    made = material("RS256")
    apps: dict[str, App] = {
        OPEN: starlette_app(),
        PYJWT: pyjwt_before(starlette_app(), made),
        GUARD: guarded_starlette(made, 0),
        SEEN: guarded_starlette(made, 4096),
    }
    cases = [request(name, app, made.good) for name, app in apps.items()]
    return Group("web, Starlette", "one Starlette request, RS256 token; floor: open app", cases, _goals(), _NOTES)


# --- WSGI ------------------------------------------------------------------------------------------------------------
def bare_wsgi(environ: MutableMapping[str, Any], start_response: StartResponse) -> list[bytes]:
    """The floor: a response, and nothing else."""
    start_response("200 OK", [("Content-Type", _JSON)])
    return [b'{"account":"1"}']


def pyjwt_before_wsgi(app: WSGIApplication, made: Material) -> WSGIApplication:
    """Middleware by hand."""
    decode = decoder(made)

    def before(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        claims = decode(environ.get("HTTP_AUTHORIZATION", ""))
        if claims is None:
            start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
            return [b""]
        environ["claims"] = claims
        return app(environ, start_response)

    return before


class InProcess:
    """Calls a WSGI application directly, one request after another."""

    def __init__(self, app: WSGIApplication, token: str) -> None:
        self._app = app
        self._status = 0
        self._environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/accounts", "QUERY_STRING": "",
            "RAW_URI": "/accounts", "SERVER_NAME": "192.0.2.1", "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7", "wsgi.version": (1, 0), "wsgi.url_scheme": "https", "wsgi.input": sys.stdin,
            "wsgi.errors": sys.stderr, "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False,
            "HTTP_HOST": "api.example", "HTTP_USER_AGENT": "benchmark", "HTTP_ACCEPT": _JSON,
            "HTTP_AUTHORIZATION": f"Bearer {token}",
        }  # fmt: skip

    def status(self) -> int:
        """Send one request and answer with its status."""
        self.seconds(1)
        return self._status

    def seconds(self, number: int) -> float:
        """Send `number` requests and answer with the seconds they took."""
        app, environ, start = self._app, self._environ, self._start
        begun = clock()
        for _ in range(number):
            for _ in app({**environ}, start):
                pass
        return clock() - begun

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self._status = int(status[:3])


def wsgi_guard() -> Group:
    """`zerotrust.wsgi.Guard` before a bare application."""
    made = material("RS256")
    apps: dict[str, WSGIApplication] = {
        OPEN: bare_wsgi,
        PYJWT: pyjwt_before_wsgi(bare_wsgi, made),
        GUARD: wsgi.Guard(bare_wsgi, rules(made, 0), clock=lambda: made.now),
        SEEN: wsgi.Guard(bare_wsgi, rules(made, 4096), clock=lambda: made.now),
    }
    cases = []
    for name, app in apps.items():
        calls = InProcess(app, made.good)
        cases.append(Case(name, calls.status, calls.seconds, lambda status: status == 200))
    return Group("web, WSGI", "one bare WSGI request, RS256 token; floor: open app", cases, _goals(), _NOTES)

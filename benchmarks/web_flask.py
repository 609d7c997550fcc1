"""A Flask request, in process: what authentication adds to it. No sockets, so that the framework is all there is.

Answers for P17, Flask: what a token that was seen before adds, beside what PyJWT by hand and flask-jwt-extended add.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, abort, request
from flask_jwt_extended import JWTManager, get_jwt_identity, jwt_required

from benchmarks.harness import Case, Goal, Group, clock, overhead
from benchmarks.material import AUDIENCE, ISSUER, Material, material
from benchmarks.ours import bearer
from benchmarks.runner import Groups, main
from zerotrust.flask import Guard

OPEN: Final = "open"
PYJWT: Final = "PyJWT by hand"
EXTENDED: Final = "flask-jwt-extended, @jwt_required()"
OURS: Final = "zerotrust, requirement with access"
OURS_SEEN: Final = "zerotrust, requirement with access, token seen before"
DEFAULT_SEEN: Final = "zerotrust, guarded by default, token seen before"

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def open_app() -> Flask:
    """One route, no authentication: the floor."""
    app = Flask("open", static_folder=None)

    @app.get("/accounts")
    def accounts() -> dict[str, str]:
        return {"account": "1"}

    return app


def pyjwt_app(made: Material) -> Flask:
    """One route that verifies the token as tutorials show, done well: keys at hand, nothing cached."""
    app = Flask("pyjwt", static_folder=None)
    keys = jwt.PyJWKSet.from_dict(made.jwks)

    @app.get("/accounts")
    def accounts() -> dict[str, str]:
        shown = request.authorization
        if shown is None or shown.type != "bearer" or shown.token is None:
            abort(401)
        try:
            key = keys[jwt.get_unverified_header(shown.token)["kid"]]
            claims = jwt.decode(shown.token, key, algorithms=[made.algorithm], audience=AUDIENCE, issuer=ISSUER)
        except (jwt.PyJWTError, KeyError):
            abort(401)
        return {"account": claims["sub"]}

    return app


def extended_app(made: Material) -> Flask:
    """One route behind `@jwt_required()`, told of the issuer's key, audience and issuer."""
    assert isinstance(made.public, rsa.RSAPublicKey)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    app = Flask("extended", static_folder=None)
    app.config.update(
        JWT_ALGORITHM=made.algorithm,
        JWT_PUBLIC_KEY=made.public.public_bytes(serialization.Encoding.PEM, form).decode(),
        JWT_DECODE_AUDIENCE=AUDIENCE,
        JWT_DECODE_ISSUER=ISSUER,
    )
    JWTManager(app)

    @app.get("/accounts")
    @jwt_required()  # type: ignore[untyped-decorator]
    def accounts() -> dict[str, str]:
        return {"account": str(get_jwt_identity())}

    return app


def with_access(made: Material, *, remember: int) -> Flask:
    """The route requires a policy and is handed the evidence."""
    app = Flask("ours", static_folder=None)
    token = bearer(made, remember=remember)
    guard = Guard(app, default=token.valid, clock=lambda: made.now)

    @app.get("/accounts")
    @guard.require(token.scope("read:accounts") & token.role("approver"))
    def accounts() -> dict[str, str]:
        return {"account": guard.access[token].subject}

    return app


def by_default(made: Material, *, remember: int) -> Flask:
    """The route says nothing and is guarded by the application's default policy."""
    app = open_app()
    token = bearer(made, remember=remember)
    Guard(app, default=token.scope("read:accounts") & token.role("approver"), clock=lambda: made.now)
    return app


class InProcess:
    """Calls a WSGI application directly, one request after another."""

    def __init__(self, app: App, token: str | None) -> None:
        self._app = app
        self._environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/accounts",
            "QUERY_STRING": "",
            "SERVER_NAME": "api.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "HTTP_HOST": "api.example",
            "HTTP_USER_AGENT": "benchmark",
            "HTTP_ACCEPT": "application/json",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if token is not None:
            self._environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        self._status = 0

    def status(self) -> int:
        """Send one request and answer with its status."""
        self.seconds(1)
        return self._status

    def seconds(self, number: int) -> float:
        """Send `number` requests and answer with the seconds they took."""
        app, environ, start = self._app, self._environ, self._start
        begun = clock()
        for _ in range(number):
            chunks: Any = app({**environ}, start)
            for _ in chunks:
                pass
            chunks.close()
        return clock() - begun

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        self._status = int(status[:3])


def _request(name: str, app: App, token: str | None) -> Case:
    calls = InProcess(app, token)
    return Case(name, calls.status, calls.seconds, lambda status: status == 200)


def flask() -> Group:
    """Every variant with a good RS256 token."""
    logging.getLogger("zerotrust.guard").setLevel(logging.WARNING)
    made = material("RS256")
    apps = {
        OPEN: open_app(),
        PYJWT: pyjwt_app(made),
        EXTENDED: extended_app(made),
        OURS: with_access(made, remember=0),
        OURS_SEEN: with_access(made, remember=4096),
        DEFAULT_SEEN: by_default(made, remember=4096),
    }
    cases = [_request(name, app, made.good) for name, app in apps.items()]
    goals = [
        Goal("P17", "Flask, token seen before: adds, x what PyJWT by hand adds", 1 / 15, overhead(OURS_SEEN, PYJWT)),
        Goal("P17", "Flask, token seen before: adds, x flask-jwt-extended's", 1 / 30, overhead(OURS_SEEN, EXTENDED)),
    ]
    notes = [
        "PyJWT and flask-jwt-extended verify the token anew with each request",
        "our policy asks for a scope and a role besides; theirs for nothing",
    ]
    return Group("web, Flask", "one Flask request in process, RS256 token; floor: open app", cases, goals, notes)


GROUPS: Final[Groups] = {"flask": flask}

if __name__ == "__main__":
    sys.exit(main("benchmarks.web_flask", GROUPS))

"""A Django request in process, under WSGI: what authentication adds to it. No sockets: the framework is all there is.

Answers for P17: what the guard adds to a request with a token that was seen before, against what a decorator with PyJWT
adds. Each variant has a URLconf with one route and its own middleware, and none of Django's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import django
import jwt
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.test import override_settings
from django.urls import path

from benchmarks.harness import Case, Goal, Group, clock, overhead
from benchmarks.material import AUDIENCE, ISSUER, Material, material
from benchmarks.ours import bearer
from benchmarks.runner import Groups, main
from zerotrust.core.policy import Policy
from zerotrust.verifiers.bearer import Bearer

OPEN: Final = "open"
PYJWT: Final = "PyJWT decorator"
OURS: Final = "zerotrust, requirement with access"
OURS_SEEN: Final = "zerotrust, requirement with access, token seen before"
DEFAULT_SEEN: Final = "zerotrust, guarded by default, token seen before"

GUARD: Final = ("zerotrust.django.Guard",)


def configure() -> None:
    """Configure Django once for this process: nothing that a request would pass through."""
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"], INSTALLED_APPS=["zerotrust.django"], LOGGING_CONFIG=None, MIDDLEWARE=[],
            ROOT_URLCONF="benchmarks.web_django", SECRET_KEY="made up",
        )  # fmt: skip
        django.setup()


def pyjwt(made: Material) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorator that tutorials show, done well: keys at hand, nothing cached."""
    keys = jwt.PyJWKSet.from_dict(made.jwks)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def inner(request: HttpRequest) -> HttpResponseBase:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            try:
                key = keys[jwt.get_unverified_header(token)["kid"]]
                claims = jwt.decode(token, key, algorithms=[made.algorithm], audience=AUDIENCE, issuer=ISSUER)
            except (jwt.PyJWTError, KeyError):
                return JsonResponse({"detail": f"invalid {scheme}"}, status=401, headers={"WWW-Authenticate": "Bearer"})
            answer: HttpResponseBase = view(request, claims)
            return answer

        return inner

    return decorate


def handler(view: Callable[..., Any], made: Material, default: Policy | None = None) -> WSGIHandler:
    """A whole application with one route."""
    configure()
    chosen: dict[str, Any] = {"ROOT_URLCONF": (path("accounts", view),), "MIDDLEWARE": []}
    if default is not None:
        chosen.update(MIDDLEWARE=[*GUARD], ZEROTRUST={"DEFAULT": default, "CLOCK": lambda: made.now})
    return _Handler(chosen)


class _Handler(WSGIHandler):
    """An application that has settings of its own for as long as it is used."""

    def __init__(self, chosen: dict[str, Any]) -> None:
        self.settings = override_settings(**chosen)
        with self.settings:
            super().__init__()


class InProcess:
    """Calls a WSGI application directly, one request after another."""

    def __init__(self, app: Any, token: str) -> None:
        self._app = app
        self._environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/accounts", "QUERY_STRING": "",
            "SERVER_NAME": "192.0.2.1", "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7", "wsgi.version": (1, 0), "wsgi.url_scheme": "https", "wsgi.input": sys.stdin,
            "wsgi.errors": sys.stderr, "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False,
            "HTTP_HOST": "api.example", "HTTP_USER_AGENT": "benchmark", "HTTP_ACCEPT": "application/json",
            "HTTP_AUTHORIZATION": f"Bearer {token}",
        }  # fmt: skip
        self._status = ""

    def status(self) -> int:
        """Send one request and answer with its status."""
        self.seconds(1)
        return int(self._status[:3])

    def seconds(self, number: int) -> float:
        """Send `number` requests and answer with the seconds they took."""
        app, environ = self._app, self._environ
        with app.settings:
            app(dict(environ), self._start)  # what belongs to these settings is made anew
            begun = clock()
            for _ in range(number):
                app(dict(environ), self._start).close()
            return clock() - begun

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self._status = status


def accounts(request: HttpRequest, claims: dict[str, Any] | None = None) -> JsonResponse:
    """The view, given the claims or none."""
    return JsonResponse({"account": "1" if claims is None else claims["sub"]})


def required(made: Material, token: Bearer) -> WSGIHandler:
    """The view requires a policy, and asks for the evidence: what the PyJWT decorator does with its claims."""
    configure()
    from zerotrust.django import access, require

    @require(_policy(token))
    def view(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"account": access(request)[token].subject})

    return handler(view, made, token.valid)


def _policy(token: Bearer) -> Policy:
    return token.scope("read:accounts") & token.role("approver")


def in_django() -> Group:
    """Every variant with a good RS256 token."""
    made = material("RS256")
    apps = {
        OPEN: handler(accounts, made),
        PYJWT: handler(pyjwt(made)(accounts), made),
        OURS: required(made, bearer(made)),
        OURS_SEEN: required(made, bearer(made, remember=4096)),
        DEFAULT_SEEN: handler(accounts, made, _policy(bearer(made, remember=4096))),
    }
    cases = []
    for name, app in apps.items():
        calls = InProcess(app, made.good)
        cases.append(Case(name, calls.status, calls.seconds, lambda status: status == 200))
    goals = [
        Goal(
            "P17",
            "Django, guard, token seen before: adds, x what PyJWT adds",
            1 / 8,
            overhead(DEFAULT_SEEN, PYJWT),
        ),
        Goal(
            "P17",
            "Django, requirement, token seen before: adds, x what PyJWT adds",
            1 / 8,
            overhead(OURS_SEEN, PYJWT),
        ),
    ]
    notes = ["PyJWT's decorator verifies the token anew with each request; the policy asks for a scope and a role"]
    return Group("web", "one Django request in process, WSGI, RS256 token; floor: open app", cases, goals, notes)


GROUPS: Final[Groups] = {"django": in_django}

if __name__ == "__main__":
    sys.exit(main("benchmarks.web_django", GROUPS))

"""The page of `zerotrust demo --serve`: its files, the choices it offers, and a credential minted for each click.

The page sends its requests to the guarded routes themselves; nothing is decided here.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from zerotrust import judge
from zerotrust.cli.demo.credentials import CREDENTIALS
from zerotrust.cli.demo.policies import Policies
from zerotrust.cli.demo.scenario import ACCOUNTS, PAYMENTS
from zerotrust.core.policy import Named
from zerotrust.fastapi import Guard
from zerotrust.testing import LocalIssuer

_MEDIA_TYPES: Final = {
    "index.html": "text/html",
    "style.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_HEADERS: Final = {
    # Nothing from elsewhere, nothing inline, no frames around it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def add_page(app: FastAPI, guard: Guard, policies: Policies, issuer: LocalIssuer) -> None:
    """Put the page at `/` and what it needs below `/demo`, both open to everybody who reaches loopback."""
    credentials = {credential.id: credential for credential in CREDENTIALS}

    async def setup(_: Request) -> Response:
        return JSONResponse(
            {
                "requests": [_choice("POST", PAYMENTS, policies.can_pay), _choice("GET", ACCOUNTS, policies.can_read)],
                "credentials": [
                    {"id": one.id, "group": one.group, "title": one.title, "hint": one.hint} for one in CREDENTIALS
                ],
            },
            headers=_HEADERS,
        )

    async def mint(request: Request) -> Response:
        credential = credentials.get(request.path_params["credential"])
        if credential is None:
            return JSONResponse({"detail": "no such credential"}, 404, headers=_HEADERS)
        token = None if credential.make is None else credential.make(issuer)
        return JSONResponse({"token": token}, headers=_HEADERS)

    app.add_route("/", _file("index.html"), include_in_schema=False)
    app.mount(
        "/demo",
        Starlette(
            routes=[
                Route("/setup", setup),
                Route("/tokens/{credential}", mint, methods=["POST"]),
                *(Route(f"/{name}", _file(name)) for name in _MEDIA_TYPES if name != "index.html"),
            ]
        ),
    )
    guard.open("/", because="it is the demo's page")
    guard.open("/demo", because="it is what the demo's page needs")


def _file(name: str) -> Any:
    content = files("zerotrust.cli.demo").joinpath("page", name).read_bytes()

    async def serve(_: Request) -> Response:
        return Response(content, media_type=_MEDIA_TYPES[name], headers=_HEADERS)

    return serve


def _choice(method: str, path: str, policy: Named) -> dict[str, Any]:
    """A request that the page offers, with its policy as it is written and as a tree whose lights are out."""
    return {
        "id": policy.name.removeprefix("can "),
        "method": method,
        "path": path,
        "policy": policy.name,
        "written": str(policy.inner),
        "tree": judge(policy, {}, 0.0).explanation.to_dict(),
    }

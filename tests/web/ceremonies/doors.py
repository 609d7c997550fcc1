"""The doors that ceremonies are served by, so that a test can go by each of them."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from starlette.applications import Starlette

from tests.web.ceremonies.world import Door, Reply, Sending, World, asgi, pure, through, wsgi
from zerotrust.core.policy import Policy
from zerotrust.fastapi import Guard


def guarded(world: World, *, default: Policy | None = None, **options: Any) -> FastAPI:
    """An application whose guard serves the ceremonies."""
    app = FastAPI()
    required = world.token.valid if default is None else default
    more: Any = {"ceremonies": world.ceremonies, "clock": world.clock, **options}
    guard = Guard(app, default=required, sources=world.sources, **more)
    assert guard.report().problems == ()
    return app


def fastapi(world: World, sent: Sending) -> Reply:
    return through(guarded(world), sent)


def mounted(world: World, sent: Sending) -> Reply:
    """The application mounted in another one, which has no say in it."""
    outer = Starlette()
    outer.mount("/app", guarded(world))
    return through(outer, Sending(sent.method, f"/app{sent.path}", sent.query, sent.headers, sent.body, sent.client))


DOORS: Final[dict[str, Door]] = {"pure": pure, "asgi": asgi, "wsgi": wsgi, "fastapi": fastapi}

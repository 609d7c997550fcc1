"""A route that an OpenID provider posts logout tokens to (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds, span_in_seconds
from zerotrust.driver import Sources, check_sources, run_async
from zerotrust.starlette.guard import Guard
from zerotrust.verifiers.logout import BackChannelLogout
from zerotrust.web.answer import Answer
from zerotrust.web.asgi_request import access_request
from zerotrust.web.logout import MOST_BODY, logout_answer, refused

LOG: Final = logging.getLogger("zerotrust.logout")

_PATIENCE: Final = seconds(5)
_BECAUSE: Final = "called by the OpenID provider, which proves itself with the logout token"


def add_logout(
    app: Starlette,
    logout: BackChannelLogout,
    *,
    sources: Sources,
    guard: Guard | None = None,
    path: str = "/backchannel-logout",
    patience: timedelta = _PATIENCE,
    clock: Callable[[], float] = time.time,
) -> None:
    """Add the route to `app` whose URL is registered with the provider as `backchannel_logout_uri`.

    Everybody can reach it, and only a good logout token makes it do anything. Bodies are bounded in size and time.

    Args:
        app: the application, or the one mounted, that serves the route.
        logout: checks the tokens, and revokes what they name.
        sources: what answers its questions; a store, and a fetcher unless the keys are given. Instant or async ones.
        guard: the guard of the application, if it has one: it opens this route and no other of the path, and says so
            in its report.
        path: where the route is. It stands before all that are declared until then.
        patience: how long a body may take to arrive; up to a minute.
        clock: tells the time in POSIX seconds.

    Raises:
        ConfigError: sources that do not answer what is asked, or cannot be used in an async application.
    """
    if not isinstance(app, Starlette):
        raise ConfigError(f"add_logout takes the application first, not {type(app).__name__}")
    if not isinstance(logout, BackChannelLogout):
        raise ConfigError(f"add_logout takes BackChannelLogout(...) second, not {logout!r}")
    answering = check_sources(sources).require("async")
    for kind in logout.needs:
        if not answering.answers(kind):
            raise ConfigError(
                f"add_logout: no source answers {kind.__name__}; write sources=Sources(AsyncHttpFetcher(), store) with "
                "a store such as AsyncRedisStore(url)"
            )
    wait = span_in_seconds(patience, "patience", least=0.1, most=60)

    async def receive(request: Request) -> Response:
        body = await _body(request, wait)
        if isinstance(body, bytes):
            answer = await run_async(logout_answer(logout, access_request(request.scope, clock()), body), answering)
        else:
            answer = body
        LOG.log(logging.INFO if answer.status < 500 else logging.WARNING, "logout: %d %s", answer.status, answer.code)
        response = Response(answer.body, answer.status)
        response.raw_headers = list(answer.headers)
        return response

    route = Route(path, receive, methods=["POST"], include_in_schema=False)
    # Before a route that takes everything, lest the provider is told 401 and what it logs out stays good.
    app.router.routes.insert(0, route)
    if guard is not None:
        guard.open_route(route, because=_BECAUSE)


async def _body(request: Request, patience: float) -> bytes | Answer:
    """The body, if it is not too large and arrives in time."""
    too_large = refused(413, "too_large", f"a body of more than {MOST_BODY} bytes")
    told = request.headers.get("content-length", "")
    if told.isdecimal() and (len(told) > 9 or int(told) > MOST_BODY):
        return too_large
    body = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BODY:
                    return too_large
    except TimeoutError:
        return refused(408, "too_slow", "the body did not arrive in time")
    except ClientDisconnect:
        return refused(400, "malformed", "the body is not complete")
    return bytes(body)

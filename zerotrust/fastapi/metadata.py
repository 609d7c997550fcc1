"""The ready route for protected resource metadata (RFC 9728)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from zerotrust.core.policy import Policy
from zerotrust.web.resource import ProtectedResource

BECAUSE: Final = "clients read here where to get tokens (RFC 9728)"

# For five minutes: a deployment may bring other policies. Read by any page: it is public, and the same for everybody.
_HEADERS: Final = {"cache-control": "public, max-age=300", "access-control-allow-origin": "*"}


def publish(router: Router, resource: ProtectedResource, policies: Callable[[], Iterable[Policy]]) -> Route:
    """Have `router` answer GET and HEAD at the metadata's path, before any of its routes.

    Args:
        router: of the application.
        resource: what is described.
        policies: gives those in force. The document is made anew when they are others.

    Returns:
        The route.
    """
    made: list[tuple[tuple[int, ...], bytes]] = []

    async def metadata(request: Request) -> Response:
        asked = tuple(policies())
        key = tuple(map(id, asked))  # they are kept for as long as the guard is, so ids stay what they are
        if not made or made[0][0] != key:
            made[:] = [(key, resource.document(asked))]
        body = made[0][1]
        length = {"content-length": str(len(body))}
        sent = b"" if request.method == "HEAD" else body
        return Response(sent, headers={**_HEADERS, **length}, media_type="application/json")

    route = Route(resource.path, metadata, methods=["GET"], include_in_schema=False)
    router.routes.insert(0, route)
    return route

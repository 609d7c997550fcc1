"""The ready route for protected resource metadata (RFC 9728)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from zerotrust.core.policy import Policy
from zerotrust.web.metadata import BECAUSE, Metadata
from zerotrust.web.resource import ProtectedResource

__all__ = ["BECAUSE", "publish"]


def publish(router: Router, resource: ProtectedResource, policies: Callable[[], Iterable[Policy]]) -> Route:
    """Have `router` answer GET and HEAD at the metadata's path, before any of its routes.

    Args:
        router: of the application.
        resource: what is described.
        policies: gives those in force. The document is made anew when they are others.

    Returns:
        The route.
    """
    made = Metadata(resource, policies)

    async def metadata(request: Request) -> Response:
        answer = made.answer
        response = Response(b"" if request.method == "HEAD" else answer.body, answer.status)
        response.raw_headers = list(answer.headers)
        return response

    route = Route(resource.path, metadata, methods=["GET"], include_in_schema=False)
    router.routes.insert(0, route)
    return route

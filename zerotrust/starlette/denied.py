"""`Denied`, raised while a request is handled: answered as the refusals that a guard makes on the way in.

Starlette's own exception handlers answer it, at the route that raised it: they know whether a response has begun, and
cost nothing where nothing is raised. An application that handles `Denied` itself comes first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope
from starlette.websockets import WebSocket

from zerotrust.core.errors import Denied
from zerotrust.web.answer import Answer
from zerotrust.web.raised import NOT_FOUND, denied_in
from zerotrust.web.standing import close_code

Told: TypeAlias = Callable[[Scope, Denied], Awaitable[Answer]]
"""Gives the answer to a refusal."""

_HANDLERS: Final = "starlette.exception_handlers"
_DOORS: Final = "zerotrust.denied"


def answer_denied(scope: Scope, told: Told, by: object) -> None:
    """Have the application that `scope` is in answer a `Denied`, also one that comes out of a group of tasks.

    Of several guards that let a request in, the one that decided answers: who is challenged to show something to one
    guard is not helped by the challenge of another. What none of them decided, the last one answers.

    Once a response has begun nothing can be answered: the connection breaks off. A WebSocket is closed with the code
    that says what the answer does. What is hidden becomes the application's own 404.
    """
    scope[_DOORS] = (*scope.get(_DOORS, ()), (by, told))
    handlers: Any = scope.get(_HANDLERS)  # by exception, and by status
    try:
        known: dict[Any, Any] = handlers[0]
        if Denied not in known:
            known[Denied] = handle = _handler(told)
            known.setdefault(ExceptionGroup, handle)
    except (TypeError, LookupError, AttributeError):  # of another shape, or none
        return


def _handler(told: Told) -> Callable[[HTTPConnection, Exception], Awaitable[Response | None]]:
    async def handle(connection: HTTPConnection, error: Exception) -> Response | None:
        denied = denied_in(error)
        if denied is None:
            raise error
        return await _answered(connection, denied, _who(connection.scope, denied, told))

    return handle


def _who(scope: Scope, denied: Denied, otherwise: Told) -> Told:
    """Who answers, of those that let this request in; `otherwise` if nobody is known to have."""
    doors: tuple[tuple[object, Told], ...] = scope.get(_DOORS, ())
    for by, told in doors:
        if by is denied.by:
            return told
    return doors[-1][1] if doors else otherwise


async def _answered(connection: HTTPConnection, denied: Denied, told: Told) -> Response | None:
    answer = await told(connection.scope, denied)
    if isinstance(connection, WebSocket):
        answer = NOT_FOUND if denied.hidden else answer
        await connection.close(close_code(answer), answer.code)
        return None
    if denied.hidden:
        raise HTTPException(NOT_FOUND.status)
    response = Response(b"" if connection.scope.get("method") == "HEAD" else answer.body, answer.status)
    response.raw_headers = list(answer.headers)
    return response


def route_of(scope: Scope) -> str:
    """The path of the route that handles `scope`, as declared."""
    return str(getattr(scope.get("route"), "path", "a route"))

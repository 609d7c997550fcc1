"""How a requirement refuses that decides by itself, inside FastAPI's dependencies: where no guard stands."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from starlette.exceptions import HTTPException, WebSocketException
from starlette.responses import Response
from starlette.types import Scope

from zerotrust.web.answer import Answer
from zerotrust.web.standing import close_code


class Refused(HTTPException):
    """An answer on its way through a framework that knows of status, detail and headers only."""

    def __init__(self, answer: Answer) -> None:
        kept: dict[str, str] = {}
        for name, value in ((name.decode(), value.decode()) for name, value in answer.headers):
            if not name.startswith("content-"):  # several challenges may stand in one header (RFC 9110 section 11.6.1)
                kept[name] = f"{kept[name]}, {value}" if name in kept else value
        super().__init__(answer.status, json.loads(answer.body), kept)
        self.answer = answer


def refused(scope: Scope, answer: Answer) -> Exception:
    """What to raise for `answer` to be sent. An application with handlers of its own for the status sends theirs."""
    if scope["type"] == "websocket":
        return WebSocketException(close_code(answer), answer.code)
    handlers: Any = scope.get("starlette.exception_handlers")  # by exception, and by status
    with suppress(TypeError, LookupError, AttributeError):  # of another shape, or none: the framework words the answer
        handlers[0].setdefault(Refused, _send)
    return Refused(answer)


async def _send(_: Any, error: Refused) -> Response:
    response = Response(error.answer.body, error.answer.status)
    response.raw_headers = list(error.answer.headers)
    return response

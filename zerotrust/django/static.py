"""Static files as `runserver` serves them: before any middleware runs, and so before the guard, unless it is asked.

`runserver` puts `StaticFilesHandler` (ASGI servers for development: `ASGIStaticFilesHandler`) around the application.
Both answer whatever lies below `STATIC_URL` themselves. What is open in development is easily open in production, and
the report would be wrong, so both ask the guard first; they are left as they are otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

from django.contrib.staticfiles.handlers import StaticFilesHandlerMixin
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from zerotrust.django.door import Door, Prepared, door_of
from zerotrust.django.sending import add, refusal
from zerotrust.web import log
from zerotrust.web.answer import Answer, undecided
from zerotrust.web.gate import Passed

_MARK: Final = "__zerotrust_asks__"


def cover() -> None:
    """Have both handlers ask the guard, once."""
    mixin: Any = StaticFilesHandlerMixin
    if hasattr(mixin.get_response, _MARK):
        return
    mixin.get_response = _asking(mixin.get_response)
    mixin.get_response_async = _asking_async(mixin.get_response_async)


def _asking(serve: Callable[[Any, HttpRequest], HttpResponseBase]) -> Callable[[Any, HttpRequest], HttpResponseBase]:
    @wraps(serve)
    def get_response(self: Any, request: HttpRequest) -> HttpResponseBase:
        found = _prepared(request)
        if isinstance(found, HttpResponseBase):
            return found
        at, prepared = found
        outcome = at.decide(request, prepared)
        return refusal(outcome, request) if isinstance(outcome, Answer) else _with(outcome, serve(self, request))

    setattr(get_response, _MARK, True)
    return get_response


def _asking_async(
    serve: Callable[[Any, HttpRequest], Awaitable[HttpResponseBase]],
) -> Callable[[Any, HttpRequest], Awaitable[HttpResponseBase]]:
    @wraps(serve)
    async def get_response_async(self: Any, request: HttpRequest) -> HttpResponseBase:
        found = _prepared(request)
        if isinstance(found, HttpResponseBase):
            return found
        at, prepared = found
        outcome = await at.decide_async(request, prepared)
        return refusal(outcome, request) if isinstance(outcome, Answer) else _with(outcome, await serve(self, request))

    return get_response_async


def _prepared(request: HttpRequest) -> tuple[Door, Prepared] | HttpResponseBase:
    try:
        at = door_of(request)
        if not at.is_sound():
            return refusal(undecided(), request)
        protections = at.protections
        return at, at.prepared(request, (protections.static or protections.unknown).others, None)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
        log.failure("http", "static files", error)
        return refusal(undecided(), request)


def _with(passed: Passed, response: HttpResponseBase) -> HttpResponseBase:
    add(response, passed.headers)
    return response

"""`Denied` on its way out: answered as any refusal, wherever Django would answer 500.

What a view raises, Django shows to `process_exception` of its middleware. What middleware raises, it shows to nobody:
around each middleware stands a function that makes the exception a response. So that function is asked here.
"""

from __future__ import annotations

from functools import wraps
from typing import Any, Final

from django.core.handlers import exception as handlers
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from zerotrust.core.errors import Denied
from zerotrust.django.door import door_of
from zerotrust.django.sending import refusal
from zerotrust.django.visit import visit_of
from zerotrust.web import log
from zerotrust.web.answer import undecided
from zerotrust.web.gate import NO_ROUTE
from zerotrust.web.raised import denied_in

_NAME: Final = "response_for_exception"
_MARK: Final = "__zerotrust_answers__"


def cover() -> None:
    """Have Django answer a `Denied` that middleware raised as any refusal, once; what is hidden, with its own 404."""
    within: Any = handlers
    known = getattr(within, _NAME, None)
    if known is None or hasattr(known, _MARK):
        return

    @wraps(known)
    def response_for_exception(request: HttpRequest, exc: Exception) -> Any:
        denied = denied_in(exc)
        if denied is None:
            return known(request, exc)
        return known(request, Http404()) if denied.hidden else answered(request, denied)

    setattr(response_for_exception, _MARK, True)
    setattr(within, _NAME, response_for_exception)


def answered(request: HttpRequest, denied: Denied) -> HttpResponseBase:
    """The answer to a refusal that was raised while `request` was handled."""
    visit = visit_of(request)
    try:
        answer = door_of(request).denied(request, denied, visit)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not answer 500
        return failed(request, error)
    if visit is not None:
        visit.refused = answer
    return refusal(answer, request)


def failed(request: HttpRequest, error: Exception) -> HttpResponseBase:
    """The answer where `request` could not be decided, logged."""
    visit = visit_of(request)
    log.failure("http", NO_ROUTE if visit is None else visit.place.path, error)
    return refusal(undecided(), request)

"""The last look before a view runs: whether it is called for the method that was decided about.

Middleware may change the method in its `process_view`, from a field of a form say, and Django calls those after that of
the guard. The last that Django calls before any view is `make_view_atomic` of its handler, so that is asked here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final

from django import get_version
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from zerotrust.core.errors import ConfigError
from zerotrust.django.door import Door, Prepared, door_of
from zerotrust.django.late import settled
from zerotrust.django.raised import failed
from zerotrust.django.requests import is_awaited
from zerotrust.django.visit import visit_of
from zerotrust.web.access import Access
from zerotrust.web.ambient import acting

_NAME: Final = "make_view_atomic"
_MARK: Final = "__zerotrust_looks__"


def cover() -> None:
    """Have Django look at the method once more when it calls a view; once.

    Raises:
        ConfigError: this release of Django calls views in another way.
    """
    within: Any = BaseHandler
    known = getattr(within, _NAME, None)
    if known is None:
        raise ConfigError(
            f"Django {get_version()} calls views in a way that this release of zerotrust does not know; install one "
            "whose BaseHandler has make_view_atomic, such as Django 5.2"
        )
    if hasattr(known, _MARK):
        return

    @wraps(known)
    def make_view_atomic(handler: BaseHandler, view: Callable[..., Any]) -> Callable[..., Any]:
        return _looking(known(handler, view), is_async=_is_awaited(view))

    setattr(make_view_atomic, _MARK, True)
    setattr(within, _NAME, make_view_atomic)


def _is_awaited(view: Callable[..., Any]) -> bool:
    """`is_awaited`, remembered: it is asked for each request, and takes longer than all else here."""
    try:
        return _known(view)
    except TypeError:  # one that has no hash
        return is_awaited(view)


_known: Final = lru_cache(maxsize=1024)(is_awaited)


def _looking(view: Callable[..., Any], *, is_async: bool) -> Callable[..., Any]:
    """`view`, decided about anew where it is called for another method than was decided about."""
    if is_async:

        async def waiting(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not _is_other(request):
                return await view(request, *args, **kwargs)
            found = _prepared(request)
            if isinstance(found, HttpResponseBase):
                return found
            at, prepared = found
            outcome = settled(request, prepared, await at.decide_async(request, prepared))
            if not isinstance(outcome, Access):
                return outcome
            with acting(outcome):
                return await view(request, *args, **kwargs)

        return waiting

    def calling(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not _is_other(request):
            return view(request, *args, **kwargs)
        found = _prepared(request)
        if isinstance(found, HttpResponseBase):
            return found
        at, prepared = found
        outcome = settled(request, prepared, at.decide(request, prepared))
        if not isinstance(outcome, Access):
            return outcome
        with acting(outcome):
            return view(request, *args, **kwargs)

    return calling


def _is_other(request: HttpRequest) -> bool:
    visit = visit_of(request)
    return visit is not None and visit.method != request.method


def _prepared(request: HttpRequest) -> tuple[Door, Prepared] | HttpResponseBase:
    visit = visit_of(request)
    try:
        at = door_of(request)
        found = None if visit is None else visit.found
        assert found is not None, "the guard has looked what will run"  # noqa: S101
        return at, at.again(request, found)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
        return failed(request, error)

"""The guard as middleware, best the first: it decides before anything of the application runs for a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, ClassVar

from asgiref.sync import markcoroutinefunction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from zerotrust.core.errors import ConfigError
from zerotrust.django.configured import is_guard, middleware
from zerotrust.django.door import Door, Prepared, any_door, door, door_of, doors
from zerotrust.django.installed import missing
from zerotrust.django.raised import answered, cover, failed
from zerotrust.django.requests import is_awaited
from zerotrust.django.sending import add, refusal
from zerotrust.django.standing import stream
from zerotrust.django.visit import Visit, note, visit_of
from zerotrust.web.ambient import enter, leave
from zerotrust.web.answer import Answer, undecided
from zerotrust.web.gate import Passed
from zerotrust.web.raised import denied_in
from zerotrust.web.report import Report

GetResponse = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class Guard:
    """Protects every view, those of the admin site, static files and error pages included; for `MIDDLEWARE`.

    What is required stands in `settings.ZEROTRUST` and at the views: `@require(policy)`, `class View(Require, ...)`.
    Under ASGI it is awaited; nothing of it runs in a thread.

    Args:
        get_response: what Django gives to a middleware.

    Raises:
        ConfigError: the settings are wrong, with what was seen and what to write instead.
    """

    sync_capable: ClassVar[bool] = True
    async_capable: ClassVar[bool] = True
    is_zerotrust_guard: ClassVar[bool] = True

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response: Any = get_response
        self._is_async = is_awaited(get_response)
        if sum(is_guard(kind) for _, kind in middleware()) > 1:
            raise ConfigError("MIDDLEWARE has two Guards; one serves for all: leave the other one out")
        # A middleware further in that can only block makes this one block, too, also under ASGI.
        (door("async") if self._is_async else any_door() if _blocks() else door("blocking")).start()
        cover()
        self.process_view: Callable[..., Any] = self._process_view
        if self._is_async:
            markcoroutinefunction(self)
            self.process_view = self._process_view_async  # else Django would run it in a thread

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Decide about `request`, and have it handled if it is let in."""
        if self._is_async:
            return self._handled_async(request)
        try:
            at = door_of(request)
            if not at.is_sound():
                return refusal(undecided(), request)
            if at.ready is not None and (told := at.ready.response(request)) is not None:
                return told
            prepared = at.prepare(request)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
            return failed(request, error)
        outcome = at.decide(request, prepared)
        if isinstance(outcome, Answer):
            return refusal(outcome, request)
        visit = _let_in(at, request, prepared, outcome)
        token = enter(outcome.access)
        try:
            response: HttpResponseBase = self._get_response(request)
        finally:
            leave(token)
        return _finished(request, response, visit)

    async def _handled_async(self, request: HttpRequest) -> HttpResponseBase:
        try:
            at = door_of(request)
            if not at.is_sound():
                return refusal(undecided(), request)
            if at.ready is not None and (told := await at.ready.response_async(request)) is not None:
                return told
            prepared = at.prepare(request)
        except Exception as error:  # noqa: BLE001 - as above
            return failed(request, error)
        outcome = await at.decide_async(request, prepared)
        if isinstance(outcome, Answer):
            return refusal(outcome, request)
        visit = _let_in(at, request, prepared, outcome)
        token = enter(outcome.access)
        try:
            response: HttpResponseBase = await self._get_response(request)
        finally:
            leave(token)
        return _finished(request, response, visit)

    # --- What Django calls on the way --------------------------------------------------------------------------------

    def _process_view(self, request: HttpRequest, *_: object) -> HttpResponseBase | None:
        """Decide anew, where another view is about to run than was decided about: middleware has changed something."""
        found = _running(request)
        if found is None or isinstance(found, HttpResponseBase):
            return found
        at, prepared = found
        return _decided_anew(request, at, prepared, at.decide(request, prepared))

    async def _process_view_async(self, request: HttpRequest, *_: object) -> HttpResponseBase | None:
        found = _running(request)
        if found is None or isinstance(found, HttpResponseBase):
            return found
        at, prepared = found
        return _decided_anew(request, at, prepared, await at.decide_async(request, prepared))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer a `Denied` that a view raised; what is hidden, with the application's own page for 404.

        Raises:
            Http404: there is nothing here, for this caller.
        """
        denied = denied_in(exception)
        if denied is None:
            return None
        if denied.hidden:
            raise Http404 from None
        return answered(request, denied)


def report() -> Report:
    """Every view with the policy that protects it, as things are now; a problem where no guard enforces them.

    Raises:
        ConfigError: the settings are wrong, with what was seen and what to write instead.
    """
    made = any_door().report()
    return replace(made, problems=(*missing(), *made.problems))


def recheck() -> None:
    """Decide anew about all streaming responses that go on; under WSGI each before its next part; from any thread."""
    for one in doors():
        one.gate.rounds.call()


def _blocks() -> bool:
    """Whether a middleware behind the guard can only block."""
    for _, kind in reversed(middleware()):
        if is_guard(kind):
            return False
        if not getattr(kind, "async_capable", False):
            return True
    return False


def _let_in(at: Door, request: HttpRequest, prepared: Prepared, passed: Passed) -> Visit:
    visit = Visit(passed.access, passed.headers, prepared.place, prepared.found, request.method, request.path_info)
    visit.users = at.users
    note(request, visit)
    if at.users is not None:
        at.users.give(request, passed.access)
    return visit


def _running(request: HttpRequest) -> tuple[Door, Prepared] | HttpResponseBase | None:
    """What has to be decided before the view of `request` runs; None if it has been."""
    visit, match = visit_of(request), request.resolver_match
    try:
        if visit is not None and visit.is_of(request):
            if visit.users is not None:  # Django's own middleware has put its user there meanwhile
                visit.users.give(request, visit.access)
            return None
        at = door_of(request)
        assert match is not None, "Django resolves before it calls"  # noqa: S101
        return at, at.running(request, match)
    except Exception as error:  # noqa: BLE001 - as above
        return failed(request, error)


def _decided_anew(
    request: HttpRequest, at: Door, prepared: Prepared, outcome: Passed | Answer
) -> HttpResponseBase | None:
    before = visit_of(request)
    if isinstance(outcome, Answer):
        if before is not None:
            before.refused = outcome
        return refusal(outcome, request)
    visit = _let_in(at, request, prepared, outcome)
    if before is not None:
        visit.headers = before.headers + visit.headers
    enter(outcome.access)  # ends where that of the guard ends
    return None


def _finished(request: HttpRequest, response: HttpResponseBase, visit: Visit) -> HttpResponseBase:
    visit = visit_of(request) or visit  # another one, if it was decided anew
    if visit.refused is not None and response.status_code == visit.refused.status:
        return refusal(visit.refused, request, response)  # as it is, without what middleware has done to it
    if visit.headers:
        add(response, visit.headers)
    if getattr(response, "streaming", False):
        at = door_of(request)
        stream(response, visit.access, visit.place, at.gate, at.watch)
    return response

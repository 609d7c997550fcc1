"""How a view decides by itself that the guard did not decide about: its mark was hidden, or no guard stands there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Final, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from zerotrust.core.policy import Policy, all_of
from zerotrust.django.door import Door, Prepared, door_of
from zerotrust.django.sending import add, refusal
from zerotrust.django.visit import Visit, note, visit_of
from zerotrust.web import log
from zerotrust.web.access import Access
from zerotrust.web.ambient import acting
from zerotrust.web.answer import Answer, undecided
from zerotrust.web.gate import Checkpoint, Passed
from zerotrust.web.report import Protection

_LOG: Final = logging.getLogger("zerotrust.guard")
_told: Final[set[str]] = set()  # routes at which the log has been told that no guard stands there


def insisting(request: HttpRequest, policy: Policy, view: Callable[[], object], owner: object = None) -> object:
    """What `view` answers, once `policy` holds for `request`; else the refusal.

    Where an event loop runs in this thread, or the class-based view `owner` is an asynchronous one, something awaits
    the answer: then it is an awaitable.
    """
    if is_granted(request, policy):
        return view()
    if getattr(owner, "view_is_async", False):
        return insisting_async(request, policy, view)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        outcome = decided(request, policy)
        if not isinstance(outcome, Access):
            return outcome
        with acting(outcome):
            return _finished(request, view())
    return insisting_async(request, policy, view)


async def insisting_async(request: HttpRequest, policy: Policy, view: Callable[[], object]) -> object:
    """`insisting` for what is awaited."""
    if is_granted(request, policy):
        answer = view()
        return await cast("Awaitable[object]", answer) if isawaitable(answer) else answer
    outcome = await _decided_async(request, policy)
    if not isinstance(outcome, Access):
        return outcome
    with acting(outcome):
        answer = view()
        return _finished(request, await answer if isawaitable(answer) else answer)


def decided(request: HttpRequest, policy: Policy) -> Access | HttpResponseBase:
    """The access of who made `request`, if `policy` holds besides what was required before; else the refusal."""
    door, prepared = _prepared(request, policy)
    if door is None or prepared is None:
        return refusal(undecided(), request)
    return settled(request, prepared, door.decide(request, prepared))


async def _decided_async(request: HttpRequest, policy: Policy) -> Access | HttpResponseBase:
    door, prepared = _prepared(request, policy)
    if door is None or prepared is None:
        return refusal(undecided(), request)
    return settled(request, prepared, await door.decide_async(request, prepared))


def is_granted(request: HttpRequest, policy: Policy) -> bool:
    """Whether what let `request` in covers `policy`."""
    visit = visit_of(request)
    return visit is not None and policy in visit.access.grants


def _prepared(request: HttpRequest, policy: Policy) -> tuple[Door, Prepared] | tuple[None, None]:
    visit, route = visit_of(request), "a view"
    try:
        route = _route(request)
        if visit is None and route not in _told:
            _told.add(route)
            _LOG.warning(
                "at %s no guard stands before a requirement: put zerotrust.django.Guard into MIDDLEWARE", route
            )
        door = door_of(request)
        checked = door.gate.policy(policy, "require(...)")
        grants = frozenset[object]((policy,))
        if visit is not None:
            grants |= visit.access.grants
            if visit.place.protection.policy != checked and visit.place.protection.open_because is None:
                checked = all_of(visit.place.protection.policy, checked)
        place = Checkpoint(Protection(checked, "require"), route, grants)
        return door, door.prepared(request, place, None if visit is None else visit.found)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here, it must neither allow nor answer 500
        log.failure("http", route, error)
        return None, None


def settled(request: HttpRequest, prepared: Prepared, outcome: Passed | Answer) -> Access | HttpResponseBase:
    """The access that `outcome` gives, noted on `request`; else the refusal, which a guard will send as it is."""
    before = visit_of(request)
    if isinstance(outcome, Answer):
        if before is not None:
            before.refused = outcome
        return refusal(outcome, request)
    visit = Visit(outcome.access, outcome.headers, prepared.place, prepared.found, request.method, request.path_info)
    visit.guarded = before is not None and before.guarded
    note(request, visit)
    if before is not None:
        visit.headers, visit.users, visit.told = before.headers + visit.headers, before.users, before.told
        if visit.users is not None:  # it is the access that was given last whose user this is
            visit.users.give(request, visit.access)
        if visit.told is not None:
            visit.told()
    return outcome.access


def _finished(request: HttpRequest, answer: object) -> object:
    """`answer` with what belongs into it, where no guard will add it."""
    visit = visit_of(request)
    if visit is not None and not visit.guarded and isinstance(answer, HttpResponseBase):
        add(answer, visit.headers)
    return answer


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return "a view" if match is None else f"/{match.route}"

"""What came of a ceremony as an answer: JSON where JSON was posted, a page or a way on where a form was."""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from math import ceil

from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.reason import REPLAYED, WRONG_CODE
from zerotrust.web.answer import Answer, answer
from zerotrust.web.ceremonies import replies
from zerotrust.web.ceremonies.home import viewing
from zerotrust.web.ceremonies.landing import landing
from zerotrust.web.ceremonies.page import page
from zerotrust.web.ceremonies.reading import NO_CODE
from zerotrust.web.ceremonies.setup import Done, Outcome, Refused, Visit
from zerotrust.web.ceremonies.view import OfferView, PageView, Problem
from zerotrust.web.ceremonies.ways import methods_of, narrowing, step_up
from zerotrust.web.continuing import Headers

_ASKED_AGAIN = ("totp/enrol", "hotp/enrol")


def as_json(visit: Visit, outcome: Outcome) -> Gather[Answer]:
    """The outcome for `zerotrust.js` and other programs."""
    if isinstance(outcome, Done):
        return replies.told(outcome.members, outcome.status, outcome.headers, outcome.said or "told")
    if isinstance(outcome, Refused):
        return (yield from _refusal(visit, outcome.decision))
    return replies.refused(outcome)


def as_page(visit: Visit, outcome: Outcome) -> Gather[Answer]:
    """The outcome for a browser that posted a form: on to where the person was going, or a page with what is wrong.

    `next` is looked at again here: it came with the form.
    """
    following = landing(visit.posted.members.get("next"))
    if isinstance(outcome, Done):
        if outcome.offer is not None or outcome.codes:
            view = yield from viewing(visit, next=following, offer=outcome.offer, codes=outcome.codes)
            return replies.page_answer(page(view), 200, outcome.headers, outcome.said or "told")
        back = f"{visit.at}/?done={outcome.said}"
        return replies.onward(following or back, outcome.headers, outcome.said or "told")
    if isinstance(outcome, Refused):
        refusal = yield from _refusal(visit, outcome.decision)
        members = json.loads(refusal.body)
        wanted = methods_of(members.get("step_up"))
        problem = Problem(refusal.code, members["detail"], retry_after=members.get("retry_after"))
        view = yield from viewing(
            visit, next=following or f"{visit.at}/", wanted=wanted, stepping_up=bool(wanted), problem=problem
        )
        told = tuple(one for one in refusal.headers if one[0] in (b"www-authenticate", b"retry-after"))
        return replies.page_answer(page(view), refusal.status, told, refusal.code)
    wait = replies.retry_after(outcome)
    code = "no_code" if outcome == NO_CODE else outcome.code
    if outcome.kind is REPLAYED and not visit.path.startswith("passkey/"):
        code = "code_used"
    if outcome.kind is WRONG_CODE and visit.path == "recovery/verify":  # what was used is not kept to compare with
        code = "code_wrong_or_used"
    problem = Problem(code, outcome.kind.sentence, visit.path, wait)
    again = OfferView(visit.path.partition("/")[0], "", "") if visit.path in _ASKED_AGAIN else None
    stepping_up = bool(following) and visit.path.endswith("/verify")
    wanted = (visit.path.partition("/")[0],) if stepping_up else ()
    view = yield from viewing(
        visit, next=following, wanted=wanted, stepping_up=stepping_up, problem=problem, offer=again
    )
    headers: Headers = () if wait is None else ((b"retry-after", str(wait).encode()),)
    return replies.page_answer(page(view), replies.status_of(outcome), headers, outcome.code)


def out_of_order(visit: Visit, failure: SourceFailed) -> Answer:
    """The page while a store does not answer: it knows nobody, and says so."""
    wait = ceil(min(max(failure.retry_after, 1.0), 3600.0))
    problem = Problem(failure.reason.code, failure.reason.kind.sentence, retry_after=wait)
    view = PageView(visit.at, visit.setup.name, visit.now, problem=problem)
    headers = ((b"retry-after", str(wait).encode()),)
    return replies.page_answer(page(view), HTTPStatus.SERVICE_UNAVAILABLE, headers, failure.reason.code)


def _refusal(visit: Visit, decision: Challenge | Deny) -> Gather[Answer]:
    ways = step_up(decision, visit.setup, visit.request, visit.at)
    if ways is not None:
        ways = yield from narrowing(ways, decision, visit.setup)
    told = answer(decision, request=visit.request, step_up=ways)
    return replace(told, headers=(*told.headers, *replies.SAFE))

"""The routes of sessions: list them, end some, sign out."""

from __future__ import annotations

from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.reason import MALFORMED, Reason
from zerotrust.factors.account import Account
from zerotrust.web.ceremonies.enrolment import ending_others
from zerotrust.web.ceremonies.reading import text
from zerotrust.web.ceremonies.remembering import marking
from zerotrust.web.ceremonies.requirements import knowing
from zerotrust.web.ceremonies.setup import Done, Known, Outcome, Refused, Visit
from zerotrust.web.ceremonies.view import SessionView


def sessions(visit: Visit) -> Gather[Outcome]:
    """The sessions of whoever is there."""
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        return known
    found = yield from viewing(visit, known)
    return Done(
        {
            "sessions": [
                {
                    "handle": one.handle,
                    "started_at": one.started_at,
                    "seen_at": one.seen_at,
                    "ends_at": one.ends_at,
                    "current": one.current,
                }
                for one in found
            ]
        }
    )


def viewing(visit: Visit, known: Known) -> Gather[tuple[SessionView, ...]]:
    """The sessions of `known`, the current one first, then the latest."""
    account: Account = known.account
    found = yield from visit.setup.session.listing(account, visit.now)
    views = [
        SessionView(one.handle, one.started_at, one.seen_at, one.ends_at, one.handle == known.evidence.handle)
        for one in found
    ]
    return tuple(sorted(views, key=lambda view: (not view.current, -view.started_at)))


def revoke(visit: Visit) -> Gather[Outcome]:
    """End one session, or all but this one. Whoever is there may: it takes access away, and gives none."""
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        return known
    session, handle = visit.setup.session, known.evidence.handle
    if visit.posted.members.get("all") in (True, "true") and "handle" not in visit.posted.members:
        if all(proof.method == "password" for proof in known.evidence.proofs):
            # Who has but stolen the password must not make the owner's browsers unknown, to use up what others may.
            count = yield from session.revoking(known.account, visit.now, but=handle or None)
            return Done({"revoked": count}, said="revoked")
        count = yield from ending_others(visit, known)
        return Done({"revoked": count}, headers=(yield from marking(visit, known.account)), said="revoked")
    if "all" in visit.posted.members:
        return MALFORMED(expected='a handle, or "all": true')
    wanted = text(visit.posted, "handle")
    if isinstance(wanted, Reason):
        return wanted
    count = yield from session.revoking(known.account, visit.now, handle=wanted)
    headers = (yield from session.ending(visit.request)) if wanted == handle else ()
    return Done({"revoked": count}, headers=headers, said="revoked")


def sign_out(visit: Visit) -> Gather[Outcome]:
    """End the session of this browser, whatever is wrong with it; while the store is out, in this browser alone."""
    session = visit.setup.session
    try:
        headers = yield from session.ending(visit.request)
    except SourceFailed:
        visit.renewals[:] = session.carrier.clear(visit.request)
        raise
    return Done({}, headers=headers, said="signed_out")

"""What has to be shown before a ceremony, decided by the engine like everything else.

Who has a factor enrolled must show what `manage` asks; who has none, what `first` asks. The second is the weaker one,
so it must never let anybody in beside a factor that is there already: it is looked at again when an enrolment ends,
under a lease that one of several enrolments of an account gets. And whoever was let in must still be in when it has
been done: if the session was ended meanwhile, by its owner removing the stolen factor say, what was enrolled is taken
back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from secrets import token_bytes
from typing import Final, TypeVar

from zerotrust.core.ask import Advance, Gather, SourceFailed, ask
from zerotrust.core.decision import Allow
from zerotrust.core.finding import Unavailable
from zerotrust.core.policy import Policy
from zerotrust.core.reason import THROTTLED, Reason
from zerotrust.engine import deciding
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.web.ceremonies.setup import Known, Refused, Visit

T = TypeVar("T")

LEASES: Final = "ceremonies_first"
"""The space in which the first enrolment of an account is one at a time."""

# Longer than any run of steps may take; a process that dies keeps others waiting for as long.
_LEASE: Final = 60.0
_FREE: Final = b"-"
_BUSY: Final = THROTTLED(expected=1, detail="another enrolment of this account is under way")


def meeting(visit: Visit, policy: Policy) -> Gather[Known | Refused]:
    """Who is there, if `policy` lets them; it has to ask about the session."""
    decision = yield from deciding(policy, visit.request)
    session = visit.setup.session
    found = decision.finding(session)
    if found is not None:
        visit.renewals[:] = session.renewing(found, visit.now)
    if not isinstance(decision, Allow):
        return Refused(decision)
    evidence = decision[session]
    about = None if session.of is None else decision.get(session.of)
    return Known(Account(evidence.source, evidence.subject), evidence, about)


def knowing(visit: Visit) -> Gather[Known | Refused]:
    """Who is there."""
    return (yield from meeting(visit, visit.setup.signed_in))


def seeing(visit: Visit) -> Gather[Known | Refused | None]:
    """Who is there; None if nobody is, and a passkey may say who it is."""
    known = yield from knowing(visit)
    if isinstance(known, Known) or visit.setup.session.of is not None:
        return known
    found = known.decision.finding(visit.setup.session)
    return known if isinstance(found, Unavailable) else None


def managing(visit: Visit) -> Gather[Known | Refused]:
    """Who is there, if they have shown what changing anything takes."""
    return (yield from meeting(visit, visit.setup.manage))


def listing(visit: Visit, account: Account) -> Gather[tuple[Enrolled, ...]]:
    """All that `account` has enrolled."""
    found: list[Enrolled] = []
    for factor in visit.setup:
        found += yield from factor.listing(account, visit.now)
    return tuple(found)


def permitted(visit: Visit) -> Gather[Known | Refused]:
    """Who is there, if they may enrol as things stand."""
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        return known
    enrolled = yield from listing(visit, known.account)
    return (yield from meeting(visit, visit.setup.manage if enrolled else visit.setup.first))


def enrolling(
    visit: Visit, enrol: Callable[[Known], Gather[T | Reason]], undo: Callable[[Known, T], Gather[object]]
) -> Gather[tuple[Known, T] | Refused | Reason]:
    """Enrol something, if whoever is there may.

    Args:
        visit: the visit.
        enrol: does it, or says why not.
        undo: takes it back.

    Returns:
        Who is there and what was enrolled; else what is asked for before, or why it was not done.
    """
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        return known
    if (yield from listing(visit, known.account)):
        return (yield from _under(visit, visit.setup.manage, enrol, undo))
    known = yield from meeting(visit, visit.setup.first)
    if isinstance(known, Refused):
        return known
    key, lease, now = known.account.key, token_bytes(16), visit.now
    for before in (None, _FREE):
        if (yield from ask(Advance(LEASES, key, before, lease, now + _LEASE, now))):
            break
    else:
        return _BUSY
    # Nobody else enrols a first factor of this account before the lease ends; whoever did, did it before.
    policy = visit.setup.manage if (yield from listing(visit, known.account)) else visit.setup.first
    outcome = yield from _under(visit, policy, enrol, undo)
    with suppress(SourceFailed):  # it ends by itself
        yield from ask(Advance(LEASES, key, lease, _FREE, now + _LEASE, now))
    return outcome


def _under(
    visit: Visit,
    policy: Policy,
    enrol: Callable[[Known], Gather[T | Reason]],
    undo: Callable[[Known, T], Gather[object]],
) -> Gather[tuple[Known, T] | Refused | Reason]:
    before = yield from meeting(visit, policy)
    if isinstance(before, Refused):
        return before
    made = yield from enrol(before)
    if isinstance(made, Reason):
        return made
    after = yield from meeting(visit, policy)
    if isinstance(after, Refused):
        yield from undo(before, made)
        return after
    return after, made

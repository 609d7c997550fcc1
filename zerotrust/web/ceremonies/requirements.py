"""What has to be shown before a ceremony, decided by the engine like everything else.

Who has a factor enrolled must show what `manage` asks; who has none, what `first` asks. The second is the weaker one,
so it must never let anybody in beside a factor that is there already: an enrolment that begins with it runs under a
lease that one of several enrolments of an account gets.
"""

from __future__ import annotations

from collections.abc import Iterable

from zerotrust.core.ask import Gather
from zerotrust.core.decision import Allow
from zerotrust.core.finding import Unavailable
from zerotrust.core.policy import Policy
from zerotrust.engine import deciding
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.web.ceremonies.setup import Known, Refused, Setup, Visit


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
    account = Account(evidence.source, evidence.subject)
    visit.people.append(account)
    return Known(account, evidence, about)


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


def listing(visit: Visit, account: Account) -> Gather[tuple[Enrolled, ...]]:
    """All that `account` has enrolled."""
    found: list[Enrolled] = []
    for factor in visit.setup:
        found += yield from factor.listing(account, visit.now)
    return tuple(found)


def good(enrolled: Iterable[Enrolled]) -> tuple[Enrolled, ...]:
    """Those of `enrolled` by which something can be proven: recovery codes that are all used up prove nothing."""
    return tuple(one for one in enrolled if one.left != 0)


def policy_for(setup: Setup, enrolled: tuple[Enrolled, ...]) -> Policy:
    """What to show before anything is changed, if all of `enrolled` is good.

    A code may be phished: where there is a passkey, none but those of recovery open the way to another (SP 800-63B-4
    section 4.2).
    """
    if not enrolled:
        return setup.first
    return setup.guarded if any(one.method == "passkey" for one in enrolled) else setup.manage


def permitted(visit: Visit) -> Gather[Known | Refused]:
    """Who is there, if they may change something as things stand."""
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        return known
    enrolled = good((yield from listing(visit, known.account)))
    return (yield from meeting(visit, policy_for(visit.setup, enrolled)))

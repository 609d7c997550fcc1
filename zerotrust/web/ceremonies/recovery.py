"""The routes of recovery codes: make new ones, use one."""

from __future__ import annotations

from zerotrust.core.ask import Gather
from zerotrust.core.reason import Reason
from zerotrust.factors.enrolled import Enrolled
from zerotrust.verifiers.factor import Sure
from zerotrust.verifiers.recovery_codes import NewCodes, RecoveryCodes
from zerotrust.web.ceremonies.codes import MOST_CODE
from zerotrust.web.ceremonies.enrolment import Made, Way, enrolling
from zerotrust.web.ceremonies.reading import text
from zerotrust.web.ceremonies.remembering import forgotten, known_here, marking, proven
from zerotrust.web.ceremonies.requirements import knowing
from zerotrust.web.ceremonies.setup import Done, Known, Outcome, Refused, Visit


def verify(visit: Visit, codes: RecoveryCodes) -> Gather[Outcome]:
    """Use up a code."""
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        return known
    code = text(visit.posted, "code", MOST_CODE)
    if isinstance(code, Reason):
        return code
    trusted = yield from known_here(visit, known.account)
    proving = yield from codes.proving(known.account, code, visit.now, visit.request.client, trusted)
    if isinstance(proving, Reason):
        return proving
    return (yield from proven(visit, codes, proving, known))


def regenerate(visit: Visit, codes: RecoveryCodes) -> Gather[Outcome]:
    """New codes in place of all there were, shown this once: whatever fails when they count, they are shown.

    Where one of the old ones was used, whoever used it may not have been the owner: other sessions end.
    """
    before: list[Enrolled] = []

    def make(known: Known, sure: Sure) -> Gather[NewCodes | Reason]:
        before.extend((yield from codes.listing(known.account, visit.now)))
        return (yield from codes.making(known.account, visit.now, sure))

    def remove(known: Known, made: NewCodes) -> Gather[Reason | None]:
        return codes.removing(known.account, made.id, visit.now)

    def used() -> bool:
        return any(one.used_at is not None for one in before)

    made = yield from enrolling(visit, Way(codes.method, make, lambda one: one.id, remove, used))
    if not isinstance(made, Made):
        return made
    new, headers = made.one.codes, (yield from forgotten(visit, codes, made))
    if used():
        headers = (*headers, *(yield from marking(visit, made.known.account)))
    return Done({"codes": list(new)}, 201, headers, "enrolled", codes=new)

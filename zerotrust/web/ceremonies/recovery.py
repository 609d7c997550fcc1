"""The routes of recovery codes: make new ones, use one."""

from __future__ import annotations

from typing import TypeAlias

from zerotrust.core.ask import Gather
from zerotrust.core.reason import Reason
from zerotrust.factors.enrolled import Enrolled
from zerotrust.verifiers.recovery_codes import RecoveryCodes
from zerotrust.web.ceremonies.codes import MOST_CODE
from zerotrust.web.ceremonies.reading import text
from zerotrust.web.ceremonies.remembering import known_here, proven, replacing
from zerotrust.web.ceremonies.requirements import enrolling, knowing
from zerotrust.web.ceremonies.setup import Done, Known, Outcome, Refused, Visit

_Codes: TypeAlias = tuple[str, ...]


def verify(visit: Visit, codes: RecoveryCodes) -> Gather[Outcome]:
    """Use up a code."""
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        return known
    code = text(visit.posted, "code", MOST_CODE)
    if isinstance(code, Reason):
        return code
    trusted = known_here(visit, known.account)
    proving = yield from codes.proving(known.account, code, visit.now, visit.request.client, trusted)
    if isinstance(proving, Reason):
        return proving
    return (yield from proven(visit, codes, proving, known))


def regenerate(visit: Visit, codes: RecoveryCodes) -> Gather[Outcome]:
    """New codes in place of all there were, shown this once.

    Where one of the old ones was used, whoever used it may not have been the owner: other sessions end.
    """
    before: list[Enrolled] = []

    def make(known: Known) -> Gather[_Codes | Reason]:
        before.extend((yield from codes.listing(known.account, visit.now)))
        return (yield from codes.regenerating(known.account, visit.now))

    def undo(known: Known, _: _Codes) -> Gather[object]:
        for one in (yield from codes.listing(known.account, visit.now)):
            yield from codes.removing(known.account, one.id, visit.now)
        return None

    made = yield from enrolling(visit, make, undo)
    if not isinstance(made, tuple):
        return made
    known, new = made
    if any(one.used_at is not None for one in before):
        yield from replacing(visit, known)
    return Done({"codes": list(new)}, 201, said="enrolled", codes=new)

"""After a proof: the session remembers it under a new id, and the browser counts as known."""

from __future__ import annotations

from zerotrust.core.ask import Gather
from zerotrust.core.reason import NOT_ENROLLED, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.proof import Proof
from zerotrust.verifiers.factor import FactorVerifier, Proving
from zerotrust.verifiers.session import Begun
from zerotrust.web.ceremonies.setup import Done, Known, Outcome, Visit
from zerotrust.web.continuing import Headers
from zerotrust.wire.json import JsonValue


def known_here(visit: Visit, account: Account) -> bool:
    """Whether `account` has proven a factor in this browser before."""
    devices = visit.setup.devices
    return devices is not None and devices.knows(visit.request, account)


def remembering(
    visit: Visit, factor: FactorVerifier, proving: Proving, known: Known | None
) -> Gather[Headers | Reason]:
    """The cookies to set after `proving`; the reason if the session does not take it.

    A factor that was removed in between proves nothing: its owner ended all other sessions then, and this one may have
    begun after that.
    """
    session, request = visit.setup.session, visit.request
    begun: Begun | Reason
    if known is None:
        begun = yield from session.beginning(proving.account, request, proofs=(proving.proof,))
    else:
        begun = yield from session.adding(request, proving, known.about)
    if isinstance(begun, Reason):
        return begun
    listed = yield from factor.listing(proving.account, visit.now)
    if all(one.id != proving.proof.by for one in listed):
        yield from session.revoking(proving.account, visit.now, handle=begun.record.handle)
        return NOT_ENROLLED(detail="removed meanwhile")
    devices = visit.setup.devices
    return begun.headers if devices is None else (*begun.headers, *devices.remembering(request, proving.account))


def proven(visit: Visit, factor: FactorVerifier, proving: Proving, known: Known | None) -> Gather[Outcome]:
    """What is answered to a factor that was proven."""
    headers = yield from remembering(visit, factor, proving, known)
    if isinstance(headers, Reason):
        return headers
    proof = proving.proof
    members: dict[str, JsonValue] = {"method": proof.method, "at": proof.at, "user_verified": proof.user_verified}
    return Done({"proven": members}, headers=headers, said="proven")


def enrolled(visit: Visit, factor: FactorVerifier, made: Enrolled, known: Known) -> Gather[Outcome]:
    """What is answered to a factor that was enrolled: it has just been used, so it counts as proven, and no more."""
    proof = Proof(factor.method, visit.now, made.id, factor.scope)
    headers = yield from remembering(visit, factor, Proving(known.account, proof), known)
    if isinstance(headers, Reason):
        headers = ()  # it is enrolled all the same; what comes next asks for it
    return Done({"factor": listed(made)}, 201, headers, "enrolled")


def replacing(visit: Visit, known: Known) -> Gather[None]:
    """End the other sessions: what was replaced may have been proven in them."""
    yield from visit.setup.session.revoking(known.account, visit.now, but=known.evidence.handle or None)


def listed(one: Enrolled) -> dict[str, JsonValue]:
    """An authenticator as its owner sees it."""
    return {
        "id": one.id,
        "method": one.method,
        "name": one.name,
        "enrolled_at": one.enrolled_at,
        "used_at": one.used_at,
        "left": one.left,
        "detail": one.detail,
    }

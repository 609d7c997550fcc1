"""After a proof: the session remembers it under a new id, and the browser counts as known."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.reason import NOT_ENROLLED, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.proof import Method, Proof
from zerotrust.verifiers.factor import FactorVerifier, Proving
from zerotrust.verifiers.recovery_codes import NewCodes
from zerotrust.verifiers.session import Begun
from zerotrust.web.ceremonies.enrolment import Made, insisting
from zerotrust.web.ceremonies.setup import Done, Known, Outcome, Visit
from zerotrust.web.continuing import Headers
from zerotrust.wire.json import JsonValue


def known_here(visit: Visit, account: Account) -> Gather[str]:
    """By which id this browser is known, in which `account` has proven a factor before; empty if it is not."""
    devices = visit.setup.devices
    return "" if devices is None else (yield from devices.knowing(visit.request, account))


def marking(visit: Visit, account: Account) -> Gather[Headers]:
    """Have this browser be known from now on, if the store says how: `account` has proven a factor in it."""
    devices = visit.setup.devices
    with suppress(SourceFailed):
        return () if devices is None else (yield from devices.remembering(visit.request, account))
    return ()


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
    return (yield from _checked(visit, factor, proving, begun))


def _checked(visit: Visit, factor: FactorVerifier, proving: Proving, begun: Begun) -> Gather[Headers | Reason]:
    session = visit.setup.session
    # Before it is sure that the factor is there: what is removed after that has this browser forgotten, too.
    marked = yield from marking(visit, proving.account)
    listed = yield from factor.listing(proving.account, visit.now)
    if all(one.id != proving.proof.by for one in listed):
        yield from session.revoking(proving.account, visit.now, handle=begun.record.handle)
        return NOT_ENROLLED(detail="removed meanwhile")
    return (*begun.headers, *marked)


def proven(visit: Visit, factor: FactorVerifier, proving: Proving, known: Known | None) -> Gather[Outcome]:
    """What is answered to a factor that was proven."""
    headers = yield from remembering(visit, factor, proving, known)
    if isinstance(headers, Reason):
        return headers
    visit.people.append(proving.account)  # who signs in with a passkey was not there before
    proof = proving.proof
    members: dict[str, JsonValue] = {"method": proof.method, "at": proof.at, "user_verified": proof.user_verified}
    return Done({"proven": members}, headers=headers, said="proven")


def enrolled(visit: Visit, factor: FactorVerifier, made: Made[Enrolled]) -> Gather[Outcome]:
    """What is answered to an authenticator whose first code enrolled it: it has just been used, so it counts as proven.

    It is enrolled whatever becomes of that; what comes next asks for what is missing.
    """
    proving = Proving(made.known.account, Proof(factor.method, visit.now, made.one.id, factor.scope))
    headers: Headers = ()
    with suppress(SourceFailed):
        adding = visit.setup.session.adding(visit.request, proving, made.known.about, replaces=made.replaced or "")
        begun = yield from adding
        if isinstance(begun, Begun):
            headers = begun.headers
            checked = yield from _checked(visit, factor, proving, begun)
            headers = () if isinstance(checked, Reason) else checked
        elif _has_proven(made, factor):
            yield from insisting(lambda: ending(visit, made.known))
    return Done({"factor": listed(made.one)}, 201, headers, "enrolled")


def forgotten(visit: Visit, factor: FactorVerifier, made: Made[NewCodes]) -> Gather[Headers]:
    """The cookies to set where the session forgets what was proven by what was replaced."""
    if made.replaced is None or not _has_proven(made, factor):
        return ()
    with suppress(SourceFailed):
        return (yield from forgetting(visit, made.known, factor.method, made.replaced))
    return ()


def forgetting(visit: Visit, known: Known, method: Method, by: str) -> Gather[Headers]:
    """The session forgets what the authenticator `by` has proven.

    Where it goes on under another id than that of this request it ends: the proof would count on for whoever has that.
    """
    begun = yield from visit.setup.session.forgetting(visit.request, method, by, known.about)
    if isinstance(begun, Begun):
        return begun.headers
    yield from ending(visit, known)
    return ()


def ending(visit: Visit, known: Known) -> Gather[object]:
    """End the session of `known`."""
    if not known.evidence.handle:
        return 0
    return (yield from visit.setup.session.revoking(known.account, visit.now, handle=known.evidence.handle))


def _has_proven(made: Made[Any], factor: FactorVerifier) -> bool:
    return any((proof.method, proof.by) == (factor.method, made.replaced) for proof in made.known.evidence.proofs)


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

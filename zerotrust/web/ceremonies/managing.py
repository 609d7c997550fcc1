"""The routes that manage factors: list, rename, remove."""

from __future__ import annotations

from zerotrust.core.ask import Gather
from zerotrust.core.reason import MALFORMED, NOT_ENROLLED, Reason
from zerotrust.factors.proof import Proof
from zerotrust.verifiers.factor import FactorVerifier
from zerotrust.web.ceremonies.enrolment import ending_others
from zerotrust.web.ceremonies.reading import label, text
from zerotrust.web.ceremonies.remembering import forgetting, listed, marking
from zerotrust.web.ceremonies.requirements import knowing, listing, permitted
from zerotrust.web.ceremonies.setup import Done, Outcome, Refused, Visit
from zerotrust.wire.json import JsonValue


def factors(visit: Visit) -> Gather[Outcome]:
    """What whoever is there has enrolled, and what their session remembers."""
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        return known
    enrolled = yield from listing(visit, known.account)
    evidence = known.evidence
    return Done(
        {
            "account": {"name": visit.setup.person(known.account)},
            "factors": [listed(one) for one in enrolled],
            "session": {
                "handle": evidence.handle,
                "started_at": evidence.started_at,
                "proofs": [_shown(proof) for proof in evidence.proofs],
            },
        }
    )


def rename(visit: Visit) -> Gather[Outcome]:
    """Call an authenticator something else."""
    known = yield from permitted(visit)
    if isinstance(known, Refused):
        return known
    factor, id_, name = _factor(visit), text(visit.posted, "id"), label(visit.posted)
    if isinstance(factor, Reason):
        return factor
    if isinstance(id_, Reason):
        return id_
    if isinstance(name, Reason):
        return name
    if not name:
        return MALFORMED(expected="a text called name")
    refused = yield from factor.renaming(known.account, id_, name, visit.now)
    return Done({}, said="renamed") if refused is None else refused


def remove(visit: Visit) -> Gather[Outcome]:
    """Forget an authenticator; all sessions but this one end, and this one forgets what it has proven.

    Nor is any browser known after that but this one. In this order: sessions that end before the authenticator is gone
    could be begun anew with it. Where it is gone already the rest is done all the same, since an earlier attempt may
    have got no further.
    """
    known = yield from permitted(visit)
    if isinstance(known, Refused):
        return known
    factor, id_ = _factor(visit), text(visit.posted, "id")
    if isinstance(factor, Reason):
        return factor
    if isinstance(id_, Reason):
        return id_
    refused = yield from factor.removing(known.account, id_, visit.now)
    if refused is not None and refused.kind is not NOT_ENROLLED:
        return refused
    yield from ending_others(visit, known)
    proven = any((proof.method, proof.by) == (factor.method, id_) for proof in known.evidence.proofs)
    if refused is not None and not proven:
        return refused
    headers = yield from forgetting(visit, known, factor.method, id_)
    return Done({}, headers=(*headers, *(yield from marking(visit, known.account))), said="removed")


def _factor(visit: Visit) -> FactorVerifier | Reason:
    method = text(visit.posted, "method")
    if isinstance(method, Reason):
        return method
    served = ", ".join(factor.method for factor in visit.setup)
    found = (factor for factor in visit.setup if factor.method == method)
    return next(found, MALFORMED(expected=f"a method that is served here: {served}"))


def _shown(proof: Proof) -> dict[str, JsonValue]:
    return {"method": proof.method, "at": proof.at, "user_verified": proof.user_verified}

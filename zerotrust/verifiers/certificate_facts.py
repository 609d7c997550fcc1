"""What a certificate or a SPIFFE id says as attributes, and evidence made up to say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.exhibit import put, text, texts
from zerotrust.core.facts import Attribute, Fact, Negated, Present, Provided
from zerotrust.core.reason import Reason
from zerotrust.verifiers.certificate_evidence import CertificateEvidence
from zerotrust.verifiers.svid_evidence import PeerEvidence
from zerotrust.wire.certificate import NO_NAMES, AlternativeNames
from zerotrust.wire.spiffe import SpiffeId, parse_spiffe_id

FINGERPRINT: Final = Attribute("fingerprint", private=True)
SPKI: Final = Attribute("spki", private=True)
ISSUERS: Final = Attribute("issuers")
NOT_AFTER: Final = Attribute("not_after", better=1)
HOP: Final = Attribute("hop", optional=True)
ASSERTED_BY: Final = Attribute("asserted_by", optional=True)

# An id is a trust domain and a path, and any path may be in any trust domain.
TRUST_DOMAIN: Final = Attribute("spiffe_id.trust_domain", optional=True)
PATH: Final = Attribute("spiffe_id.path")
"""Empty where there is no SPIFFE id."""

_NAMES: Final = "names."
_LAST: Final = 253402300799.0  # the end of the year 9999: what never ends, or is long past, is no number in JSON

C = TypeVar("C", bound=CertificateEvidence)
X = TypeVar("X", bound=Evidence)


def names(kind: str) -> Attribute:
    """The alternative names of a kind: `dns`, `uris` or `emails`."""
    return Attribute(f"{_NAMES}{kind}", private=kind == "emails")


def seen(fact: Fact) -> Fact:
    """`fact` of a certificate that somebody has seen here; UNKNOWN where there is only the word of a hop."""
    return Provided(Negated(Present(ASSERTED_BY)), fact)


def read_certificate(evidence: Evidence, name: str) -> object:
    """What `evidence` says of the attribute `name`, as plain data for JSON; None if nothing."""
    if name in (TRUST_DOMAIN.name, PATH.name):
        spiffe_id: SpiffeId | None = getattr(evidence, "spiffe_id", None)
        if spiffe_id is None:
            return None if name == TRUST_DOMAIN.name else ""
        return spiffe_id.trust_domain.name if name == TRUST_DOMAIN.name else spiffe_id.path
    if name == NOT_AFTER.name:
        return max(0.0, min(getattr(evidence, name), _LAST))
    holder, _, field = name.rpartition(".")
    value: object = getattr(getattr(evidence, holder) if holder else evidence, field)
    return list(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else value


def exhibit_certificate(blank: C, values: Mapping[str, object], name: str) -> C:
    """`blank`, with `values` said: alternative names and a SPIFFE id, too; else `PolicyError`."""
    said = {attribute: value for attribute, value in values.items() if value is not None}
    held: AlternativeNames = NO_NAMES
    for attribute in [one for one in said if one.startswith(_NAMES)]:
        listed = texts(name, attribute, said.pop(attribute))
        held = replace(held, **cast("dict[str, Any]", {_kind(name, attribute): listed}))
    return replace(exhibit_spiffe(blank, said, name), names=held)


def exhibit_spiffe(blank: X, values: Mapping[str, object], name: str) -> X:
    """`blank`, with `values` said; else `PolicyError`. Its subject is the SPIFFE id, unless they say another."""
    said = {attribute: value for attribute, value in values.items() if value is not None}
    domain, path = said.pop(TRUST_DOMAIN.name, None), text(name, PATH.name, said.pop(PATH.name, ""))
    if domain is None:
        return put(blank, said, name)
    spiffe_id = parse_spiffe_id(f"spiffe://{text(name, TRUST_DOMAIN.name, domain)}{path}")
    if isinstance(spiffe_id, Reason) or spiffe_id.path != path or not hasattr(blank, "spiffe_id"):
        raise PolicyError(f"{TRUST_DOMAIN.name} and {PATH.name} of {name} are no SPIFFE id")
    itself = {"source": spiffe_id.trust_domain.id.text, "subject": spiffe_id.text}
    made = cast("PeerEvidence", put(blank, {**itself, **said}, name))  # or of a JWT-SVID, which has such a field, too
    return cast("X", replace(made, spiffe_id=spiffe_id))


def _kind(name: str, attribute: str) -> str:
    kind = attribute.removeprefix(_NAMES)
    if kind not in ("dns", "uris", "emails", "addresses"):
        raise PolicyError(f"evidence of {name} has no {attribute}")
    return kind

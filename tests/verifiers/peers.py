"""What the tests of services' identities share: authorities, certificates, bundles, and one word for an outcome."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from types import GeneratorType
from typing import Any, cast

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate as Parsed
from cryptography.x509 import KeyUsage, SubjectAlternativeName, UniformResourceIdentifier

from tests.wire.signing import Signer
from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable
from zerotrust.core.peer import Peer
from zerotrust.core.policy import Policy
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.driver import NO_SOURCES, Sources, run
from zerotrust.engine import decide
from zerotrust.pki.revocation_strictness import NoRevocation
from zerotrust.testing.authority import Issued, LocalAuthority

NOW = 1_800_000_000.0
PROD = "prod.example"
PARTNER = "partner.example"
LEDGER = f"spiffe://{PROD}/ns/shop/sa/ledger"

AUTHORITY = LocalAuthority("Prod Root", now=NOW)
ISSUING = AUTHORITY.intermediate("Prod Issuing")
OTHERS = LocalAuthority("Partner Root", now=NOW)
STRANGERS = LocalAuthority("Stranger Root", now=NOW)


UNREVOKED = NoRevocation(because="what is tested here is who it is")


def svid(uri: str = LEDGER, *, by: LocalAuthority = ISSUING, **options: Any) -> Issued:
    return by.issue("workload", **{"uris": [uri], "days": 1, **options})


def came(peer: Issued | Peer | Reason | None, *, now: float = NOW, hop: str | None = None) -> AccessRequest:
    """A request over a connection whose client presented this."""
    presented = Peer(peer.ders, hop) if isinstance(peer, Issued) else peer
    return AccessRequest(now=now, peer=presented)


def found(verifier: Verifier[Any], request: AccessRequest, sources: Sources = NO_SOURCES) -> Finding[Any]:
    """What `verifier` finds; a failing source is what the engine makes of it."""
    finding = verifier.find(request)
    if not isinstance(finding, GeneratorType):
        return cast("Finding[Any]", finding)
    try:
        return run(cast("Gather[Finding[Any]]", finding), sources)
    except SourceFailed as failure:
        return Unavailable(failure.reason, failure.retry_after)


def evidence(verifier: Verifier[Any], request: AccessRequest, sources: Sources = NO_SOURCES) -> Any:
    """What is proven; the finding, for a test to show, if nothing is."""
    finding = found(verifier, request, sources)
    return finding.evidence if finding else finding


def refusal(verifier: Verifier[Any], request: AccessRequest, sources: Sources = NO_SOURCES) -> Reason:
    finding = found(verifier, request, sources)
    assert isinstance(finding, Absent | Rejected | Unavailable), finding
    reason: Reason = finding.reason
    return reason


def code(verifier: Verifier[Any], request: AccessRequest, sources: Sources = NO_SOURCES) -> str:
    """`good`, or the code of the reason why not."""
    finding = found(verifier, request, sources)
    return finding.reason.code if isinstance(finding, Absent | Rejected | Unavailable) else "good"


def verdict(policy: Policy, request: AccessRequest, sources: Sources = NO_SOURCES) -> str:
    """What the one leaf of `policy` says: `yes`, `no` or `?`."""
    decision = decide(policy, request, sources)
    return str(decision).splitlines()[1].split()[0]


def usage(**changes: bool) -> KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    signing = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    usual = dict.fromkeys((*others, *signing), False)
    return KeyUsage(**{**usual, "digital_signature": True, **changes})


def uri_names(*uris: str) -> SubjectAlternativeName:
    return SubjectAlternativeName([UniformResourceIdentifier(uri) for uri in uris])


def x509_entry(certificate: Parsed | bytes, **members: object) -> dict[str, object]:
    """An authority for certificates, as SPIFFE bundles have it."""
    der = certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)
    return {"use": "x509-svid", "kty": "EC", "crv": "P-256", "x5c": [b64encode(der).decode()], **members}


def jwt_entry(signer: Signer, **members: object) -> dict[str, object]:
    """An authority for JWT-SVIDs."""
    return {**signer.jwk, "use": "jwt-svid", **members}


def bundle(*entries: dict[str, object], **members: object) -> bytes:
    return json.dumps({"keys": list(entries), **members}).encode()


def pems(authorities: Iterable[LocalAuthority]) -> bytes:
    return b"".join(one.pem for one in authorities)

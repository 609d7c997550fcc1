"""What the tests of devices' certificates share: an authority, its devices, and requests that they make."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.verifiers.tokens import NOW
from zerotrust.core.ask import Gather
from zerotrust.core.decision import Decision
from zerotrust.core.finding import Finding
from zerotrust.core.peer import Peer
from zerotrust.core.policy import Policy
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.pki.chain import Anchors, Path
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.verifiers.certificate_evidence import CertificateEvidence
from zerotrust.verifiers.certificates import CertificateVerifier
from zerotrust.verifiers.device_certificate import DeviceCertificate
from zerotrust.verifiers.device_identifier import DeviceIdRule, san_uri
from zerotrust.wire.certificate import Certificate, read_certificate

E = TypeVar("E", bound=CertificateEvidence)

PREFIX = "urn:example:device:"
ROOT = LocalAuthority("Example Devices", now=NOW)
ISSUING = ROOT.intermediate("Example Issuing CA")
OTHER = LocalAuthority("Example Devices", now=NOW)  # of the same name
RULE = san_uri(prefix=PREFIX)


@dataclass(frozen=True, slots=True)
class Known(CertificateRevocation):
    """Says the same of every certificate."""

    answer: Reason | None = None

    def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
        return self.answer
        yield


NOTHING_REVOKED = Known()


def certificate(der: bytes) -> Certificate:
    read = read_certificate(der)
    assert isinstance(read, Certificate)
    return read


def anchors(*authorities: LocalAuthority) -> Anchors:
    return Anchors(*(certificate(one.der) for one in authorities or (ROOT,)))


def device(rule: DeviceIdRule = RULE, **options: Any) -> DeviceCertificate:
    given = {"revocation": NOTHING_REVOKED, **options}
    return DeviceCertificate(given.pop("anchors", None) or anchors(), device_id=rule, **given)


def issued(device_id: str = "pc-1", by: LocalAuthority = ISSUING, **options: Any) -> Issued:
    return by.issue(**{"uris": [PREFIX + device_id], **options})


def peer_of(one: Issued, **options: Any) -> Peer:
    return Peer(one.ders, **options)


def request(
    peer: Peer | Reason | Issued | None = None, token: str | None = None, now: float = NOW, **options: Any
) -> AccessRequest:
    headers = [(b"authorization", b"Bearer " + token.encode())] if token is not None else []
    presented = peer_of(peer) if isinstance(peer, Issued) else peer
    return AccessRequest(now=now, headers=headers, peer=presented, **options)


def found(verifier: CertificateVerifier[E], asked: AccessRequest) -> Finding[E]:
    """What `verifier` finds, without any source."""
    outcome = verifier.find(asked)
    if not isinstance(outcome, Generator):
        return outcome
    try:
        next(outcome)
    except StopIteration as stop:
        finding: Finding[E] = stop.value
        return finding
    raise AssertionError("it asked for something")


def deciding(policy: Policy, peer: Any = None, now: float = NOW, token: str | None = None) -> Decision:
    return decide(policy, request(peer, token, now))

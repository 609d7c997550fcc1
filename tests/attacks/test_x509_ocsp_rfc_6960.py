"""OCSP (RFC 6960 section 5) by who wants a revoked device let in, in whole decisions."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from tests.attacks.deciding import told
from tests.pki.revoking import DAY, NOW, STRANGER, Served, certificate
from tests.search import usually
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.engine import decide
from zerotrust.pki.chain import Anchors
from zerotrust.pki.ocsp import Ocsp
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.pki.revocation_strictness import UnsafeSoftFail
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.testing.revoking import ocsp_response, responder
from zerotrust.verifiers.device_certificate import DeviceCertificate
from zerotrust.verifiers.device_identifier import san_uri
from zerotrust.wire.ocsp import certificate_id, request_url

Status = ocsp.OCSPCertStatus
Purpose = x509.oid.ExtendedKeyUsageOID
CA = LocalAuthority("Devices", now=NOW)
BELOW = CA.intermediate("Devices of Berlin")
STOLEN = CA.issue("stolen", uris=["urn:device:1"])
OTHER = CA.issue("other", uris=["urn:device:2"])
BASE = "http://ocsp.example.com"
URL = request_url(BASE, certificate_id(certificate(STOLEN.der), certificate(CA.der)))


def let_in(
    response: bytes = b"", *, way: CertificateRevocation | None = None, now: float = NOW, sources: Sources = NO_SOURCES
) -> str:
    device = DeviceCertificate(
        Anchors.from_der(CA.der), device_id=san_uri(prefix="urn:device:"), revocation=way or Ocsp(stapled_only=True)
    )
    return told(decide(device.valid, AccessRequest(now=now, peer=STOLEN.peer(stapled=response)), sources))


def test_that_the_device_would_be_let_in() -> None:
    """Else nothing below would show anything."""
    assert let_in(ocsp_response(CA, STOLEN)) == "allowed"
    assert let_in(ocsp_response(CA, STOLEN, signer=responder(CA))) == "allowed"
    asked = Sources(Served({URL: ocsp_response(CA, STOLEN)}))
    assert let_in(way=Ocsp(BASE), sources=asked) == "allowed"


def test_revoked() -> None:
    assert let_in(ocsp_response(CA, STOLEN, Status.REVOKED)) == "certificate_revoked"
    assert let_in(ocsp_response(CA, STOLEN, Status.REVOKED, signer=responder(CA))) == "certificate_revoked"


FORGED: dict[str, Any] = {
    "nothing": lambda: b"",
    "unknown to the responder": lambda: ocsp_response(CA, STOLEN, Status.UNKNOWN),
    "by another authority of the same name": lambda: ocsp_response(LocalAuthority("Devices", now=NOW), STOLEN),
    "signed by a stranger": lambda: ocsp_response(CA, STOLEN, key=STRANGER.key),
    "signed by the device itself": lambda: ocsp_response(CA, STOLEN, key=STOLEN.key),
    "by the device as a responder": lambda: ocsp_response(CA, STOLEN, signer=STOLEN),
    "by a responder of a stranger": lambda: ocsp_response(CA, STOLEN, signer=responder(STRANGER)),
    "by a responder of an authority below": lambda: ocsp_response(CA, STOLEN, signer=responder(BELOW)),
    "by an authority below": lambda: ocsp_response(CA, STOLEN, signer=Issued(BELOW.certificate, BELOW.key)),
    "by a delegate without the purpose": lambda: ocsp_response(
        CA, STOLEN, signer=responder(CA, purposes=[Purpose.SERVER_AUTH])
    ),
    "by a delegate for any purpose": lambda: ocsp_response(
        CA, STOLEN, signer=responder(CA, purposes=[Purpose.ANY_EXTENDED_KEY_USAGE])
    ),
    "by a delegate that may be revoked": lambda: ocsp_response(CA, STOLEN, signer=responder(CA, nocheck=False)),
    "by an expired delegate": lambda: ocsp_response(CA, STOLEN, signer=responder(CA, days=0.01)),
    "about another certificate": lambda: ocsp_response(CA, OTHER),
    "about the same number of another authority": lambda: ocsp_response(BELOW, STOLEN),
    "from long ago": lambda: ocsp_response(CA, STOLEN, starts=-2 * DAY),
    "from the future": lambda: ocsp_response(CA, STOLEN, starts=DAY),
    "without an end": lambda: ocsp_response(CA, STOLEN, days=None),
    "octets after it": lambda: ocsp_response(CA, STOLEN) + b"\0",
    "with an unknown critical extension": lambda: ocsp_response(
        CA, STOLEN, extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)]
    ),
    "no answer": lambda: b"\x30\x03\x0a\x01\x03",
}


@pytest.mark.parametrize("what", FORGED)
def test_responses_that_do_not_tell(what: str) -> None:
    response = FORGED[what]()
    assert let_in(response) == ("revocation_unknown" if response else "no_source")
    asked = Sources(Served({URL: response}))
    assert let_in(way=Ocsp(BASE, stapled=False), sources=asked) == "revocation_unknown"


def test_a_certificate_with_a_name_that_nobody_can_read() -> None:
    """It came in the response, which names its signer by that very name: nothing raises."""
    response = ocsp_response(CA, STOLEN, signer=responder(CA, "Illegibl"), by_name=True)
    assert let_in(response) == "allowed"
    for unreadable in (b"\xff\xfe\xfd\xfcible", bytes(8)):
        at = response.rfind(b"Illegibl")
        in_the_certificate = response[:at] + unreadable + response[at + 8 :]
        assert let_in(in_the_certificate) == "revocation_unknown"
        assert let_in(response.replace(b"Illegibl", unreadable)) == "revocation_unknown"


def test_who_may_answer_for_a_day_does_not_for_longer() -> None:
    """RFC 6960 section 4.2.2.2: one delegate, whose certificate expires before its response does."""
    response, way = ocsp_response(CA, STOLEN, signer=responder(CA, days=1), days=20), Ocsp(stapled_only=True)
    assert let_in(response, way=way) == "allowed"
    assert let_in(response, way=way, now=NOW + 2 * DAY) == "revocation_unknown"


def test_whoever_is_on_the_way_makes_nobody_forget() -> None:
    """A soft fail lets in where it cannot be told: what was told before stays told."""
    world = Served({URL: ocsp_response(CA, STOLEN, Status.REVOKED)})
    way = UnsafeSoftFail(Ocsp(BASE), because="test")
    assert let_in(way=way, sources=Sources(world)) == "certificate_revoked"
    for forged in (ocsp_response(CA, STOLEN, key=STOLEN.key, starts=-60), b"", b"no response"):
        world.documents[URL] = forged
        assert let_in(way=way, sources=Sources(world)) == "certificate_revoked"
    world.documents.clear()
    assert let_in(way=way, sources=Sources(world)) == "certificate_revoked"


def test_the_response_from_before_the_theft_is_played_back() -> None:
    way = Ocsp(stapled_only=True)
    before, after = ocsp_response(CA, STOLEN), ocsp_response(CA, STOLEN, Status.REVOKED, starts=-60)
    assert [let_in(one, way=way) for one in (before, after, before)] == [
        "allowed",
        "certificate_revoked",
        "certificate_revoked",
    ]


def test_the_certificate_does_not_choose_who_is_asked() -> None:
    """A device whose certificate names a responder (RFC 5280 section 4.2.2.1) makes nobody connect there."""
    evil = "http://169.254.169.254/latest"
    access = x509.AuthorityInformationAccess(
        [x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(evil))]
    )
    issued = CA.issue("evil", uris=["urn:device:6"], extensions=[(access, False)])
    world = Served()
    for way in (Ocsp(BASE), Ocsp(BASE, "http://two.example.com"), Ocsp(stapled_only=True)):
        device = DeviceCertificate(Anchors.from_der(CA.der), device_id=san_uri(prefix="urn:device:"), revocation=way)
        decide(device.valid, AccessRequest(now=NOW, peer=issued.peer()), Sources(world))
    assert [ask.url for ask in world.asked if evil in ask.url] == []


GENUINE = ocsp_response(CA, STOLEN, Status.REVOKED, signer=responder(CA))


@usually(150)
@given(st.integers(0, len(GENUINE) - 1), st.integers(1, 255))
def test_octets_that_were_changed_let_nobody_in(at: int, by: int) -> None:
    changed = GENUINE[:at] + bytes([GENUINE[at] ^ by]) + GENUINE[at + 1 :]
    assert let_in(changed) in {"revocation_unknown", "certificate_revoked"}

"""Revocation lists (RFC 5280 sections 5 and 6.3) by who wants a revoked device let in, in whole decisions."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from tests.attacks.deciding import told
from tests.pki.revoking import DAY, NOW, STRANGER, Served, scoped
from tests.search import usually
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.engine import decide
from zerotrust.pki.chain import Anchors
from zerotrust.pki.crls import Crls
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.pki.revocation_strictness import UnsafeSoftFail
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.testing.revoking import crl
from zerotrust.verifiers.device_certificate import DeviceCertificate
from zerotrust.verifiers.device_identifier import san_uri
from zerotrust.wire.crl import read_crls

Flags = x509.ReasonFlags
CA = LocalAuthority("Devices", now=NOW)
BELOW = CA.intermediate("Devices of Berlin")
STOLEN = CA.issue("stolen", uris=["urn:device:1"])
OTHER = CA.issue("other", uris=["urn:device:2"])
NEW = BELOW.issue("new", uris=["urn:device:3"])
URL = "http://crl.example.com/devices.crl"


def let_in(
    way: CertificateRevocation, issued: Issued = STOLEN, *, now: float = NOW, sources: Sources = NO_SOURCES
) -> str:
    device = DeviceCertificate(Anchors.from_der(CA.der), device_id=san_uri(prefix="urn:device:"), revocation=way)
    return told(decide(device.valid, AccessRequest(now=now, peer=issued.peer()), sources))


def test_that_the_device_would_be_let_in() -> None:
    """Else nothing below would show anything."""
    assert let_in(Crls(crl(CA))) == "allowed"
    assert let_in(Crls(crl(CA, OTHER))) == "allowed"
    assert let_in(Crls(crl(CA), crl(BELOW)), NEW) == "allowed"


def test_revoked() -> None:
    assert let_in(Crls(crl(CA, STOLEN))) == "certificate_revoked"
    assert let_in(Crls(crl(CA, BELOW), crl(BELOW)), NEW) == "certificate_revoked"


@pytest.mark.parametrize("why", list(Flags))
def test_revoked_for_whatever_reason(why: x509.ReasonFlags) -> None:
    if why is Flags.remove_from_crl:
        with pytest.raises(ValueError, match="removeFromCRL"):  # in no complete list
            Crls(crl(CA, reasons=[(STOLEN, why)]))
    else:
        assert let_in(Crls(crl(CA, reasons=[(STOLEN, why)]))) == "certificate_revoked"


LEFT_OUT: dict[str, Any] = {
    "no list": lambda: [crl(BELOW)],
    "a stale list": lambda: [crl(CA, starts=-10 * DAY)],
    "a list from the future": lambda: [crl(CA, starts=DAY)],
    "a list of a stranger of the same name": lambda: [crl(LocalAuthority("Devices", now=NOW))],
    "a list that names another issuer": lambda: [crl(CA, issuer=STRANGER.name)],
    "a list of a stranger that names the issuer": lambda: [crl(STRANGER, issuer=CA.name)],
    "a list signed by the device": lambda: [crl(CA, key=STOLEN.key)],
    "a list signed by an authority below": lambda: [crl(BELOW, issuer=CA.name)],
    "a list signed with a weak key": lambda: [crl(CA, key=rsa.generate_private_key(65537, 1024))],
    "a delta alone": lambda: [crl(CA, number=2, base=1)],
    "a delta to a later list": lambda: [crl(CA), crl(CA, number=3, base=2)],
    "a stale delta": lambda: [crl(CA), crl(CA, number=3, base=1, starts=-10 * DAY)],
    "some reasons only": lambda: [crl(CA, extensions=[scoped(only_some_reasons=frozenset({Flags.superseded}))])],
    "authorities only": lambda: [crl(CA, extensions=[scoped(only_contains_ca_certs=True)])],
    "attribute certificates only": lambda: [crl(CA, extensions=[scoped(only_contains_attribute_certs=True)])],
    "another distribution point": lambda: [
        crl(CA, extensions=[scoped(full_name=[x509.UniformResourceIdentifier("http://elsewhere.example.com/")])])
    ],
}


@pytest.mark.parametrize("what", LEFT_OUT)
def test_lists_that_do_not_tell(what: str) -> None:
    lists = LEFT_OUT[what]()
    assert let_in(Crls(*lists)) == "revocation_unknown"


FLAWED: dict[str, Any] = {
    "an unknown critical extension": lambda: crl(
        CA, extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)]
    ),
    "an unknown critical extension of an entry": lambda: crl(
        CA, OTHER, entry_extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)]
    ),
    "an indirect list": lambda: crl(CA, extensions=[scoped(indirect_crl=True)]),
    "an entry of another authority": lambda: crl(
        CA, OTHER, entry_extensions=[(x509.CertificateIssuer([x509.DirectoryName(STRANGER.name)]), True)]
    ),
    "octets after it": lambda: crl(CA) + b"\0",
    "cut short": lambda: crl(CA, OTHER)[:-1],
}


@pytest.mark.parametrize("what", FLAWED)
def test_lists_that_cannot_be_used(what: str) -> None:
    document = FLAWED[what]()
    with pytest.raises(ValueError, match="cannot be used"):
        Crls(document)
    assert let_in(Crls(urls=[URL]), sources=Sources(Served({URL: document}))) == "revocation_unknown"


def test_the_list_from_before_the_theft_is_played_back() -> None:
    world = Served({URL: crl(CA, STOLEN, number=9)})
    way, sources = Crls(urls=[URL]), Sources(world)
    assert let_in(way, sources=sources) == "certificate_revoked"
    world.documents[URL] = crl(CA, number=8)
    assert let_in(way, sources=sources) == "certificate_revoked"


def test_the_way_to_the_list_is_cut() -> None:
    assert let_in(Crls(urls=[URL]), sources=Sources(Served())) == "revocation_unknown"
    assert let_in(Crls(urls=[URL])) == "revocation_unknown"


def test_whoever_is_on_the_way_forges_a_list() -> None:
    """Plain http is only as good as the signature: a forged list neither clears anybody nor displaces a genuine one."""
    world = Served({URL: crl(CA, STOLEN, number=9)})
    way, sources = Crls(urls=[URL]), Sources(world)
    assert let_in(way, sources=sources) == "certificate_revoked"
    for number in (8, 9, 999):
        world.documents[URL] = crl(STRANGER, number=number, issuer=CA.name)
        for asked in (way, UnsafeSoftFail(way, because="test")):
            assert let_in(asked, sources=sources) == "certificate_revoked"
            assert let_in(asked, OTHER, sources=sources) == "allowed"
    world.documents[URL] = crl(CA, STOLEN, number=10)
    assert let_in(way, sources=sources) == "certificate_revoked"
    assert let_in(way, OTHER, sources=sources) == "allowed"


def test_the_device_presents_a_certificate_for_lists_of_its_own_making() -> None:
    key = x509.KeyUsage(True, False, False, False, False, False, True, False, False)
    forged = LocalAuthority("Devices", now=NOW).issue(subject=CA.name, extensions=[(key, True)])
    way = Crls(crl(CA, key=forged.key))
    presented = Issued(STOLEN.certificate, STOLEN.key, (forged.certificate,))
    assert let_in(way, presented) == "revocation_unknown"


GENUINE = crl(CA, STOLEN)


@usually(150)
@given(st.integers(0, len(GENUINE) - 1), st.integers(1, 255))
def test_octets_that_were_changed_let_nobody_in(at: int, by: int) -> None:
    """Wherever the list that revokes was changed, the device stays out, and nothing raises."""
    changed = GENUINE[:at] + bytes([GENUINE[at] ^ by]) + GENUINE[at + 1 :]
    outcome = let_in(Crls(urls=[URL]), sources=Sources(Served({URL: changed})))
    assert outcome in {"revocation_unknown", "certificate_revoked"}
    if outcome == "certificate_revoked":  # the signature is the same number, spelled otherwise
        assert not isinstance(read_crls(changed), Reason)

"""Certificates that want to be another workload's: X.509-SVID, SPIFFE-ID."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import BasicConstraints, NameConstraints, SubjectAlternativeName, UniformResourceIdentifier

from tests.attacks.deciding import told
from tests.verifiers.peers import (
    AUTHORITY,
    ISSUING,
    LEDGER,
    NOW,
    OTHERS,
    PARTNER,
    PROD,
    STRANGERS,
    UNREVOKED,
    came,
    svid,
    usage,
)
from zerotrust.core.peer import Peer
from zerotrust.driver import NO_SOURCES
from zerotrust.engine import decide
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.pki.trust_bundles import TrustBundles
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.verifiers.peer_certificate import PeerCertificate

PEER = PeerCertificate(
    TrustBundles(TrustBundle(PROD, AUTHORITY.pem), federated=[TrustBundle(PARTNER, OTHERS.pem)]), revocation=UNREVOKED
)
MAY_PAY = PEER.spiffe(LEDGER)


def outcome(presented: Issued | Peer, policy: Any = MAY_PAY) -> str:
    return told(decide(policy, came(presented), NO_SOURCES))


def test_the_ledger_may_pay() -> None:
    assert outcome(svid()) == "allowed"


@pytest.mark.parametrize(
    "uris",
    [
        [LEDGER, f"spiffe://{PROD}/intruder"],
        [f"spiffe://{PROD}/intruder", LEDGER],
        [LEDGER, LEDGER],
        [LEDGER, "https://ledger.example"],
        ["urn:a", LEDGER],
        [LEDGER, ""],
    ],
)
def test_section_2_two_uris(uris: list[str]) -> None:
    assert outcome(svid(uris=uris)) == "wrong_svid"


@pytest.mark.parametrize(
    "uri",
    [
        f"{LEDGER}?a=b",
        f"{LEDGER}?",
        f"{LEDGER}#",
        f"spiffe://{PROD}:443/ns/shop/sa/ledger",
        f"spiffe://{PROD}:/ns/shop/sa/ledger",
        f"spiffe://admin@{PROD}/ns/shop/sa/ledger",
        f"spiffe://admin:a@{PROD}/ns/shop/sa/ledger",
        f"spiffe://{PROD}@evil.example/ns/shop/sa/ledger",
        f"{LEDGER}\n",
        f"\n{LEDGER}",
        f"spiffe://{PROD}\n/ns/shop/sa/ledger",
        f"{LEDGER}\0.evil",
        f"{LEDGER} ",
        f"{LEDGER}/",
        f"spiffe://{PROD}//ns/shop/sa/ledger",
        f"spiffe://{PROD}/ns/shop/sa/x/../ledger",
        f"spiffe://{PROD}/./ns/shop/sa/ledger",
        f"spiffe://{PROD}/ns/shop/sa/%6cedger",
        f"spiffe://{PROD}/ns%2fshop/sa/ledger",
        "spiffe://prod%2eexample/ns/shop/sa/ledger",
        f"SPIFFE://{PROD}/ns/shop/sa/ledger",
        "spiffe://Prod.Example/ns/shop/sa/ledger",
        "spiffe:ns/shop/sa/ledger",
        "spiffe:///ns/shop/sa/ledger",
        f"spiffe://{PROD}",
        f"spiffe://{PROD}/",
        f"https://{PROD}/ns/shop/sa/ledger",
        f"spiffe://{PROD}/" + "a" * 2048,
        "spiffe://" + "a" * 256 + "/ledger",
        "",
    ],
)
def test_spiffe_id_section_2_other_spellings(uri: str) -> None:
    """Refused as what they are, for the leaf that asks, for one that forbids, and for any at all."""
    assert outcome(svid(uri)) == "wrong_svid"
    assert outcome(svid(uri), PEER.valid) == "wrong_svid"
    assert outcome(svid(uri), ~PEER.spiffe(LEDGER)) == "wrong_svid"


def test_a_dot_more_is_another_trust_domain() -> None:
    assert outcome(svid(f"spiffe://{PROD}./ns/shop/sa/ledger")) == "unknown_trust_domain"


@pytest.mark.parametrize(
    "names",
    [
        {"dns": [LEDGER]},
        {"emails": [f"ledger@{PROD}"]},
        {"others": [("1.2.3", b"\x0c" + bytes([len(LEDGER)]) + LEDGER.encode())]},
        {"dns": [PROD], "name": LEDGER},
    ],
    ids=["dns", "email", "other", "common name"],
)
def test_an_id_that_is_no_uri(names: dict[str, Any]) -> None:
    assert outcome(ISSUING.issue(**{"name": "workload", "days": 1, **names})) == "wrong_svid"


def test_spiffe_federation_section_4_2_no_domain_speaks_for_another() -> None:
    """Both authorities are trusted, each for its own; a merged bundle would let this in."""
    assert outcome(svid(by=OTHERS)) == "untrusted_chain"
    assert outcome(svid(by=OTHERS.intermediate("Prod Issuing"))) == "untrusted_chain"
    crossed = svid(f"spiffe://{PARTNER}/ns/shop/sa/ledger")
    assert outcome(crossed, PEER.valid) == "untrusted_chain"


def test_the_other_domains_authority_presented_besides() -> None:
    forged = svid(by=OTHERS)
    for others in ((OTHERS.der,), (OTHERS.der, AUTHORITY.der), (ISSUING.certificate.public_bytes(Encoding.DER),)):
        assert outcome(Peer((forged.der, *others))) == "untrusted_chain"


def test_an_authority_of_a_partner_below_ones_own_root() -> None:
    """Section 3.2: what two domains share in their hierarchy lets neither speak for the other."""
    theirs = AUTHORITY.intermediate("Partner Issuing")
    signer = AUTHORITY.issue(
        "Partner Issuing",
        key=theirs.key,
        purposes=(),
        uris=[f"spiffe://{PARTNER}"],
        days=300,
        extensions=[
            (BasicConstraints(ca=True, path_length=0), True),
            (usage(digital_signature=False, key_cert_sign=True), True),
        ],
    )
    forged = svid(by=theirs)
    assert outcome(Peer((forged.der, signer.der))) == "wrong_svid"


def test_section_5_2_an_authority_as_a_leaf() -> None:
    for extensions in (
        [(BasicConstraints(ca=True, path_length=None), True), (usage(key_cert_sign=True), True)],
        [(BasicConstraints(ca=True, path_length=0), True)],
        [(usage(key_cert_sign=True), True)],
    ):
        assert outcome(svid(extensions=extensions)) == "ca_as_peer"
    assert outcome(svid(extensions=[(usage(crl_sign=True), True)])) == "wrong_svid"


def test_the_anchor_itself_and_an_issuing_authority_are_nobodys_peer() -> None:
    for chain in ((AUTHORITY.der,), (ISSUING.certificate.public_bytes(Encoding.DER), AUTHORITY.der)):
        assert outcome(Peer(chain)) == outcome(Peer(chain), PEER.valid) == "wrong_svid"


def test_a_leaf_that_issues() -> None:
    """A workload's own key signs another id."""
    mine = svid(f"spiffe://{PROD}/intruder")
    mine_as_authority = LocalAuthority("workload", now=NOW, key=mine.key)
    forged = mine_as_authority.issue("workload", uris=[LEDGER], days=1)
    assert outcome(Peer((forged.der, *mine.ders))) in {"not_a_ca", "path_length"}  # it is both


def test_rfc_5280_section_4_2_1_10_an_authority_constrained_to_a_partner() -> None:
    """X.509-SVID section 4.2: URI constraints name the trust domain, as hosts do."""
    below = AUTHORITY.intermediate("Constrained Issuing")
    signer = AUTHORITY.issue(
        "Constrained Issuing",
        key=below.key,
        purposes=(),
        days=300,
        extensions=[
            (BasicConstraints(ca=True, path_length=0), True),
            (usage(digital_signature=False, key_cert_sign=True), True),
            (NameConstraints([UniformResourceIdentifier(PARTNER)], None), True),
        ],
    )
    assert outcome(Peer((svid(by=below).der, signer.der))) == "name_constraints"


def test_strangers_and_the_self_signed() -> None:
    assert outcome(svid(by=STRANGERS)) == "untrusted_chain"
    lookalike = LocalAuthority("Prod Root", now=NOW)
    assert outcome(svid(by=lookalike)) == "chain_signature"
    assert outcome(svid(by=lookalike.intermediate("Prod Issuing"))) == "chain_signature"


def test_a_prefix_is_of_segments() -> None:
    shop = PEER.path("/ns/shop")
    assert outcome(svid(f"spiffe://{PROD}/ns/shop-evil/sa/a"), shop) == "not_satisfied"
    assert outcome(svid(f"spiffe://{PROD}/ns/shop.evil"), shop) == "not_satisfied"
    assert outcome(svid(f"spiffe://{PROD}/x/ns/shop"), shop) == "not_satisfied"


def test_a_partners_workload_of_the_same_path() -> None:
    theirs = svid(f"spiffe://{PARTNER}/ns/shop/sa/ledger", by=OTHERS)
    assert outcome(theirs) == "not_satisfied"
    assert outcome(theirs, PEER.trust_domain(PROD) & PEER.path("/ns/shop")) == "not_satisfied"


def test_a_name_in_place_of_a_certificate() -> None:
    for hop in (None, "linkerd", "edge"):
        assert outcome(Peer(hop=hop, names=(LEDGER,))) == "untrusted_hop"


def test_a_second_list_of_names() -> None:
    """RFC 5280 section 4.2: one extension of a kind. What two readers would read differently is read by none."""
    names = SubjectAlternativeName([UniformResourceIdentifier(LEDGER)])
    der = svid().der
    assert der.count(names.public_bytes()) == 1
    spliced = der.replace(b"\x06\x03\x55\x1d\x0e", b"\x06\x03\x55\x1d\x11")  # the key identifier becomes a second one
    assert spliced != der
    assert outcome(Peer((spliced, *svid().ders[1:]))) == "malformed"

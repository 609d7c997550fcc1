"""Somebody who wants to be another device, or any device at all: by names, by authorities, by another's token."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat import asn1

from tests.verifiers.devices import ISSUING, OTHER, PREFIX, ROOT, anchors, certificate, device, issued, request
from tests.verifiers.tokens import NOW, bearer, mint
from zerotrust.core.ask import Gather
from zerotrust.core.decision import Allow, Decision
from zerotrust.core.peer import Peer
from zerotrust.core.policy import Policy
from zerotrust.core.reason import CERTIFICATE_REVOKED, Reason
from zerotrust.engine import decide
from zerotrust.pki.chain import Path
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.verifiers.device_identifier import (
    USER_PRINCIPAL_NAME,
    DeviceIdRule,
    san_dns,
    san_other_name,
    san_uri,
    subject_cn,
)
from zerotrust.verifiers.key_attestation import AD_CS_EK_LISTED, AD_CS_USER_CREDENTIALS, KeyAttestation

BOSS = "pc-boss"
TOKEN = bearer()
URI, DNS, UPN, CN = (
    san_uri(prefix=PREFIX),
    san_dns(suffix=".devices.example"),
    san_other_name(USER_PRINCIPAL_NAME),
    subject_cn(),
)


def outcome(policy: Policy, peer: Issued | Peer | None, token: str | None = None, now: float = NOW) -> str:
    decision: Decision = decide(policy, request(peer, token, now))
    return "allowed" if isinstance(decision, Allow) else decision.reason.code


def utf8(text: str) -> bytes:
    return asn1.encode_der(text)


def upn(*texts: str) -> list[tuple[str, bytes]]:
    return [(USER_PRINCIPAL_NAME, utf8(text)) for text in texts]


# --- A certificate of the organisation that names more than its device -----------------------------------------------
NAMES: list[tuple[DeviceIdRule, dict[str, Any]]] = [
    (URI, {"uris": [PREFIX + "pc-1", PREFIX + BOSS]}),
    (URI, {"uris": [PREFIX + BOSS, PREFIX + "pc-1"]}),
    (URI, {"uris": [PREFIX + BOSS, PREFIX.upper() + "pc-1"]}),
    (URI, {"uris": [PREFIX + BOSS + "\n"]}),
    (URI, {"uris": [PREFIX + BOSS + "\x00.pc-1"]}),
    (URI, {"uris": [PREFIX + BOSS + " "]}),
    (URI, {"uris": [PREFIX + "PC-BOSS"]}),
    (URI, {"uris": [PREFIX + "%70c-boss"]}),
    (URI, {"uris": ["https://example.org/?" + PREFIX + BOSS]}),
    (URI, {"uris": [PREFIX + "pc-1#" + PREFIX + BOSS]}),
    (DNS, {"dns": ["pc-1.devices.example", BOSS + ".devices.example"]}),
    (DNS, {"dns": ["*.devices.example"]}),
    (DNS, {"dns": [BOSS + ".devices.example.attacker.example"]}),
    (DNS, {"dns": [BOSS + ".pc-1.devices.example"]}),
    (DNS, {"dns": [BOSS + ".devices.example."]}),
    (DNS, {"dns": [BOSS + "\x00.attacker.devices.example"]}),
    (DNS, {"name": BOSS + ".devices.example"}),
    (UPN, {"others": upn("pc-1", BOSS)}),
    (UPN, {"others": upn(BOSS + "\x00@attacker.example")}),
    (UPN, {"others": upn(BOSS + "\r\n")}),
    (UPN, {"others": [("1.3.6.1.4.1.311.20.2.4", utf8(BOSS))]}),
    (UPN, {"emails": [BOSS], "uris": [BOSS]}),
    (CN, {"name": BOSS + "\x00.attacker.example"}),
    (CN, {"name": "CN=" + BOSS}),
    (CN, {"name": "x, CN=" + BOSS}),
    (CN, {"name": "pc-1", "dns": [BOSS], "uris": ["urn:x:" + BOSS]}),
    (CN, {"name": "\uff50\uff43-boss"}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "names"), NAMES, ids=lambda value: str(value)[:60])
def test_cve_2009_2408_cve_2013_4238_it_is_the_boss_by_no_spelling(rule: DeviceIdRule, names: dict[str, Any]) -> None:
    verifier = device(rule, of=TOKEN)
    token = mint(device_id=BOSS)
    one = ISSUING.issue(**names)
    assert outcome(device(rule).device_id(BOSS), one) != "allowed"
    assert outcome(verifier.managed, one, token) != "allowed"


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (URI, {"uris": [PREFIX + BOSS]}),
        (DNS, {"dns": [BOSS + ".devices.example"]}),
        (UPN, {"others": upn(BOSS)}),
        (CN, {"name": BOSS}),
    ],
    ids=str,
)
def test_the_boss_is_the_boss(rule: DeviceIdRule, names: dict[str, Any]) -> None:
    """What the attacks above differ from."""
    one = ISSUING.issue(**names)
    assert outcome(device(rule).device_id(BOSS), one) == "allowed"
    assert outcome(device(rule, of=TOKEN).managed, one, mint(device_id=BOSS)) == "allowed"


def test_two_common_names_in_one_relative_name() -> None:
    """What prints as CN=pc-1+CN=pc-boss, or in either order, is nobody."""
    pair = [x509.NameAttribute(x509.NameOID.COMMON_NAME, value) for value in ("pc-1", BOSS)]
    for subject in (
        x509.Name([x509.RelativeDistinguishedName(pair)]),
        x509.Name(pair),
        x509.Name(pair[::-1]),
    ):
        assert outcome(device(CN).managed, ISSUING.issue(subject=subject)) == "wrong_name"


# --- A certificate of somebody else ----------------------------------------------------------------------------------
def test_rfc_5280_section_6_1_another_authority_of_the_same_name() -> None:
    assert certificate(OTHER.der).subject == certificate(ROOT.der).subject
    assert outcome(device().managed, issued(BOSS, OTHER)) in ("untrusted_chain", "chain_signature")
    # With the true authority's certificates beside it, too.
    forged = issued(BOSS, OTHER)
    for chain in ((forged.der, ISSUING.der), (forged.der, ISSUING.der, ROOT.der), (forged.der, ROOT.der)):
        assert outcome(device().managed, Peer(chain)) in ("untrusted_chain", "chain_signature")


def test_an_authority_that_the_client_brings_along_is_nobodys() -> None:
    own = LocalAuthority("Example Devices", now=NOW)
    one = own.intermediate("Example Issuing CA").issue(uris=[PREFIX + BOSS])
    assert outcome(device().managed, Peer((*one.ders, own.der))) in ("untrusted_chain", "chain_signature")


def test_a_device_makes_no_devices() -> None:
    for by, code in ((ROOT, "not_a_ca"), (ISSUING, "path_length")):  # below the latter no authority may stand
        mine = issued("pc-1", by)
        assert outcome(device().managed, mine) == "allowed"
        child = LocalAuthority.of(mine, now=NOW).issue(uris=[PREFIX + BOSS])
        assert outcome(device().managed, child) == code


def test_the_good_certificate_behind_ones_own_counts_for_nothing() -> None:
    boss, own = issued(BOSS), LocalAuthority("me", now=NOW).issue(uris=[PREFIX + BOSS])
    assert outcome(device().managed, Peer((own.der, *boss.ders))) in ("untrusted_chain", "chain_signature")
    mine = Peer((*issued("pc-1").ders, boss.der))
    assert outcome(device().device_id(BOSS), mine) == "not_satisfied"


def test_the_word_of_a_hop_makes_no_device() -> None:
    assert outcome(device().managed, Peer(hop="front", names=(PREFIX + BOSS,))) == "untrusted_hop"


WRONG = ROOT.wrong(uris=[PREFIX + BOSS])


@pytest.mark.parametrize("what", WRONG)
def test_a_certificate_with_one_thing_wrong(what: str) -> None:
    assert outcome(device().managed, WRONG[what]) != "allowed"


def test_a_revoked_device_stays_out_though_its_path_is_remembered() -> None:
    known: list[Reason | None] = [None]

    class Changing(CertificateRevocation):
        def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
            return known[0]
            yield

    verifier, mine = device(revocation=Changing()), issued()
    assert outcome(verifier.managed, mine) == "allowed"
    known[0] = CERTIFICATE_REVOKED()
    assert [outcome(verifier.managed, mine) for _ in range(2)] == ["certificate_revoked"] * 2


# --- A token of somebody else ----------------------------------------------------------------------------------------
def test_cwe_287_a_stolen_token_on_another_managed_device() -> None:
    stolen, policy = mint(device_id=BOSS, scope="pay"), device(of=TOKEN).managed & TOKEN.scope("pay")
    assert outcome(policy, issued(BOSS), stolen) == "allowed"
    assert outcome(policy, issued("pc-1"), stolen) == "subject_mismatch"
    assert outcome(policy, None, stolen) == "not_presented"
    # Which is what `beside=` gives up, by its name.
    lax = device(beside=TOKEN)
    assert outcome(lax.managed & TOKEN.scope("pay"), issued("pc-1"), stolen) == "allowed"


@pytest.mark.parametrize(
    "claims", [{}, {"device_id": None}, {"device_id": ["pc-1"]}, {"device_id": {"pc-1": 1}}], ids=str
)
def test_cwe_287_a_token_that_does_not_say_it_is_of_no_device(claims: dict[str, Any]) -> None:
    verifier = device(of=TOKEN)
    for policy in (verifier.managed, ~verifier.device_id(BOSS), verifier.managed | TOKEN.scope("pay")):
        assert outcome(policy, issued("pc-1"), mint(**claims)) in ("subject_mismatch", "missing_claim")


def test_the_subject_of_a_token_is_no_device() -> None:
    assert outcome(device(of=TOKEN).managed, issued("ada"), mint(sub="ada")) == "subject_mismatch"


def test_a_certificate_counts_for_one_token_alone() -> None:
    """Two verifiers, one certificate: each holds its own token to it."""
    other = bearer(name="other")
    one, two = device(of=TOKEN), device(of=other, claim="deviceid", name="laptop")
    token = mint(device_id="pc-1", deviceid=BOSS)
    assert outcome(one.managed, issued("pc-1"), token) == "allowed"
    assert outcome(two.managed, issued("pc-1"), token) == "subject_mismatch"


# --- A key in hardware that is none ----------------------------------------------------------------------------------
def test_ad_cs_attestation_on_credentials_alone_is_no_attestation() -> None:
    verifier = device(attestation=KeyAttestation(hardware=[AD_CS_EK_LISTED]))
    for oid, said in ((AD_CS_USER_CREDENTIALS, "not_satisfied"), (AD_CS_EK_LISTED, "allowed")):
        policy = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(oid), None)])
        assert outcome(verifier.key_protected, issued(by=ROOT, extensions=[(policy, False)])) == said


def test_an_authority_that_must_not_say_so() -> None:
    """A subordinate one that is limited to other policies issues what it likes."""

    def policies(oid: str) -> Any:
        return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(oid), None)]), False

    verifier = device(attestation=KeyAttestation(hardware=[AD_CS_EK_LISTED]))
    limited = ROOT.intermediate("Guests", extensions=[policies("1.2.3")])
    assert outcome(verifier.key_protected, issued(by=limited, extensions=[policies(AD_CS_EK_LISTED)])) != "allowed"
    assert outcome(verifier.managed, issued(by=limited, extensions=[policies(AD_CS_EK_LISTED)])) == "allowed"


# --- What is told of it ----------------------------------------------------------------------------------------------
def test_cwe_117_names_forge_no_lines_of_a_report() -> None:
    one = ISSUING.issue("x\nALLOW everything", uris=[PREFIX + "pc\nALLOW"])
    said = str(decide(device().managed, request(one)))
    assert all(not line.startswith("ALLOW") for line in said.splitlines())
    assert "\\nALLOW" in said


def test_cwe_400_many_names_and_certificates_cost_little() -> None:
    many = issued(uris=[PREFIX + "pc-1", *(f"https://a.example/{number}" for number in range(60))])
    assert outcome(device().managed, many) == "allowed"
    assert outcome(device().managed, Peer((many.der,) * 5000)) == "too_large"
    assert outcome(device(anchors=anchors(ROOT)).managed, Peer((b"\x30" * 2**20,))) == "too_large"

"""Certificates of managed devices: who is one, whose token goes with it, and what can be done about the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.verifiers.devices import (
    ISSUING,
    NOTHING_REVOKED,
    OTHER,
    PREFIX,
    ROOT,
    RULE,
    Known,
    anchors,
    certificate,
    deciding,
    device,
    found,
    issued,
    request,
)
from tests.verifiers.test_key_attestation import OURS, SOFT, policies
from tests.verifiers.tokens import NOW, URL, bearer, mint
from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.finding import Absent, Rejected, Unavailable, Verified
from zerotrust.core.moments import days, hours
from zerotrust.core.policy import Policy
from zerotrust.core.reason import (
    CERTIFICATE_EXPIRED,
    CERTIFICATE_REVOKED,
    LINK_MISSING,
    MALFORMED,
    NOT_PRESENTED,
    REVOCATION_UNKNOWN,
    SUBJECT_MISMATCH,
    UNTRUSTED_CHAIN,
    UNTRUSTED_HOP,
    WRONG_NAME,
    Kind,
)
from zerotrust.core.remedy import Action
from zerotrust.core.verdict import Verdict
from zerotrust.verifiers.device_certificate import DeviceCertificate
from zerotrust.verifiers.device_identifier import san_dns
from zerotrust.verifiers.device_questions import DeviceEvidence, DeviceId, KeyProtected, Managed
from zerotrust.verifiers.key_attestation import KeyAttestation
from zerotrust.verifiers.token_evidence import TokenEvidence

PC = issued()
DEVICE = device()
TOKEN = bearer()
LINKED = device(of=TOKEN)
KEYS = KeyAttestation(hardware=[OURS], software=[SOFT])
YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN


# --- What it proves --------------------------------------------------------------------------------------------------
def test_the_evidence() -> None:
    finding = found(DEVICE, request(PC.peer("front")))
    assert isinstance(finding, Verified)
    leaf = certificate(PC.der)
    assert finding.evidence == DeviceEvidence(
        source="CN=Example Devices",
        subject="pc-1",
        verified_at=NOW,
        expires_at=leaf.not_after + 1,
        names=leaf.names,
        fingerprint=leaf.fingerprint,
        spki=leaf.spki,
        issuers=(certificate(ISSUING.der).fingerprint, certificate(ROOT.der).fingerprint),
        hop="front",
        asserted_by=None,
        not_after=leaf.not_after + 1,
        device_id="pc-1",
        key_protected=None,
        policies=(),
    )


def test_a_name_for_the_organisation() -> None:
    finding = found(device(source="Example Corp"), request(PC))
    assert isinstance(finding, Verified)
    assert finding.evidence.source == "Example Corp"


def test_leaves() -> None:
    assert deciding(DEVICE.managed, PC)
    assert deciding(DEVICE.device_id("pc-1"), PC)
    assert deciding(DEVICE.device_id("pc-2", "pc-1"), PC)
    assert deciding(DEVICE.device_id("PC-1"), PC).verdict is NO
    assert deciding(DEVICE.device_id("pc-1 "), PC).verdict is NO
    assert deciding(DEVICE.device_id(PREFIX + "pc-1"), PC).verdict is NO
    assert deciding(DEVICE.not_expiring_within(days(20)), PC)
    assert deciding(DEVICE.not_expiring_within(days(40)), PC).verdict is NO
    for peer in (None, issued(by=OTHER)):
        for policy in (DEVICE.managed, DEVICE.device_id("pc-1"), DEVICE.not_expiring_within(days(1))):
            assert deciding(policy, peer).verdict is UNKNOWN
            assert deciding(~policy, peer).verdict is UNKNOWN


def test_a_certificate_without_a_device_id_is_no_device() -> None:
    decision = deciding(DEVICE.managed, ISSUING.issue("pc-1", dns=["pc-1.example"]))
    assert isinstance(decision, Challenge)
    assert decision.verdict is UNKNOWN
    assert decision.reason.code == "wrong_name"


def test_key_protected() -> None:
    verifier = device(attestation=KEYS)
    for oids, verdict in (((OURS,), YES), ((SOFT,), NO), ((), UNKNOWN), (("1.2.3",), UNKNOWN)):
        one = issued(by=ROOT, extensions=[policies(*oids)] if oids else [])
        assert deciding(verifier.key_protected, one).verdict is verdict
        assert deciding(~verifier.key_protected, one).verdict is ~verdict
        finding = found(verifier, request(one))
        assert isinstance(finding, Verified)
        assert finding.evidence.policies == oids
    silent = deciding(verifier.key_protected, issued(by=ROOT))
    assert "does not say where the key is kept" in str(silent)


def test_texts() -> None:
    verifier = device(attestation=KEYS)
    one = issued(by=ROOT, extensions=[policies(OURS)])
    for leaf, text, saw in (
        (verifier.managed, "device.managed", "device pc-1 of CN=Example Devices"),
        (verifier.device_id("a", "b"), 'device.device_id("a", "b")', "device pc-1"),
        (verifier.key_protected, "device.key_protected", "key kept in hardware"),
        (verifier.not_expiring_within(days(7)), "device.not_expiring_within(7 d)", "valid until 2027-02-14 07:00"),
    ):
        assert str(leaf) == text
        assert deciding(leaf, one).explanation.detail == saw
    soft = deciding(verifier.key_protected, issued(by=ROOT, extensions=[policies(SOFT)]))
    assert soft.explanation.detail == "key kept in software"


def test_leaves_are_equal_exactly_if_they_ask_the_same() -> None:
    verifier = device(attestation=KEYS)
    makers: list[Callable[[], Policy]] = [
        lambda: verifier.managed,
        lambda: verifier.valid,
        lambda: verifier.key_protected,
        lambda: verifier.device_id("a"),
        lambda: verifier.device_id("a", "b"),
        lambda: verifier.not_expiring_within(days(1)),
        lambda: verifier.not_expiring_within(days(2)),
    ]
    for position, make in enumerate(makers):
        for other_position, other in enumerate(makers):
            assert (make() == other()) is (position == other_position)
        assert hash(make()) == hash(make())


# --- With the token of its user --------------------------------------------------------------------------------------
BOTH = LINKED.managed & TOKEN.scope("pay")


def test_the_token_of_its_user() -> None:
    assert deciding(BOTH, PC, token=mint(scope="pay", device_id="pc-1"))
    assert deciding(LINKED.managed, PC, token=mint(device_id="pc-1"))


@pytest.mark.parametrize(
    "said", ["pc-2", "PC-1", "pc-1 ", "", PREFIX + "pc-1", ["pc-1"], {"id": "pc-1"}, 1, True, None], ids=repr
)
def test_a_token_of_another_device(said: object) -> None:
    decision = deciding(BOTH, PC, token=mint(scope="pay", device_id=said))
    assert not decision
    assert decision.reason.code == "subject_mismatch"
    assert decision.reason.presented == "pc-1"
    assert decision.reason.detail == "the device that token names"


def test_a_token_that_names_no_device() -> None:
    for leaf in (LINKED.managed, ~LINKED.device_id("pc-2")):
        decision = deciding(leaf, PC, token=mint(scope="pay"))
        assert isinstance(decision, Challenge)
        assert decision.verdict is UNKNOWN
        assert decision.reason == SUBJECT_MISMATCH(
            expected="the device id as device_id", presented="pc-1", detail="the device that token names"
        )


def test_another_claim() -> None:
    verifier = device(of=TOKEN, claim="deviceid")
    assert deciding(verifier.managed, PC, token=mint(deviceid="pc-1"))
    assert not deciding(verifier.managed, PC, token=mint(device_id="pc-1"))


def test_without_a_good_token_there_is_no_device() -> None:
    for token in (None, "x", mint(exp=NOW - 600, device_id="pc-1")):
        decision = deciding(LINKED.managed, PC, token=token)
        assert decision.verdict is UNKNOWN
        assert not decision


def test_the_device_counts_no_longer_than_the_token_but_its_certificate_lasts() -> None:
    token = mint(device_id="pc-1")
    decision = deciding(LINKED.managed & LINKED.not_expiring_within(days(7)), PC, token=token)
    assert decision
    assert decision.valid_until == NOW + 310


def test_agrees_knows_tokens_alone() -> None:
    finding = found(DEVICE, request(PC))
    assert isinstance(finding, Verified)
    token = TokenEvidence(URL, "ada", NOW, math.inf, {"device_id": "pc-1"})
    assert LINKED.agrees(finding.evidence, token)
    assert not LINKED.agrees(finding.evidence, replace(token, claims={"device_id": "pc-2"}))
    assert not LINKED.agrees(finding.evidence, replace(token, subject="pc-1", claims={}))
    assert not LINKED.agrees(finding.evidence, finding.evidence)  # the same subject, but no token


def test_a_token_whose_device_is_empty_is_nobodys() -> None:
    evidence = DEVICE.blank(NOW)
    assert evidence.device_id == ""
    assert LINKED.agrees(evidence, TokenEvidence(URL, "ada", NOW, math.inf, {})) is False


def test_a_bad_certificate_stays_one_beside_any_token() -> None:
    decision = deciding(LINKED.managed, issued(by=OTHER), token=mint(device_id="pc-1"))
    assert not decision
    assert decision.reason.code in ("untrusted_chain", "chain_signature")


def test_two_that_nothing_links_do_not_mix() -> None:
    with pytest.raises(PolicyError, match="which nothing links"):
        LINKED.managed & bearer(name="other").valid
    with pytest.raises(PolicyError, match="which nothing links"):
        DEVICE.managed & TOKEN.valid


def test_beside_a_token_any_managed_device_will_do() -> None:
    verifier = device(beside=TOKEN)
    assert deciding(verifier.managed & TOKEN.valid, PC, token=mint(device_id="pc-2"))
    assert deciding(verifier.managed, PC)
    assert not deciding(verifier.managed & TOKEN.valid, PC)


# --- What can be done ------------------------------------------------------------------------------------------------
ACTIONS: list[tuple[Any, Action | None, str]] = [
    (Absent(NOT_PRESENTED()), Action.ENROL, "enrol this device, or let its client present the certificate"),
    (Absent(LINK_MISSING()), Action.PRESENT_FACTOR, "come with the certificate of the device"),
    (Rejected(CERTIFICATE_EXPIRED()), Action.FIX_DEVICE, "renew the certificate of this device"),
    (Rejected(UNTRUSTED_CHAIN()), Action.ENROL, "enrol this device, or let its client present the certificate"),
    (Rejected(WRONG_NAME()), Action.ENROL, "enrol this device, or let its client present the certificate"),
    (Rejected(SUBJECT_MISMATCH()), Action.SIGN_IN, "sign in on the device itself"),
    (Rejected(CERTIFICATE_REVOKED()), Action.ASK_ADMINISTRATOR, "ask an administrator for managed"),
    (Unavailable(REVOCATION_UNKNOWN()), Action.RETRY, "try again (device could not be checked)"),
    (Rejected(UNTRUSTED_HOP()), None, ""),
    (Rejected(MALFORMED()), None, ""),
]


@pytest.mark.parametrize(("finding", "action", "text"), ACTIONS, ids=lambda value: str(value)[:40])
def test_actions(finding: Any, action: Action | None, text: str) -> None:
    assert DEVICE.action(finding) is action


@pytest.mark.parametrize(
    ("kind", "text", "allowed_to_challenge"),
    [
        (CERTIFICATE_REVOKED, "ask an administrator for managed", False),
        (REVOCATION_UNKNOWN, "try again (device could not be checked)", True),
    ],
)
def test_remedies_of_revocation(kind: Kind, text: str, allowed_to_challenge: bool) -> None:
    decision = deciding(device(revocation=Known(kind())).managed, PC)
    assert isinstance(decision, Challenge if allowed_to_challenge else Deny)
    assert str(decision.remedy) == text


def test_remedies_say_what_to_do() -> None:
    ends = certificate(PC.der).not_after + 1
    tokened = mint(device_id="pc-2")
    for decision, text in (
        (deciding(DEVICE.managed), "enrol this device, or let its client present the certificate"),
        (deciding(DEVICE.device_id("pc-9")), "enrol this device, or let its client present the certificate"),
        (deciding(DEVICE.managed, PC, ends), "renew the certificate of this device"),
        (deciding(DEVICE.not_expiring_within(days(60)), PC), "renew the certificate of this device"),
        (deciding(LINKED.managed, PC, token=tokened), "sign in on the device itself"),
        (deciding(LINKED.managed, PC), "sign in and come with the certificate of the device"),
    ):
        assert isinstance(decision, Challenge), decision
        assert str(decision.remedy) == text
    hardware = deciding(device(attestation=KEYS).key_protected, issued(by=ROOT, extensions=[policies(SOFT)]))
    assert str(hardware.remedy) == "renew the certificate of this device, with its key in hardware"  # type: ignore[union-attr]


def test_nobody_becomes_another_device() -> None:
    decision = deciding(DEVICE.device_id("pc-2"), PC)
    assert isinstance(decision, Deny)
    assert decision.remedies == ()


def test_what_is_assumed_is_what_is_wanted() -> None:
    for question in (DeviceId(("a", "b")), KeyProtected()):
        for wanted in (True, False):
            said = question.assume(DEVICE.blank(NOW), wanted, NOW)
            assert question.holds(said, NOW) is wanted
    assert Managed().holds(DEVICE.blank(NOW), NOW) is True


# --- Configuration ---------------------------------------------------------------------------------------------------
def made(**options: Any) -> object:
    given = {"device_id": RULE, "revocation": NOTHING_REVOKED, **options}
    return DeviceCertificate(given.pop("anchors", anchors()), **given)


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"anchors": [ROOT.der]}, "anchors takes Anchors.from_file"),
    ({"device_id": "subject_cn"}, "device_id takes san_uri"),
    ({"device_id": san_dns}, "device_id takes san_uri"),
    ({"revocation": None}, "revocation takes"),
    ({"of": TOKEN.valid}, "of takes the Bearer"),
    ({"of": DEVICE}, "of takes the Bearer"),
    ({"of": TOKEN, "beside": TOKEN}, "leave beside= out"),
    ({"beside": "token"}, "beside takes a verifier"),
    ({"claim": ""}, "claim takes exactly one name"),
    ({"attestation": OURS}, "attestation takes KeyAttestation"),
    ({"source": ""}, "source takes exactly one name"),
    ({"name": "my device"}, "write an identifier"),
    ({"remember": -1}, "remember=-1"),
    ({"remember": True}, "remember=True"),
]


@pytest.mark.parametrize(("options", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_mistakes(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made(**options)


def test_what_must_be_said_must_be_said() -> None:
    with pytest.raises(TypeError, match="revocation"):
        DeviceCertificate(anchors(), device_id=RULE)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="device_id"):
        DeviceCertificate(anchors(), revocation=NOTHING_REVOKED)  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match="could never be known"):
        DEVICE.key_protected  # noqa: B018 - the attribute refuses
    with pytest.raises(ConfigError, match="one or more names"):
        DEVICE.device_id()
    with pytest.raises(ConfigError, match="span"):
        DEVICE.not_expiring_within(hours(0))


def test_it_needs_a_peer() -> None:
    assert DEVICE.needs_peer is True
    assert repr(device(name="laptop")) == "laptop"

"""What an authority says of where a key is kept: only what was configured counts, and silence is no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.devices import ISSUING, ROOT, anchors, certificate, issued
from tests.verifiers.tokens import NOW
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.pki.chain import Path, build_path
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.verifiers.key_attestation import (
    AD_CS_EK_CERTIFIED,
    AD_CS_EK_LISTED,
    AD_CS_USER_CREDENTIALS,
    ANDROID_KEY_DESCRIPTION,
    ANY_POLICY,
    APPLE_FRESHNESS,
    TCG_TPM_FIXED,
    TCG_TPM_RESIDENCY,
    YUBICO_PIV_POLICY,
    KeyAttestation,
    policies_of,
)

OURS = "1.3.6.1.4.1.55555.9"
SOFT = "1.3.6.1.4.1.55555.8"
BOTH = KeyAttestation(hardware=[AD_CS_EK_LISTED, AD_CS_EK_CERTIFIED, OURS], software=[SOFT])
COPIED = KeyAttestation(copied=[ANDROID_KEY_DESCRIPTION, APPLE_FRESHNESS, YUBICO_PIV_POLICY])


def policies(*oids: str) -> tuple[x509.ExtensionType, bool]:
    found = [x509.PolicyInformation(x509.ObjectIdentifier(oid), None) for oid in oids]
    return x509.CertificatePolicies(found), False


def extension(oid: str, value: bytes) -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), False


def path_of(one: Issued) -> Path:
    leaf, *others = map(certificate, one.ders)
    path = build_path(leaf, others, anchors(), NOW)
    assert isinstance(path, Path), path
    return path


def read(attestation: KeyAttestation, *extensions: Any, by: LocalAuthority = ROOT) -> bool | None:
    return attestation.read(path_of(issued(by=by, extensions=extensions)))


@pytest.mark.parametrize(
    ("oids", "answer"),
    [
        ((), None),
        ((AD_CS_EK_LISTED,), True),
        ((AD_CS_EK_CERTIFIED, AD_CS_EK_LISTED), True),
        (("1.2.3", OURS), True),
        ((OURS + ".1",), None),
        ((AD_CS_USER_CREDENTIALS,), None),
        ((AD_CS_USER_CREDENTIALS, AD_CS_EK_CERTIFIED), True),
        ((ANY_POLICY,), None),
        ((TCG_TPM_FIXED, TCG_TPM_RESIDENCY), None),  # real, but nobody configured them
        ((SOFT,), False),
        ((SOFT, OURS), None),
    ],
)
def test_policies(oids: tuple[str, ...], answer: bool | None) -> None:
    assert read(BOTH, *([policies(*oids)] if oids else [])) is answer


def below(*lists: tuple[str, ...]) -> LocalAuthority:
    """Authorities one below the other, the first below the root, with these policies; of none, without extension."""
    authority = ROOT
    for place, oids in enumerate(lists):
        more = [policies(*oids)] if oids else []
        authority = authority.intermediate(f"CA {place}", path_length=None, extensions=more)
    return authority


@pytest.mark.parametrize(
    ("lists", "answer"),
    [
        (((OURS,),), True),
        (((ANY_POLICY,),), True),
        (((ANY_POLICY,), (OURS,)), True),
        (((),), None),
        (((AD_CS_EK_LISTED,),), None),
        (((OURS,), ()), None),
        (((), (OURS,)), None),
    ],
)
def test_rfc_5280_section_6_1_3_d_each_authority_has_to_hold_the_policy(
    lists: tuple[tuple[str, ...], ...], answer: bool | None
) -> None:
    """One that may issue certificates, but not say this of keys, says nothing."""
    assert read(BOTH, policies(OURS), by=below(*lists)) is answer


@pytest.mark.parametrize("critical", [True, False])
def test_rfc_5280_section_4_2_1_14_a_path_that_inhibits_any_policy_is_refused(critical: bool) -> None:
    """So anyPolicy, where it is met, stands for every policy."""
    inhibiting = ROOT.intermediate(extensions=[policies(ANY_POLICY), (x509.InhibitAnyPolicy(0), critical)])
    leaf, *others = map(certificate, issued(by=inhibiting, extensions=[policies(OURS)]).ders)
    path = build_path(leaf, others, anchors(), NOW)
    assert isinstance(path, Reason)
    assert path.code == "critical_extension"


@pytest.mark.parametrize("held", [(SOFT, ANY_POLICY), (ANY_POLICY,), (OURS, SOFT)])
@pytest.mark.parametrize("place", ["above", "issuing"])
def test_rfc_5280_section_4_2_1_5_an_authority_that_maps_policies_says_nothing(
    held: tuple[str, ...], place: str
) -> None:
    """Here it says that what it calls OURS is SOFT to everybody else; the extension need not be critical."""
    oids = [asn1.encode_der(x509.ObjectIdentifier(oid)) for oid in (SOFT, OURS)]
    mapping = extension("2.5.29.33", tlv(0x30, tlv(0x30, b"".join(oids))))
    maps = ROOT.intermediate("Partner", path_length=None, extensions=[policies(*held), mapping])
    by = maps if place == "issuing" else maps.intermediate("Below", extensions=[policies(OURS, SOFT)])
    assert read(BOTH, policies(OURS), by=by) is None
    assert read(BOTH, policies(SOFT), by=by) is None


def test_an_authority_that_is_trusted_itself_says_it_alone() -> None:
    leaf, issuing = map(certificate, issued(by=ISSUING, extensions=[policies(OURS)]).ders)
    path = build_path(leaf, [], anchors(ISSUING), NOW)
    assert isinstance(path, Path)
    assert path.certificates == (leaf, issuing)
    assert BOTH.read(path) is True


# --- Extensions that were copied -------------------------------------------------------------------------------------
def tlv(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value


def description(level: int = 1, keeper: int = 1, *, tag: int = 10) -> bytes:
    fields = (
        asn1.encode_der(300), tlv(tag, bytes([level])), asn1.encode_der(300), tlv(tag, bytes([keeper])),
        asn1.encode_der(b"challenge"), asn1.encode_der(b""), tlv(0x30, b""), tlv(0x30, b""),
    )  # fmt: skip
    return tlv(0x30, b"".join(fields))


@pytest.mark.parametrize(
    ("oid", "value", "answer"),
    [
        (ANDROID_KEY_DESCRIPTION, description(1, 1), True),
        (ANDROID_KEY_DESCRIPTION, description(2, 2), True),
        (ANDROID_KEY_DESCRIPTION, description(2, 1), True),
        (ANDROID_KEY_DESCRIPTION, description(0, 0), False),
        (ANDROID_KEY_DESCRIPTION, description(0, 1), False),
        (ANDROID_KEY_DESCRIPTION, description(1, 0), False),
        (ANDROID_KEY_DESCRIPTION, description(3, 1), None),
        (ANDROID_KEY_DESCRIPTION, description(1, 1, tag=2), None),
        (ANDROID_KEY_DESCRIPTION, description() + b"\x00", None),
        (ANDROID_KEY_DESCRIPTION, description()[:-1], None),
        (ANDROID_KEY_DESCRIPTION, b"", None),
        (APPLE_FRESHNESS, b"\x01" * 32, True),
        (YUBICO_PIV_POLICY, b"\x02\x01", True),
        (YUBICO_PIV_POLICY, b"\x02\x01\x01", None),
        ("1.3.6.1.4.1.41482.3.9", b"\x03", None),
    ],
)
def test_extensions(oid: str, value: bytes, answer: bool | None) -> None:
    assert read(COPIED, extension(oid, value)) is answer
    assert read(BOTH, extension(oid, value)) is None  # which nobody configured


def test_an_extension_that_nobody_configured_says_nothing() -> None:
    apple = KeyAttestation(copied=[APPLE_FRESHNESS])
    others = [extension(YUBICO_PIV_POLICY, b"\x02\x01"), extension("1.2.3", b"?")]
    assert read(apple, *others) is None
    assert read(apple, extension(APPLE_FRESHNESS, b"\x01" * 32), *others) is True


@given(st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_none(value: bytes) -> None:
    from zerotrust.verifiers.key_attestation import _android

    assert _android(value) in (True, False, None)


def test_what_contradicts_itself_says_nothing() -> None:
    both = KeyAttestation(hardware=[OURS], copied=[ANDROID_KEY_DESCRIPTION])
    assert read(both, policies(OURS)) is True
    assert read(both, policies(OURS), extension(ANDROID_KEY_DESCRIPTION, description(0, 0))) is None
    assert read(both, policies(OURS), extension(ANDROID_KEY_DESCRIPTION, b"?")) is None


def test_policies_of_a_certificate() -> None:
    assert policies_of(certificate(issued(extensions=[policies("1.2.3", OURS)]).der)) == ("1.2.3", OURS)
    assert policies_of(certificate(issued().der)) == ()


MISTAKES: list[tuple[Callable[[], object], str]] = [
    (KeyAttestation, "would leave every key unknown"),
    (lambda: KeyAttestation(software=[SOFT]), "would leave every key unknown"),
    (lambda: KeyAttestation(hardware=[AD_CS_USER_CREDENTIALS]), "on the user's credentials alone"),
    (lambda: KeyAttestation(hardware=[ANY_POLICY]), "it is any policy"),
    (lambda: KeyAttestation(hardware=[OURS], software=[OURS]), "hardware and software"),
    (lambda: KeyAttestation(copied=["1.3.6.1.4.1.41482.3.9"]), "is not known here"),
    (lambda: KeyAttestation(hardware=["TPM"]), "object identifier in dots"),
    (lambda: KeyAttestation(hardware=[7]), "one or more names"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("make", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_mistakes(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make()


def test_it_prints_as_it_was_written() -> None:
    assert repr(KeyAttestation(hardware=[OURS], copied=[APPLE_FRESHNESS])) == (
        f"KeyAttestation(hardware=['{OURS}'], copied=['{APPLE_FRESHNESS}'])"
    )

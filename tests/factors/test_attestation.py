from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.factors.attested import MODEL, NOW, Made, code, made
from zerotrust.core.reason import Reason
from zerotrust.factors.aaguid import NO_AAGUID
from zerotrust.factors.attestation.attested import Attestation, Format
from zerotrust.factors.attestation.key_description import Authorizations, read_key_description
from zerotrust.factors.attestation.statement import check_statement
from zerotrust.factors.attestation.tpm_structures import read_attest, read_public_area
from zerotrust.factors.attestation.trust import trusted_path
from zerotrust.pki.chain import Path
from zerotrust.testing.attesting import LocalAttestation
from zerotrust.testing.attesting_android import key_description, tagged
from zerotrust.testing.attesting_tpm import certify_info, public_area
from zerotrust.testing.authenticator_keys import AuthenticatorAlgorithm
from zerotrust.testing.authority import LocalAuthority
from zerotrust.testing.authority import PrivateKey as AuthorityKey
from zerotrust.wire.cbor import CborValue, encode
from zerotrust.wire.der import SEQUENCE
from zerotrust.wire.der_encoding import wrap

WITH_CERTIFICATES: tuple[Format, ...] = ("packed", "tpm", "apple", "android-key", "fido-u2f")


@pytest.mark.parametrize("fmt", WITH_CERTIFICATES)
def test_a_good_statement_of_each_format(fmt: Format) -> None:
    attestation = LocalAttestation(fmt, now=NOW)
    found = made(attestation).good()
    assert (found.format, found.kind) == (fmt, "basic")
    path = trusted_path(found, attestation.anchors, NOW)
    assert isinstance(path, Path)
    assert path.leaf == found.x5c[0]


def test_no_attestation_and_self_attestation() -> None:
    nothing, own = made("none").good(), made("packed-self").good()
    assert (nothing.format, nothing.kind, nothing.aaguid, nothing.x5c) == ("none", "none", MODEL, ())
    assert (own.format, own.kind, own.aaguid, own.x5c) == ("packed", "self", MODEL, ())
    assert code(trusted_path(own, LocalAttestation(now=NOW).anchors, NOW)) == "untrusted_attestation"


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA", "Ed448", "RS256"])
def test_self_attestation_with_each_algorithm(algorithm: AuthenticatorAlgorithm) -> None:
    assert made("packed-self", algorithm=algorithm).good().kind == "self"


@pytest.mark.parametrize("algorithm", ["ES384", "RS256"])
@pytest.mark.parametrize("fmt", ["tpm", "apple", "android-key"])
def test_keys_of_other_kinds_are_attested(fmt: Format, algorithm: AuthenticatorAlgorithm) -> None:
    assert made(LocalAttestation(fmt, now=NOW), algorithm=algorithm).good().kind == "basic"


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="P-384"),
        pytest.param(ec.generate_private_key(ec.SECP521R1()), id="P-521"),
        pytest.param(rsa.generate_private_key(65537, 2048), id="RSA"),
        pytest.param(Ed25519PrivateKey.generate(), id="Ed25519"),
    ],
)
def test_attestation_keys_of_other_kinds(key: AuthorityKey) -> None:
    assert made(LocalAttestation("packed", now=NOW, key=key)).good().kind == "basic"


def test_the_model_is_as_far_attested_as_the_signature_covers_it() -> None:
    assert made(LocalAttestation("packed", now=NOW)).good().aaguid == MODEL
    assert made(LocalAttestation("packed", now=NOW, aaguid=b"")).good().aaguid == MODEL
    assert made(LocalAttestation("fido-u2f", now=NOW)).good().aaguid == NO_AAGUID


def test_what_a_tpm_says_of_itself_and_of_the_key() -> None:
    found = made(LocalAttestation("tpm", now=NOW)).good()
    assert (found.hardware, found.model, found.sha1) == (True, "TPM TEST Test TPM id:00010002", False)
    # Made in it, but not fixed to it; fixed, but made elsewhere.
    for attributes in (0x00040020, 0x00040012):
        assert made(LocalAttestation("tpm", now=NOW, attributes=attributes)).good().hardware is False
    windows = made(LocalAttestation("tpm", now=NOW, sha1=True)).good()
    assert windows.sha1


def test_what_the_android_keystore_says_of_the_key() -> None:
    found = made(LocalAttestation("android-key", now=NOW)).good()
    assert (found.hardware, found.model) == (True, "Android, key in a trusted execution environment")
    assert made(LocalAttestation("android-key", now=NOW, level=2)).good().model == "Android, key in StrongBox"
    # In software, or in hardware but described by the operating system alone.
    assert made(LocalAttestation("android-key", now=NOW, level=0)).good().hardware is False
    assert made(LocalAttestation("android-key", now=NOW, in_software=True)).good().hardware is False


@pytest.mark.parametrize(
    ("software", "hardware", "bound"),
    [
        pytest.param("", "purpose origin", True, id="all by hardware"),
        pytest.param("purpose", "purpose origin", True, id="some twice"),
        pytest.param("purpose", "origin", False, id="purpose by software"),
        pytest.param("origin", "purpose", False, id="origin by software"),
    ],
)
def test_origin_and_purpose_are_the_trusted_environments_for_a_key_bound_to_hardware(
    software: str, hardware: str, bound: bool
) -> None:
    parts = {"purpose": tagged(1, b"\x31\x03\x02\x01\x02"), "origin": tagged(702, b"\x02\x01\x00")}
    listed = [b"".join(parts[name] for name in names.split()) for names in (software, hardware)]
    challenge = made("none").client_data_hash
    head = key_description(challenge=challenge, origin=None, purpose=())[2:-4]
    der = wrap(SEQUENCE, head + b"".join(wrap(SEQUENCE, one) for one in listed))
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17"), der)
    found = made(LocalAttestation("android-key", now=NOW, extensions=[(extension, False)])).good()
    assert found.hardware is bound


def test_apple_packed_and_u2f_do_not_say_where_the_key_is() -> None:
    for fmt in ("apple", "packed", "fido-u2f"):
        assert made(LocalAttestation(fmt, now=NOW)).good().hardware is None


def test_backup_eligibility_is_passed_on() -> None:
    assert made("none", backup_eligible=True).good().backup_eligible
    assert not made("none").good().backup_eligible


def test_certificates_above_the_first_come_along() -> None:
    root = LocalAuthority("Root", now=NOW)
    attestation = LocalAttestation("packed", now=NOW, authority=root.intermediate("Batch"))
    found = made(attestation).good()
    assert len(found.x5c) == 2
    anchors = LocalAttestation(now=NOW, authority=root).anchors
    assert isinstance(trusted_path(found, anchors, NOW), Path)
    # As Android has it: the root is sent along, and is not trusted for that.
    sent = made(attestation)
    along = sent.but(x5c=[*_list(sent.statement["x5c"]), root.der]).good()
    assert isinstance(trusted_path(along, anchors, NOW), Path)
    assert code(trusted_path(along, LocalAttestation(now=NOW).anchors, NOW)) == "untrusted_attestation"


def test_critical_policies_are_a_tpms_matter() -> None:
    policies = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.3.6.1.4.1.311.21.31"), None)])
    attestation = LocalAttestation("tpm", now=NOW, extensions=[(policies, True)])
    assert isinstance(trusted_path(made(attestation).good(), attestation.anchors, NOW), Path)
    demanding = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
    attestation = attestation.but(extensions=[(policies, True), (demanding, True)])
    refused = trusted_path(made(attestation).good(), attestation.anchors, NOW)
    assert isinstance(refused, Reason)
    assert "2.5.29.36" in refused.detail


@pytest.mark.parametrize("fmt", ["android-safetynet", "compound", "Packed", "packed ", "", "x" * 5000])
def test_a_format_that_is_not_known_is_refused_by_name(fmt: str) -> None:
    refused = replace(made("packed-self"), fmt=fmt).check()
    assert isinstance(refused, Reason)
    assert refused.code == "bad_attestation"
    assert len(str(refused)) < 400


@pytest.mark.parametrize("fmt", [None, 1, b"none", ["none"], True])
def test_a_format_that_is_no_text_is_refused(fmt: object) -> None:
    assert code(check_statement(fmt, {}, made("none").auth_data, bytes(32))) == "bad_attestation"


@pytest.mark.parametrize("statement", [None, [], b"", 1, "none"])
def test_a_statement_that_is_no_map_is_refused(statement: CborValue) -> None:
    assert code(check_statement("none", statement, made("none").auth_data, bytes(32))) == "bad_attestation"


def test_authenticator_data_without_a_credential_are_refused() -> None:
    assert code(check_statement("none", {}, bytes(32) + b"\x01" + bytes(4), bytes(32))) == "bad_attestation"


def test_authenticator_data_that_are_none_and_keys_that_are_none() -> None:
    good = made("none")
    assert code(check_statement("none", {}, b"", bytes(32))) == "malformed"
    without = good.auth_data[: good.auth_data.index(b"\xa5\x01\x02")] + encode({1: 2})
    assert code(check_statement("none", {}, without, bytes(32))) == "unsuitable_key"


@pytest.mark.parametrize("size", [0, 20, 31, 33, 64])
def test_a_hash_that_is_none_of_sha_256_is_refused(size: int) -> None:
    assert code(check_statement("none", {}, made("none").auth_data, bytes(size))) == "bad_attestation"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.binary(max_size=40) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4),
    max_leaves=8,
)
AUTHORITY = LocalAuthority("Test Attestation CA", now=NOW)
SAMPLES: dict[str, Made] = {one: made(LocalAttestation(one, now=NOW, authority=AUTHORITY)) for one in WITH_CERTIFICATES}


@given(
    fmt=st.sampled_from(WITH_CERTIFICATES),
    member=st.sampled_from(["alg", "sig", "x5c", "ver", "pubArea", "certInfo", "other"]),
    value=VALUES,
)
def test_whatever_stands_in_a_statement_nothing_raises(fmt: Format, member: str, value: object) -> None:
    changed = SAMPLES[fmt].but(**{member: cast("CborValue", value)})
    found = changed.check()
    assert isinstance(found, (Attestation, Reason))
    if changed.statement != SAMPLES[fmt].statement:
        assert isinstance(found, Reason)


@given(fmt=st.sampled_from(WITH_CERTIFICATES), at=st.integers(0, 4000), bit=st.integers(0, 7), what=st.integers(0, 3))
def test_no_octet_of_what_is_signed_can_be_changed(fmt: Format, at: int, bit: int, what: int) -> None:
    good = SAMPLES[fmt]
    member = ("certInfo", "pubArea", "sig", "x5c")[what]
    old = good.statement.get(member)
    octets = old[0] if isinstance(old, list) else good.auth_data if old is None else old
    assert isinstance(octets, bytes)
    at %= len(octets)
    new = octets[:at] + bytes((octets[at] ^ 1 << bit,)) + octets[at + 1 :]
    if old is None:
        changed = replace(good, auth_data=new)
    else:
        value: CborValue = [new] if isinstance(old, list) else new
        changed = good.but(**{member: value})
    found: object = changed.check()
    if fmt == "fido-u2f" and changed.auth_data != good.auth_data and 32 <= at < 53:
        return  # flags, counter and model, which U2F does not sign
    if isinstance(found, Attestation):  # whether a certificate was changed is for the path to tell
        assert isinstance(old, list)
        found = trusted_path(found, LocalAttestation(now=NOW, authority=AUTHORITY).anchors, NOW)
    assert isinstance(found, Reason)


def test_a_key_description_is_read() -> None:
    read = read_key_description(key_description(challenge=b"challenge", level=2))
    assert not isinstance(read, Reason)
    assert (read.attestation_level, read.keystore_level, read.challenge) == (2, 2, b"challenge")
    assert read.hardware == Authorizations(frozenset({2}), 0)
    assert read.software == Authorizations()
    everybody = read_key_description(key_description(challenge=b"", all_applications=True, in_software=True))
    assert not isinstance(everybody, Reason)
    assert everybody.software.all_applications


@pytest.mark.parametrize("number", [1, 30, 31, 127, 128, 600, 702, 703, 724, 16383])
def test_authorizations_with_any_tag_are_passed_over(number: int) -> None:
    # 703 ends in the octet that would announce a longer tag, were it the first.
    inside = tagged(number, b"\x05\x00")
    if number in {1, 702}:
        inside = tagged(number, b"\x31\x03\x02\x01\x02" if number == 1 else b"\x02\x01\x00")
    assert not isinstance(read_key_description(_described(inside)), Reason)


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param(tagged(2, b"\x02\x01\x03") * 2, id="twice"),
        pytest.param(b"\x02\x01\x02", id="no tag"),
        pytest.param(b"\xa1", id="cut off"),
        pytest.param(b"\xbf", id="cut off at once"),
        pytest.param(b"".join(tagged(number, b"") for number in range(800, 865)), id="too many"),
        pytest.param(tagged(702, b"\x02\x02\xff\x80"), id="a negative number longer than need be"),
        pytest.param(b"\xbf\x85", id="cut off in a tag"),
        pytest.param(b"\xbf\x85\x3e", id="cut off behind a tag"),
        pytest.param(b"\xbf\x80\x21\x02\x05\x00", id="a tag longer than need be"),
        pytest.param(b"\xbf\x1e\x02\x05\x00", id="a long tag for a small number"),
        pytest.param(b"\xbf\x81\x80\x21\x02\x05\x00", id="a tag too large"),
        pytest.param(tagged(702, b"\x02\x02\x00\x00"), id="a number longer than need be"),
        pytest.param(tagged(702, b"\x02\x00"), id="an empty number"),
        pytest.param(tagged(702, b"\x02\x09" + b"\x01" * 9), id="a number too large"),
        pytest.param(tagged(702, b"\x02\x01\x00\x00"), id="octets behind a number"),
        pytest.param(tagged(702, b"\x04\x01\x00"), id="an origin that is no number"),
        pytest.param(tagged(1, b"\x31\x03\x04\x01\x02"), id="a purpose that is no number"),
        pytest.param(tagged(1, b"\x02\x01\x02"), id="purposes that are no set"),
        pytest.param(tagged(1, b"\x31\x03\x02\x01\x02\x00"), id="octets behind a set"),
        pytest.param(b"\xbf\x85\x3e\x81\x03\x02\x01\x00", id="a length longer than need be"),
        pytest.param(b"\xbf\x85\x3e\x80\x02\x01\x00\x00\x00", id="an indefinite length"),
        pytest.param(b"\xbf\x85\x3e\x7f\x02\x01\x00", id="a member that does not fit"),
    ],
)
def test_a_key_description_that_is_not_der_is_refused(inside: bytes) -> None:
    assert code(read_key_description(_described(inside))) == "bad_attestation"


@pytest.mark.parametrize("number", [0, 127, 128, 256, 2**55, 2**63 - 1, -1, -128, -129, -(2**63)])
def test_numbers_of_up_to_eight_octets_are_read(number: int) -> None:
    read = read_key_description(key_description(challenge=b"", origin=number))
    assert not isinstance(read, Reason)
    assert read.hardware.origin == number


def test_a_key_description_has_its_eight_members_and_nothing_behind_them() -> None:
    good = key_description(challenge=b"challenge")
    assert not isinstance(read_key_description(good), Reason)
    for other in (
        good + b"\x00",
        wrap(SEQUENCE, good[2:] + wrap(SEQUENCE, b"")),
        wrap(SEQUENCE, good[2:7]),
        wrap(SEQUENCE, b""),
        b"\x31" + good[1:],
        good[:2] + b"\x0a" + good[3:],  # a version that is an enumeration
        good.replace(b"\x04\x09challenge", b"\x0c\x09challenge"),
        b"",
    ):
        assert code(read_key_description(other)) == "bad_attestation"


@given(st.binary(max_size=80))
def test_any_octets_as_key_description_or_tpm_structure_raise_nothing(octets: bytes) -> None:
    for read in (read_key_description, read_public_area, read_attest):
        read(octets)
    assert code(read_key_description(_described(octets))) in {"accepted", "bad_attestation"}


def test_tpm_structures_are_read_to_the_last_octet() -> None:
    area = public_area(ec.generate_private_key(ec.SECP256R1()).public_key())
    info = certify_info(area, extra_data=b"extra")
    assert not isinstance(read_public_area(area), Reason)
    read = read_attest(info)
    assert not isinstance(read, Reason)
    assert read.extra_data == b"extra"
    for octets, reader in ((area, read_public_area), (info, read_attest)):
        for end in range(len(octets)):
            assert code(reader(octets[:end])) == "bad_attestation"
        assert code(reader(octets + b"\x00")) == "bad_attestation"


@pytest.mark.parametrize(
    ("place", "octets"),
    [
        pytest.param(0, "0008", id="a keyed hash"),
        pytest.param(2, "0004", id="a name by SHA-1"),
        pytest.param(10, "0006", id="a key that encrypts"),
        pytest.param(12, "001a", id="a scheme that is not accepted"),
        pytest.param(14, "0010", id="a curve that is not accepted"),
        pytest.param(16, "0020", id="a key that derives others"),
    ],
)
def test_a_public_area_of_another_kind_is_refused(place: int, octets: str) -> None:
    area = public_area(ec.generate_private_key(ec.SECP256R1()).public_key())
    changed = area[:place] + bytes.fromhex(octets) + area[place + 2 :]
    assert code(read_public_area(changed)) == "bad_attestation"


def test_a_public_area_may_restrict_the_key_to_a_scheme() -> None:
    area = public_area(ec.generate_private_key(ec.SECP256R1()).public_key())
    restricted = read_public_area(area[:12] + bytes.fromhex("0018000b") + area[14:])
    assert not isinstance(restricted, Reason)
    assert (restricted.scheme, restricted.scheme_hash) == ("ECDSA", "sha256")
    for refused in ("00180004", "001a000b", "001b000b", "0015000b"):  # by SHA-1; ECDAA, SM2, encryption
        assert code(read_public_area(area[:12] + bytes.fromhex(refused) + area[14:])) == "bad_attestation"


def test_a_modulus_of_another_length_than_it_says_is_refused() -> None:
    area = public_area(rsa.generate_private_key(65537, 2048).public_key())
    assert not isinstance(read_public_area(area), Reason)
    assert code(read_public_area(area[:14] + bytes.fromhex("0400") + area[16:])) == "bad_attestation"


def _described(inside: bytes) -> bytes:
    """A key description whose second list of authorisations has these contents."""
    head = key_description(challenge=b"", origin=None, purpose=())[2:-2]
    return wrap(SEQUENCE, head + wrap(SEQUENCE, inside))


def _list(value: object) -> list[CborValue]:
    assert isinstance(value, list)
    return value

"""WebAuthn Level 3 section 8: statements that are forged, borrowed or bent, format by format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import permutations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from tests.factors.attested import MODEL, NOW, OTHER, code, made
from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import Format
from zerotrust.factors.authenticators import AuthenticatorPolicy
from zerotrust.testing.attesting import LocalAttestation
from zerotrust.testing.attesting_details import ATTESTATION_FAULTS, vendor_subject
from zerotrust.testing.authenticator_attestation import Attest, Statement
from zerotrust.testing.authenticator_keys import AuthenticatorAlgorithm, CredentialKey
from zerotrust.testing.authority import Extensions, Issued, LocalAuthority
from zerotrust.testing.authority import PrivateKey as AuthorityKey
from zerotrust.wire.cbor import CborValue
from zerotrust.wire.cose import COSE_ALGORITHMS, CoseAlgorithm

FAULTS = [(fmt, fault) for fmt, faults in ATTESTATION_FAULTS.items() for fault in faults]
# No fault of the statement itself: whom to trust, and when, is for the policy.
UNTRUSTED = {"an expired certificate", "a certificate of tomorrow"}
FORMATS: tuple[Format, ...] = ("packed", "tpm", "apple", "android-key", "fido-u2f")
AUTHORITY = LocalAuthority("Test Attestation CA", now=NOW)


def attestation(fmt: Format) -> LocalAttestation:
    return LocalAttestation(fmt, now=NOW, authority=AUTHORITY)


@pytest.mark.parametrize(("fmt", "fault"), FAULTS)
def test_section_8_each_fault_is_refused(fmt: Format, fault: str) -> None:
    good = attestation(fmt)
    policy = AuthenticatorPolicy(anchors=good.anchors)
    assert code(made(good).judged(policy)) == "accepted"
    untrusted = fault in UNTRUSTED or (fmt, fault) == ("tpm", "SHA-1")
    # Packed and TPM statements have rules for their certificates; those of others are for the path to find out.
    untrusted |= fault == "an authority's certificate" and fmt not in {"packed", "tpm"}
    expected = "untrusted_attestation" if untrusted else "bad_attestation"
    assert code(made(good.wrong(fault)).judged(policy)) == expected


@pytest.mark.parametrize("fmt", FORMATS)
def test_section_6_5_a_statement_over_another_client_data_hash(fmt: Format) -> None:
    """A statement that was made for another challenge, origin or relying party."""
    found = replace(made(attestation(fmt)), client_data_hash=sha256(b"another ceremony").digest())
    assert code(found.check()) == "bad_attestation"


@pytest.mark.parametrize("fmt", FORMATS)
def test_section_6_5_a_statement_of_another_credential(fmt: Format) -> None:
    """Somebody else's good statement beside one's own key."""
    mine, theirs = made(attestation(fmt)), made(attestation(fmt))
    assert code(replace(mine, statement=theirs.statement).check()) == "bad_attestation"


@pytest.mark.parametrize(("fmt", "other"), list(permutations(FORMATS, 2)))
def test_section_6_5_a_statement_under_another_formats_name(fmt: Format, other: Format) -> None:
    assert code(replace(made(attestation(fmt)), fmt=other).check()) == "bad_attestation"


@pytest.mark.parametrize("fmt", FORMATS)
def test_section_6_5_a_statement_as_none(fmt: Format) -> None:
    """A statement may not be left unread by calling it `none`."""
    assert code(replace(made(attestation(fmt)), fmt="none").check()) == "bad_attestation"


def test_section_8_2_self_attestation_by_another_algorithm() -> None:
    key = CredentialKey.generate("ES256")
    for alg in (-35, -257, -8, -9, -65535, 0):
        assert code(made("packed-self").but(alg=alg).check()) == "bad_attestation"

    def by_another_key(
        data: bytes, client_data_hash: bytes, _key: CredentialKey
    ) -> tuple[str, dict[int | str, CborValue]]:
        return "packed", {"alg": key.alg, "sig": key.sign(data + client_data_hash)}

    assert code(made(by_another_key).check()) == "bad_attestation"


def test_section_8_2_an_empty_x5c_is_no_self_attestation() -> None:
    own = made("packed-self")
    nothing: tuple[CborValue, ...] = ([], None, b"", False)
    for x5c in nothing:
        assert code(own.but(x5c=x5c).check()) == "bad_attestation"


def test_section_8_2_ecdaa_is_no_longer_known() -> None:
    assert code(made("packed-self").but(ecdaaKeyId=b"key").check()) == "bad_attestation"


def test_section_8_2_1_the_model_in_the_certificate_must_be_the_one_in_the_data() -> None:
    """A certificate of a cheap model does not attest an expensive one."""
    cheap = attestation("packed").but(aaguid=OTHER)
    assert code(made(cheap, aaguid=OTHER).check()) == "accepted"
    assert code(made(cheap, aaguid=MODEL).check()) == "bad_attestation"
    for wrapped in (MODEL[:15], MODEL + b"\x00", b""):
        assert code(made(attestation("packed").but(aaguid=wrapped or b"\x00")).check()) == "bad_attestation"


def test_section_8_2_1_the_model_in_the_certificate_is_not_critical() -> None:
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4"), b"\x04\x10" + MODEL)
    assert code(made(attestation("packed").but(extensions=[(extension, False)])).check()) == "accepted"
    assert code(made(attestation("packed").but(extensions=[(extension, True)])).check()) == "bad_attestation"


@pytest.mark.parametrize("fmt", FORMATS)
def test_section_8_other_extensions_of_vendors_are_passed_over(fmt: Format) -> None:
    """As Yubico's certificates have them, before those that count."""
    vendors = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.41482.2"), b"1.3.6.1.4.1.41482.1.1")
    before = attestation(fmt).but(extensions=[(vendors, False)])
    assert code(made(before).check()) == "accepted"
    model = attestation("packed").but(extensions=[(vendors, False)], aaguid=OTHER)
    assert code(made(model).check()) == "bad_attestation"


class Without(LocalAttestation):
    """Its certificates lack one extension."""

    lacking = ""

    def issue(
        self,
        subject: x509.Name,
        *,
        key: AuthorityKey | None = None,
        extensions: Extensions = (),
        purposes: Sequence[x509.ObjectIdentifier] = (),
    ) -> Issued:
        usual = super().issue(subject, key=key, extensions=extensions, purposes=purposes)
        old = usual.certificate
        builder = x509.CertificateBuilder(
            old.issuer, old.subject, old.public_key(), 1, old.not_valid_before_utc, old.not_valid_after_utc
        )
        for one in old.extensions:
            if one.oid.dotted_string != self.lacking:
                builder = builder.add_extension(one.value, one.critical)
        return Issued(builder.sign(self.authority.key, SHA256()), usual.key)


def without(fmt: Format, lacking: str) -> Without:
    found = Without(fmt, now=NOW, authority=AUTHORITY)
    found.lacking = lacking
    return found


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        ("packed", "bad_attestation"),
        ("tpm", "bad_attestation"),
        # Those of Android and U2F often have none, and their sections ask for none.
        ("apple", "accepted"),
        ("android-key", "accepted"),
        ("fido-u2f", "accepted"),
    ],
)
def test_sections_8_2_1_and_8_3_1_a_certificate_that_does_not_say_what_it_is(fmt: Format, expected: str) -> None:
    bare = without(fmt, x509.BasicConstraints.oid.dotted_string)
    assert code(made(bare).judged(AuthenticatorPolicy(anchors=bare.anchors))) == expected


@pytest.mark.parametrize(
    ("fmt", "lacking"),
    [
        ("apple", "1.2.840.113635.100.8.2"),
        ("android-key", "1.3.6.1.4.1.11129.2.1.17"),
        ("tpm", x509.SubjectAlternativeName.oid.dotted_string),
        ("tpm", x509.ExtendedKeyUsage.oid.dotted_string),
    ],
)
def test_section_8_a_certificate_without_the_extension_that_all_rests_on(fmt: Format, lacking: str) -> None:
    assert code(made(without(fmt, "none of them")).check()) == "accepted"
    assert code(made(without(fmt, lacking)).check()) == "bad_attestation"


@pytest.mark.filterwarnings("ignore:Attribute's length")  # of `cryptography`, whoever reads or writes it
def test_section_8_2_1_a_country_has_two_letters() -> None:
    country = x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DEU", _validate=False)
    subject = x509.Name([country, *list(vendor_subject("Test Authenticator"))[1:]])
    refused = made(attestation("packed").but(subject=subject)).check()
    assert isinstance(refused, Reason)
    assert "country" in refused.detail
    twice = x509.Name([*vendor_subject("Test Authenticator"), *vendor_subject("Test Authenticator")])
    assert code(made(attestation("packed").but(subject=twice)).check()) == "bad_attestation"


def test_section_8_3_a_tpm_that_certifies_somebody_elses_key() -> None:
    """The TPM's structures are good, and about a key that is not the credential's."""
    theirs = attestation("tpm").but(attested=CredentialKey.generate("ES256"))
    assert code(made(theirs).check()) == "bad_attestation"
    # Even if the public area is the credential's: the name in the attestation is that of the certified key.
    mine, other = made(attestation("tpm")), made(theirs)
    assert code(mine.but(certInfo=other.statement["certInfo"], sig=other.statement["sig"]).check()) == "bad_attestation"


@pytest.mark.parametrize(
    ("algorithm", "scheme", "expected"),
    [
        ("ES256", "0018000b", "accepted"),
        ("ES256", "0018000c", "bad_attestation"),
        ("ES256", "0014000b", "bad_attestation"),
        ("RS256", "0014000b", "accepted"),
        ("RS256", "0014000d", "bad_attestation"),
        ("RS256", "0016000b", "bad_attestation"),
        ("RS256", "0018000b", "bad_attestation"),
    ],
)
def test_section_8_3_a_key_that_its_tpm_restricts_to_another_algorithm(
    algorithm: AuthenticatorAlgorithm, scheme: str, expected: str
) -> None:
    restricted = attestation("tpm").but(area=lambda area: area[:12] + bytes.fromhex(scheme) + area[14:])
    assert code(made(restricted, algorithm=algorithm).check()) == expected


@pytest.mark.parametrize(
    ("exponent", "expected"), [(0, "accepted"), (65537, "accepted"), (3, "bad_attestation"), (1, "bad_attestation")]
)
def test_section_8_3_the_exponent_is_part_of_the_key(exponent: int, expected: str) -> None:
    """Zero stands for 65537."""
    other = attestation("tpm").but(area=lambda area: area[:16] + exponent.to_bytes(4, "big") + area[20:])
    assert code(made(other, algorithm="RS256").check()) == expected


def test_section_8_3_keys_of_different_kinds_are_different() -> None:
    kinds: tuple[AuthenticatorAlgorithm, ...] = ("ES256", "ES384", "RS256")
    for mine, theirs in permutations(kinds, 2):
        other = attestation("tpm").but(attested=CredentialKey.generate(theirs))
        assert code(made(other, algorithm=mine).check()) == "bad_attestation"
    assert code(made(attestation("tpm").but(attested=CredentialKey.generate("ES256")), algorithm="EdDSA").check()) == (
        "bad_attestation"
    )


def test_section_8_3_an_algorithm_without_a_hash_makes_no_extra_data() -> None:
    assert code(made(attestation("tpm").but(key=Ed25519PrivateKey.generate())).check()) == "bad_attestation"


def test_section_8_3_octets_behind_a_tpms_structures() -> None:
    good = made(attestation("tpm"))
    for member in ("certInfo", "pubArea"):
        octets = good.statement[member]
        assert isinstance(octets, bytes)
        assert code(good.but(**{member: octets + b"\x00"}).check()) == "bad_attestation"
        assert code(good.but(**{member: octets * 60}).check()) == "bad_attestation"


@pytest.mark.parametrize("fmt", ["apple", "android-key"])
def test_sections_8_4_and_8_8_the_certificate_is_for_the_credentials_key(fmt: Format) -> None:
    theirs = attestation(fmt).but(attested=CredentialKey.generate("ES256"))
    assert code(made(theirs).check()) == "bad_attestation"
    wrong_kind = attestation(fmt).but(attested=CredentialKey.generate("EdDSA"))
    assert code(made(wrong_kind).check()) == "bad_attestation"


def test_section_8_4_no_list_may_be_left_out_of_what_is_forbidden() -> None:
    for in_software in (False, True):
        scoped = attestation("android-key").but(in_software=in_software)
        assert code(made(scoped).check()) == "accepted"
        assert code(made(scoped.but(all_applications=True)).check()) == "bad_attestation"
        assert code(made(scoped.but(origin=2)).check()) == "bad_attestation"


def test_section_8_6_a_model_that_u2f_does_not_sign_is_not_believed() -> None:
    """Flags, counter and AAGUID are outside of a U2F signature: whoever sends it may write there what they like."""
    claimed = made(attestation("fido-u2f"), aaguid=MODEL)
    assert claimed.aaguid == MODEL
    assert claimed.good().aaguid == bytes(16)
    assert code(claimed.judged(AuthenticatorPolicy(anchors=attestation("fido-u2f").anchors, allow=[MODEL]))) == (
        "authenticator_refused"
    )


def test_section_8_6_keys_that_u2f_does_not_have() -> None:
    """The statement is signed as it must be, over a credential whose key is on another curve."""
    assert code(made(attestation("fido-u2f"), algorithm="ES384").check()) == "bad_attestation"
    good = made(attestation("fido-u2f"))
    other = made(attestation("packed"), algorithm="RS256")
    assert code(replace(other, fmt="fido-u2f", statement=good.statement).check()) == "bad_attestation"
    for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        assert code(made(attestation("fido-u2f").but(key=key)).check()) == "bad_attestation"


def test_section_8_6_a_key_handle_has_at_most_255_octets() -> None:
    assert code(made(attestation("fido-u2f"), credential_id=bytes(255)).check()) == "accepted"
    assert code(made(attestation("fido-u2f"), credential_id=bytes(256)).check()) == "bad_attestation"


def test_section_6_5_5_an_attestation_key_that_is_too_weak() -> None:
    small = rsa.generate_private_key(65537, 1024)
    refused = made(attestation("packed").but(key=small)).check()
    assert isinstance(refused, Reason)
    assert "RSA-1024" in refused.detail


KEYS: dict[str, AuthorityKey] = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "RSA": rsa.generate_private_key(65537, 2048),
    "Ed25519": Ed25519PrivateKey.generate(),
}


def signed_as(key: AuthorityKey, algorithm: CoseAlgorithm) -> Attest:
    """A packed statement that names `algorithm`, and is signed as it has it, as far as the key can do that."""

    def sign(signed: bytes) -> bytes:
        digest = algorithm.digest or SHA256()
        if isinstance(key, rsa.RSAPrivateKey):
            pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
            return key.sign(signed, pss if algorithm.probabilistic else padding.PKCS1v15(), digest)
        if isinstance(key, Ed25519PrivateKey):
            return key.sign(signed)
        return key.sign(signed, ec.ECDSA(digest))

    def attest(data: bytes, client_data_hash: bytes, _key: CredentialKey) -> Statement:
        issued = attestation("packed").issue(vendor_subject("Test Authenticator"), key=key)
        x5c: list[CborValue] = [*issued.ders]
        return "packed", {"alg": algorithm.id, "sig": sign(data + client_data_hash), "x5c": x5c}

    return attest


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("algorithm", COSE_ALGORITHMS)
def test_section_6_5_5_type_and_curve_of_the_attestation_key_are_those_of_the_algorithm(
    name: str, algorithm: str
) -> None:
    """Even where the signature is good: P-256 with SHA-384 is no ES384."""
    known = COSE_ALGORITHMS[algorithm]
    fits = (known.crv or "RSA") == name
    assert code(made(signed_as(KEYS[name], known)).check()) == ("accepted" if fits else "bad_attestation")


def test_a_salt_of_another_length_than_the_hash() -> None:
    key = KEYS["RSA"]
    assert isinstance(key, rsa.RSAPrivateKey)

    def attest(data: bytes, client_data_hash: bytes, _key: CredentialKey) -> Statement:
        issued = attestation("packed").issue(vendor_subject("Test Authenticator"), key=key)
        signature = key.sign(data + client_data_hash, padding.PSS(padding.MGF1(SHA256()), 20), SHA256())
        return "packed", {"alg": COSE_ALGORITHMS["PS256"].id, "sig": signature, "x5c": [issued.der]}

    assert code(made(attest).check()) == "bad_attestation"


def test_section_8_certificates_are_bounded_in_number_and_size() -> None:
    good = made(attestation("packed"))
    x5c = good.statement["x5c"]
    assert isinstance(x5c, list)
    assert code(good.but(x5c=x5c * 8).check()) == "accepted"
    assert code(good.but(x5c=x5c * 9).check()) == "bad_attestation"
    large: list[CborValue] = [*x5c, *[b"\x30\x82\x3e\x80" + bytes(16000)] * 3]
    refused = good.but(x5c=large).check()
    assert isinstance(refused, Reason)
    assert "octets" in str(refused)
    one: CborValue = [AUTHORITY.certificate.public_bytes(Encoding.PEM)]
    assert code(good.but(x5c=one).check()) == "bad_attestation"


def test_rfc_8812_sha_1_is_refused_but_for_a_tpm_and_there_unless_asked_for() -> None:
    assert -65535 not in {one.id for one in COSE_ALGORITHMS.values()}
    key = rsa.generate_private_key(65537, 2048)
    for fmt in ("packed", "android-key"):
        signed = made(attestation(fmt).but(key=key, sha1=True) if fmt == "packed" else attestation(fmt).but(sha1=True))
        assert code(signed.but(alg=-65535).check()) == "bad_attestation"
    windows = attestation("tpm").but(sha1=True)
    assert code(made(windows).judged(AuthenticatorPolicy(anchors=windows.anchors))) == "untrusted_attestation"
    tolerant = AuthenticatorPolicy(anchors=windows.anchors, allow_sha1_tpm=True)
    assert code(made(windows).judged(tolerant)) == "accepted"

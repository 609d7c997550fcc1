"""WebAuthn Level 3 section 6.5.1, MDS 3.1 section 3.1.3: authenticators that pass for another model or batch.

An Android Keystore and a TPM sign whatever they are given: the AAGUID of their statements is a claim of who enrols.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import SubjectKeyIdentifier

from tests.factors.attested import MODEL, NOW, OTHER, Made, code, made
from zerotrust.core.reason import Reason
from zerotrust.factors.aaguid import NO_AAGUID
from zerotrust.factors.attestation.attested import Format
from zerotrust.factors.authenticators import AuthenticatorPolicy, Judged
from zerotrust.factors.metadata import Metadata
from zerotrust.pki.anchors import Anchors
from zerotrust.testing.attesting import LocalAttestation
from zerotrust.testing.authority import LocalAuthority
from zerotrust.testing.metadata import LocalMetadata, model_entry
from zerotrust.wire.json import JsonValue

VENDOR = LocalAuthority("Key Vendor", now=NOW)
PLATFORM = LocalAuthority("Phones and TPMs", now=NOW)
SERVICE = LocalMetadata(now=NOW)
THIRD = bytes(15) + b"\x03"
CLAIMING: tuple[Format, ...] = ("android-key", "tpm")


def published(*entries: Mapping[str, JsonValue]) -> Metadata:
    found = Metadata.read(SERVICE.blob(*entries), root=SERVICE.root, now=NOW)
    assert isinstance(found, Metadata)
    return found


def anchored(*authorities: LocalAuthority) -> Anchors:
    return Anchors.from_der(*(one.der for one in authorities))


def attests(fmt: Format = "packed", by: LocalAuthority = PLATFORM) -> LocalAttestation:
    return LocalAttestation(fmt, now=NOW, authority=by)


def accepted(outcome: Judged | Reason) -> Judged:
    assert isinstance(outcome, Judged), str(outcome)
    return outcome


def key_identifier(registration: Made) -> bytes:
    return SubjectKeyIdentifier.from_public_key(registration.good().x5c[0].key).digest


LISTED = published(model_entry(MODEL, VENDOR.der, name="Certified Key", status="FIDO_CERTIFIED_L2"))


@pytest.mark.parametrize("fmt", ["packed", *CLAIMING])
def test_whom_the_application_trusts_does_not_attest_a_listed_model(fmt: Format) -> None:
    for anchors in (anchored(PLATFORM), {fmt: anchored(PLATFORM)}):
        for policy in (
            AuthenticatorPolicy(metadata=LISTED, anchors=anchors),
            AuthenticatorPolicy(metadata=LISTED, anchors=anchors, unlisted="allow"),
        ):
            assert code(made(attests(fmt)).judged(policy)) == "untrusted_attestation"
    demanding = AuthenticatorPolicy(
        metadata=LISTED, anchors=anchored(PLATFORM), certification="FIDO_CERTIFIED_L2", allow=[MODEL]
    )
    assert code(made(attests(fmt)).judged(demanding)) == "untrusted_attestation"
    # The one it has, has.
    assert accepted(made(attests(by=VENDOR)).judged(demanding)).certification == "FIDO_CERTIFIED_L2"
    # An application may say so of this model.
    told = AuthenticatorPolicy(metadata=LISTED, models={MODEL: anchored(PLATFORM)})
    assert accepted(made(attests(fmt)).judged(told)).attested


@pytest.mark.parametrize("fmt", CLAIMING)
def test_a_claimed_model_is_not_an_allowed_one(fmt: Format) -> None:
    policy = AuthenticatorPolicy(anchors=anchored(PLATFORM), allow=[MODEL])
    assert code(made(attests(fmt)).judged(policy)) == "authenticator_refused"
    assert code(made(attests()).judged(policy)) == "accepted"
    told = AuthenticatorPolicy(models={MODEL: anchored(PLATFORM)}, allow=[MODEL])
    assert code(made(attests(fmt)).judged(told)) == "authenticator_refused"


@pytest.mark.parametrize("fmt", CLAIMING)
def test_a_claimed_model_lends_nothing(fmt: Format) -> None:
    """Even where the model's own authority attests the key: it attests others' keys, too."""
    metadata = published(model_entry(MODEL, PLATFORM.der, name="Certified", status="FIDO_CERTIFIED_L2"))
    judged = accepted(made(attests(fmt)).judged(AuthenticatorPolicy(metadata=metadata)))
    assert (judged.attested, judged.model_attested, judged.certification) == (True, False, None)
    assert (judged.user_verification, judged.model.startswith("Certified")) == (frozenset(), False)
    assert judged.hardware_bound  # that is what the statement itself says
    for demanding in (
        AuthenticatorPolicy(metadata=metadata, certification="FIDO_CERTIFIED"),
        AuthenticatorPolicy(metadata=metadata, user_verification=True),
        AuthenticatorPolicy(metadata=metadata, allow=[MODEL]),
    ):
        assert code(made(attests(fmt)).judged(demanding)) == "authenticator_refused"
    in_hardware = AuthenticatorPolicy(metadata=metadata, hardware_bound=True)
    assert code(made(attests(fmt)).judged(in_hardware)) == "accepted"
    silent = replace(made(attests(fmt)).good(), hardware=None)
    assert code(in_hardware.judge(silent, MODEL, NOW)) == "authenticator_refused"
    loose = made(attests(fmt).but(attributes=0, in_software=True))
    assert code(loose.judged(in_hardware)) == "authenticator_refused"


def test_a_tpm_whose_certificate_names_the_model_attests_it() -> None:
    metadata = published(model_entry(MODEL, PLATFORM.der, name="Certified", status="FIDO_CERTIFIED_L2"))
    demanding = AuthenticatorPolicy(metadata=metadata, certification="FIDO_CERTIFIED_L2", allow=[MODEL])
    judged = accepted(made(attests("tpm").but(aaguid=MODEL)).judged(demanding))
    assert (judged.model_attested, judged.model, judged.certification) == (True, "Certified", "FIDO_CERTIFIED_L2")
    assert code(made(attests("tpm").but(aaguid=OTHER)).judged(demanding)) == "bad_attestation"


@pytest.mark.parametrize("fmt", CLAIMING)
@pytest.mark.parametrize("claim", [OTHER, THIRD, NO_AAGUID], ids=["listed", "unlisted", "none"])
def test_a_revoked_model_that_claims_another_one(fmt: Format, claim: bytes) -> None:
    revoked = model_entry(MODEL, PLATFORM.der, status="REVOKED")
    metadata = published(revoked, model_entry(OTHER, PLATFORM.der))
    policy = AuthenticatorPolicy(metadata=metadata, anchors=anchored(PLATFORM), unlisted="allow")
    assert code(made(attests(fmt), aaguid=claim).judged(policy)) == "authenticator_refused"
    # Where the model is attested, nobody has to suffer for another one.
    assert code(made(attests(), aaguid=claim).judged(policy)) == "accepted"
    if fmt == "tpm":
        assert code(made(attests("tpm").but(aaguid=claim), aaguid=claim).judged(policy)) == "accepted"
    # Nor where another authority attests it.
    elsewhere = published(model_entry(MODEL, VENDOR.der, status="REVOKED"), model_entry(OTHER, PLATFORM.der))
    policy = AuthenticatorPolicy(metadata=elsewhere, anchors=anchored(PLATFORM), unlisted="allow")
    assert code(made(attests(fmt), aaguid=claim).judged(policy)) == "accepted"


def test_a_revoked_model_of_the_same_authority_however_that_is_listed() -> None:
    """By an intermediate, or by the root above the one that is trusted."""
    below = PLATFORM.intermediate("TPMs of 2024")
    statement = made(attests("tpm", below), aaguid=OTHER)
    for listed, trusted, outcome in (
        (below, PLATFORM, "authenticator_refused"),
        (PLATFORM, below, "authenticator_refused"),
        (PLATFORM.intermediate("TPMs of 2025"), PLATFORM, "accepted"),
    ):
        metadata = published(model_entry(MODEL, listed.der, status="REVOKED"))
        policy = AuthenticatorPolicy(metadata=metadata, anchors=anchored(trusted), unlisted="allow")
        assert code(statement.judged(policy)) == outcome
    leaf_alone = statement.but(x5c=[statement.good().x5c[0].der])
    metadata = published(model_entry(MODEL, PLATFORM.der, status="REVOKED"))
    policy = AuthenticatorPolicy(metadata=metadata, anchors=anchored(below), unlisted="allow")
    assert code(leaf_alone.judged(policy)) == "authenticator_refused"


@pytest.mark.parametrize("fmt", CLAIMING)
def test_a_denied_model_that_claims_another_one(fmt: Format) -> None:
    statement = made(attests(fmt), aaguid=OTHER)
    anchors = anchored(PLATFORM)
    for policy, outcome in (
        # Nobody knows who attests the model that is denied.
        (AuthenticatorPolicy(anchors=anchors, deny=[MODEL]), "authenticator_refused"),
        # It is known to be somebody else, or the same.
        (AuthenticatorPolicy(anchors=anchors, deny=[MODEL], models={MODEL: anchored(VENDOR)}), "accepted"),
        (AuthenticatorPolicy(anchors=anchors, deny=[MODEL], models={MODEL: anchors}), "authenticator_refused"),
        (AuthenticatorPolicy(anchors=anchors, deny=[MODEL], metadata=LISTED, unlisted="allow"), "accepted"),
        (
            AuthenticatorPolicy(
                anchors=anchors, deny=[MODEL], metadata=published(model_entry(MODEL, PLATFORM.der)), unlisted="allow"
            ),
            "authenticator_refused",
        ),
        # What U2F is, no Keystore or TPM can be.
        (AuthenticatorPolicy(anchors=anchors, deny=[NO_AAGUID]), "accepted"),
    ):
        assert code(statement.judged(policy)) == outcome
    assert code(made(attests(), aaguid=OTHER).judged(AuthenticatorPolicy(anchors=anchors, deny=[MODEL]))) == "accepted"


def test_a_denied_model_is_known_by_the_authority_above_the_one_that_is_trusted() -> None:
    below = PLATFORM.intermediate("TPMs of 2024")
    statement = made(attests("tpm", below), aaguid=OTHER)
    leaf_alone = statement.but(x5c=[statement.good().x5c[0].der])
    policy = AuthenticatorPolicy(anchors=anchored(below), deny=[MODEL], models={MODEL: anchored(PLATFORM)})
    assert code(leaf_alone.judged(policy)) == "authenticator_refused"


def test_a_denied_model_that_enrols_as_u2f() -> None:
    u2f = made(attests("fido-u2f").but(aaguid=MODEL), aaguid=NO_AAGUID)
    assert u2f.good().aaguid == NO_AAGUID
    assert code(u2f.judged(AuthenticatorPolicy(anchors=anchored(PLATFORM), deny=[MODEL]))) == "authenticator_refused"
    assert code(u2f.judged(AuthenticatorPolicy(anchors=anchored(PLATFORM), deny=[OTHER]))) == "accepted"
    for status, outcome in (("REVOKED", "authenticator_refused"), ("FIDO_CERTIFIED_L1", "accepted")):
        metadata = published(model_entry(MODEL, PLATFORM.der, status=status))
        policy = AuthenticatorPolicy(metadata=metadata, anchors=anchored(PLATFORM), unlisted="allow")
        assert code(u2f.judged(policy)) == outcome
    for broken in (b"\x04\x10" + bytes(15), b"\x04\x10" + bytes(17), b"\x04\x11" + bytes(16), b""):
        named = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4"), broken)
        assert code(made(attests("fido-u2f").but(extensions=[(named, False)])).check()) == "bad_attestation"


@pytest.mark.parametrize("fmt", ["packed", "tpm", "android-key", "apple", "fido-u2f"])
@pytest.mark.parametrize("claim", [NO_AAGUID, OTHER], ids=["no model", "another model"])
def test_mds_3_1_1_a_model_that_is_revoked_by_the_key_of_its_certificate(fmt: Format, claim: bytes) -> None:
    statement = made(attests(fmt), aaguid=claim)
    revoked = model_entry(None, PLATFORM.der, key_identifiers=[key_identifier(statement)], status="REVOKED")
    metadata = published(revoked, model_entry(OTHER, PLATFORM.der))
    policy = AuthenticatorPolicy(metadata=metadata, anchors=anchored(PLATFORM), unlisted="allow")
    assert code(statement.judged(policy)) == "authenticator_refused"
    if fmt not in CLAIMING:
        assert code(made(attests(fmt), aaguid=claim).judged(policy)) == "accepted"


@pytest.mark.parametrize("fmt", CLAIMING)
@pytest.mark.parametrize("protection", [["software"], ["software", "tee"]], ids=str)
def test_a_model_that_keeps_keys_in_software_is_bound_to_no_hardware(fmt: Format, protection: list[str]) -> None:
    """Metadata and statement contradict each other: the worse one counts."""
    metadata = published(model_entry(MODEL, PLATFORM.der, key_protection=protection))
    statement = made(attests(fmt))
    assert not accepted(statement.judged(AuthenticatorPolicy(metadata=metadata))).hardware_bound
    assert code(statement.judged(AuthenticatorPolicy(metadata=metadata, hardware_bound=True))) == (
        "authenticator_refused"
    )


def reported(*ders: bytes, listed: bytes = PLATFORM.der) -> Metadata:
    names = ("certificate", "batchCertificate")
    report: dict[str, JsonValue] = {"status": "ATTESTATION_KEY_COMPROMISE"}
    report.update({name: b64encode(der).decode() for name, der in zip(names, ders, strict=False)})
    return published({**model_entry(MODEL, listed), "statusReports": [report]})


def test_mds_3_1_3_a_batch_with_its_certificate_renewed() -> None:
    """Whoever enrols chooses which of an authority's certificates to send."""
    key = ec.generate_private_key(ec.SECP256R1())
    before, after = (PLATFORM.intermediate("Batch 1", key=key, days=days) for days in (100, 200))
    assert before.der != after.der
    policy = AuthenticatorPolicy(metadata=reported(before.der))
    for batch in (before, after):
        assert code(made(attests(by=batch)).judged(policy)) == "authenticator_refused"
    assert code(made(attests(by=PLATFORM.intermediate("Batch 1"))).judged(policy)) == "accepted"


def test_mds_3_1_3_an_authority_above_the_one_that_is_trusted() -> None:
    middle = PLATFORM.intermediate("Middle", path_length=None)
    low = middle.intermediate("Low")
    statement = made(attests(by=low))
    for above in (PLATFORM, middle, low):
        policy = AuthenticatorPolicy(metadata=reported(above.der, listed=low.der))
        assert code(statement.judged(policy)) == "authenticator_refused"
        told = AuthenticatorPolicy(metadata=reported(above.der, listed=VENDOR.der), models={MODEL: anchored(low)})
        assert code(statement.judged(told)) == "authenticator_refused"
    # One of the same name has issued nothing of it.
    namesake = LocalAuthority("Phones and TPMs", now=NOW)
    assert code(statement.judged(AuthenticatorPolicy(metadata=reported(namesake.der, listed=low.der)))) == "accepted"


def test_mds_3_1_3_an_authority_above_a_certificate_that_is_listed_itself() -> None:
    statement = made(attests())
    leaf = statement.good().x5c[0]
    policy = AuthenticatorPolicy(metadata=reported(PLATFORM.der, listed=leaf.der))
    assert code(statement.judged(policy)) == "authenticator_refused"
    policy = AuthenticatorPolicy(metadata=reported(VENDOR.der, listed=leaf.der))
    assert code(statement.judged(policy)) == "accepted"


def test_mds_3_1_3_a_report_about_a_certificate_that_cannot_be_read() -> None:
    batch = PLATFORM.intermediate("Batch 1")
    elsewhere = PLATFORM.intermediate("Batch 2").der
    statement = made(attests(by=batch))
    assert code(statement.judged(AuthenticatorPolicy(metadata=reported(elsewhere)))) == "accepted"
    for ders in ((elsewhere + b"\0",), (b"x",), (elsewhere, b"x"), (b"x", elsewhere), (elsewhere, batch.der)):
        refused = statement.judged(AuthenticatorPolicy(metadata=reported(*ders)))
        assert code(refused) == "authenticator_refused"


def test_the_platforms_that_claim_are_told_from_those_that_attest() -> None:
    for fmt, attested in (
        ("packed", True),
        ("apple", True),
        ("fido-u2f", True),
        ("tpm", False),
        ("android-key", False),
    ):
        assert made(attests(fmt)).good().attests_model is attested  # type: ignore[arg-type]
    assert not made("packed-self").good().attests_model
    assert not made("none").good().attests_model


@pytest.mark.parametrize("status", ["revoked", "REVOKED ", " Revoked\n", "not_fido_certified"])
def test_mds_3_1_4_bad_news_spelled_badly(status: str) -> None:
    metadata = published(
        model_entry(MODEL, VENDOR.der, status=[("FIDO_CERTIFIED_L2", "2023-01-01"), (status, "2024-01-01")])
    )
    policy = AuthenticatorPolicy(metadata=metadata, certification="FIDO_CERTIFIED")
    assert code(made(attests(by=VENDOR)).judged(policy)) == "authenticator_refused"
    good = published(model_entry(MODEL, VENDOR.der, status="fido_certified_l2"))
    policy = AuthenticatorPolicy(metadata=good, certification="FIDO_CERTIFIED")
    assert code(made(attests(by=VENDOR)).judged(policy)) == "authenticator_refused"

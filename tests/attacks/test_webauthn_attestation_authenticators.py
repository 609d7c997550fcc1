"""WebAuthn Level 3 section 7.1, steps 22 to 24: good statements of authenticators that nobody should accept."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.factors.attested import MODEL, NOW, OTHER, Made, code, made
from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import Format
from zerotrust.factors.authenticators import AuthenticatorPolicy
from zerotrust.factors.metadata import Metadata
from zerotrust.factors.metadata_model import COMPROMISES, Compromise
from zerotrust.pki.anchors import Anchors
from zerotrust.testing.attesting import LocalAttestation
from zerotrust.testing.authority import LocalAuthority
from zerotrust.testing.metadata import LocalMetadata, model_entry
from zerotrust.wire.json import JsonValue

ROOT = LocalAuthority("Test Attestation CA", now=NOW)
BATCH = ROOT.intermediate("Batch 1")
SERVICE = LocalMetadata(now=NOW)


def published(*entries: Mapping[str, JsonValue]) -> Metadata:
    found = Metadata.read(SERVICE.blob(*entries), root=SERVICE.root, now=NOW)
    assert isinstance(found, Metadata)
    return found


def registered(fmt: Format = "packed", authority: LocalAuthority = ROOT, aaguid: bytes = MODEL) -> Made:
    return made(LocalAttestation(fmt, now=NOW, authority=authority), aaguid=aaguid)


@pytest.mark.parametrize("status", COMPROMISES)
def test_mds_3_1_4_a_compromised_model(status: Compromise) -> None:
    bad = published(model_entry(MODEL, ROOT.der, status=[("FIDO_CERTIFIED_L1", "2020-01-01"), (status, "2021-01-01")]))
    healed = published(
        model_entry(MODEL, ROOT.der, status=[(status, "2021-01-01"), ("FIDO_CERTIFIED_L1", "2022-01-01")])
    )
    announced = published(model_entry(MODEL, ROOT.der, status=[(status, "2099-01-01")]))
    for metadata in (bad, healed, announced):
        refused = registered().judged(AuthenticatorPolicy(metadata=metadata))
        assert isinstance(refused, Reason)
        assert (refused.code, refused.presented) == ("authenticator_refused", status)
        # Whom one trusts besides does not change that.
        besides = AuthenticatorPolicy(metadata=metadata, anchors=Anchors.from_der(ROOT.der))
        assert code(registered().judged(besides)) == "authenticator_refused"


@pytest.mark.parametrize("status", COMPROMISES[1:])
def test_mds_3_1_4_a_compromise_that_is_put_up_with(status: Compromise) -> None:
    metadata = published(model_entry(MODEL, ROOT.der, status=status))
    tolerant = AuthenticatorPolicy(metadata=metadata, despite=[status])
    assert code(registered().judged(tolerant)) == "accepted"
    revoked = published(model_entry(MODEL, ROOT.der, status=[(status, "2020-01-01"), ("REVOKED", "2021-01-01")]))
    assert code(registered().judged(AuthenticatorPolicy(metadata=revoked, despite=[status]))) == (
        "authenticator_refused"
    )


def test_mds_3_1_3_a_compromised_batch_alone() -> None:
    batch = b64encode(BATCH.certificate.public_bytes(Encoding.DER)).decode()
    entry = model_entry(MODEL, ROOT.der)
    entry["statusReports"] = [{"status": "ATTESTATION_KEY_COMPROMISE", "certificate": batch}]
    policy = AuthenticatorPolicy(metadata=published(entry))
    assert code(registered(authority=BATCH).judged(policy)) == "authenticator_refused"
    assert code(registered(authority=ROOT.intermediate("Batch 2")).judged(policy)) == "accepted"
    # The root itself is in every path.
    entry["statusReports"] = [{"status": "ATTESTATION_KEY_COMPROMISE", "certificate": b64encode(ROOT.der).decode()}]
    policy = AuthenticatorPolicy(metadata=published(entry))
    assert code(registered(authority=BATCH).judged(policy)) == "authenticator_refused"


def test_mds_3_1_3_of_whom_nobody_knows_the_batch_is_refused() -> None:
    batch = b64encode(BATCH.certificate.public_bytes(Encoding.DER)).decode()
    entry = model_entry(MODEL, ROOT.der)
    entry["statusReports"] = [{"status": "ATTESTATION_KEY_COMPROMISE", "certificate": batch}]
    open_to_all = AuthenticatorPolicy(metadata=published(entry), require_attestation=False, unlisted="allow")
    assert code(made("none", aaguid=MODEL).judged(open_to_all)) == "authenticator_refused"


def test_a_revoked_u2f_model_is_found_though_it_has_no_aaguid() -> None:
    registration = registered("fido-u2f", aaguid=bytes(16))
    key = x509.SubjectKeyIdentifier.from_public_key(registration.good().x5c[0].key).digest
    revoked = published(model_entry(None, ROOT.der, key_identifiers=[key], status="REVOKED"))
    assert code(registration.judged(AuthenticatorPolicy(metadata=revoked))) == "authenticator_refused"


def test_u2f_does_not_borrow_a_listed_models_name() -> None:
    """An AAGUID that nobody signed leads to no entry of the metadata, and gets round no `deny`."""
    metadata = published(model_entry(MODEL, ROOT.der))
    borrowed = registered("fido-u2f", aaguid=MODEL)
    assert code(borrowed.judged(AuthenticatorPolicy(metadata=metadata))) == "untrusted_attestation"
    trusted = AuthenticatorPolicy(metadata=metadata, anchors=Anchors.from_der(ROOT.der))
    assert code(borrowed.judged(trusted)) == "authenticator_refused"
    demanding = AuthenticatorPolicy(anchors=Anchors.from_der(ROOT.der), hardware_bound=True)
    assert code(borrowed.judged(demanding)) == "authenticator_refused"


def test_a_denied_model_is_denied_whoever_attests_it() -> None:
    deny = AuthenticatorPolicy(anchors=Anchors.from_der(ROOT.der), deny=[OTHER])
    for kind in ("none", "packed-self"):
        assert code(made(kind, aaguid=OTHER).judged(deny)) == "authenticator_refused"
        assert code(made(kind, aaguid=MODEL).judged(deny)) == "untrusted_attestation"
    for fmt in ("packed", "tpm", "fido-u2f"):
        assert code(registered(fmt, aaguid=OTHER).judged(deny)) == "authenticator_refused"


def test_an_impostor_with_the_same_name_and_key_identifier() -> None:
    impostor = LocalAuthority("Test Attestation CA", now=NOW)
    for policy in (
        AuthenticatorPolicy(anchors=Anchors.from_der(ROOT.der)),
        AuthenticatorPolicy(metadata=published(model_entry(MODEL, ROOT.der))),
    ):
        assert code(registered(authority=impostor).judged(policy)) == "untrusted_attestation"


def test_an_attestation_certificate_below_an_attestation_certificate() -> None:
    """Whoever takes the key out of one security key must not be able to issue for others."""
    leaf = LocalAttestation(now=NOW, authority=ROOT).issue(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A")])
    )
    below = LocalAuthority.of(leaf, now=NOW)
    assert code(registered(authority=below).judged(AuthenticatorPolicy(anchors=Anchors.from_der(ROOT.der)))) == (
        "untrusted_attestation"
    )


def test_an_anchor_is_no_attestation_certificate() -> None:
    """The root itself, presented as the attestation certificate."""
    registration = made(LocalAttestation("fido-u2f", now=NOW, authority=ROOT))
    refused = registration.but(x5c=[ROOT.der]).judged(AuthenticatorPolicy(anchors=Anchors.from_der(ROOT.der)))
    assert code(refused) == "bad_attestation"


def test_what_the_statement_claims_of_hardware_counts_only_if_it_is_trusted() -> None:
    elsewhere = LocalAttestation("tpm", now=NOW)
    policy = AuthenticatorPolicy(anchors=Anchors.from_der(ROOT.der), require_attestation=False)
    judged = made(elsewhere).judged(policy)
    assert not isinstance(judged, Reason)
    assert (judged.attested, judged.hardware_bound, judged.model) == (False, False, "")


def test_certificates_are_judged_at_the_moment_of_the_request() -> None:
    policy = AuthenticatorPolicy(anchors=Anchors.from_der(ROOT.der))
    registration = registered()
    leaf = registration.good().x5c[0]
    for now, expected in (
        (leaf.not_before - 1, "untrusted_attestation"),
        (leaf.not_before, "accepted"),
        (float("nan"), "untrusted_attestation"),
        (float("inf"), "untrusted_attestation"),
        (float("-inf"), "untrusted_attestation"),
    ):
        assert code(registration.judged(policy, now)) == expected

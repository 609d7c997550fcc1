from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast
from uuid import UUID

import pytest
from cryptography.x509 import SubjectKeyIdentifier

from tests.factors.attested import MODEL, NOW, OTHER, code, made
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.factors.aaguid import NO_AAGUID, aaguid_text
from zerotrust.factors.attestation.attested import Format
from zerotrust.factors.attestation.known_roots import known_anchors
from zerotrust.factors.authenticators import AuthenticatorPolicy, Judged
from zerotrust.factors.metadata import Metadata
from zerotrust.pki.anchors import Anchors
from zerotrust.testing.attesting import LocalAttestation
from zerotrust.testing.authority import LocalAuthority
from zerotrust.testing.metadata import LocalMetadata, model_entry
from zerotrust.wire.json import JsonValue

AUTHORITY = LocalAuthority("Test Attestation CA", now=NOW)
ANCHORS = Anchors.from_der(AUTHORITY.der)
SERVICE = LocalMetadata(now=NOW)


def attestation(fmt: Format = "packed") -> LocalAttestation:
    return LocalAttestation(fmt, now=NOW, authority=AUTHORITY)


def published(*entries: Mapping[str, JsonValue]) -> Metadata:
    found = Metadata.read(SERVICE.blob(*entries), root=SERVICE.root, now=NOW)
    assert isinstance(found, Metadata), str(found)
    return found


def accepted(outcome: Judged | Reason) -> Judged:
    assert isinstance(outcome, Judged), str(outcome)
    return outcome


LISTED = published(model_entry(MODEL, AUTHORITY.der, name="Test Key"))
EMPTY = published()


def test_who_is_trusted_by_anchor_is_accepted() -> None:
    judged = accepted(made(attestation()).judged(AuthenticatorPolicy(anchors=ANCHORS)))
    assert judged == Judged(MODEL, attested=True, hardware_bound=False, model_attested=True)


def test_anchors_by_format_count_for_their_format_alone() -> None:
    policy = AuthenticatorPolicy(anchors={"tpm": ANCHORS})
    judged = accepted(made(attestation("tpm")).judged(policy))
    assert (judged.hardware_bound, judged.model) == (True, "TPM TEST Test TPM id:00010002")
    assert code(made(attestation("packed")).judged(policy)) == "untrusted_attestation"


def test_somebody_elses_authority_is_not_trusted() -> None:
    elsewhere = LocalAttestation(now=NOW)
    assert code(made(elsewhere).judged(AuthenticatorPolicy(anchors=ANCHORS))) == "untrusted_attestation"


@pytest.mark.parametrize("kind", ["none", "packed-self"])
def test_who_attests_nothing_is_refused_unless_attestation_is_left_open(kind: Any) -> None:
    assert code(made(kind).judged(AuthenticatorPolicy(anchors=ANCHORS))) == "untrusted_attestation"
    open_to_all = AuthenticatorPolicy(anchors=ANCHORS, require_attestation=False)
    judged = accepted(made(kind).judged(open_to_all))
    assert judged == Judged(MODEL, attested=False, hardware_bound=False)
    assert accepted(made(attestation()).judged(open_to_all)).attested


def test_an_untrusted_attestation_counts_as_none_where_it_is_left_open() -> None:
    elsewhere = LocalAttestation("tpm", now=NOW)
    judged = accepted(made(elsewhere).judged(AuthenticatorPolicy(anchors=ANCHORS, require_attestation=False)))
    assert judged == Judged(MODEL, attested=False, hardware_bound=False)


@pytest.mark.parametrize("model", [MODEL, UUID(bytes=MODEL), aaguid_text(MODEL), aaguid_text(MODEL).upper()], ids=str)
def test_models_may_be_given_in_any_form(model: Any) -> None:
    assert code(made(attestation()).judged(AuthenticatorPolicy(anchors=ANCHORS, allow=[model]))) == "accepted"
    assert code(made(attestation()).judged(AuthenticatorPolicy(anchors=ANCHORS, deny=[model]))) == (
        "authenticator_refused"
    )


def test_only_allowed_models_are_accepted() -> None:
    policy = AuthenticatorPolicy(anchors=ANCHORS, allow=[OTHER])
    assert code(made(attestation()).judged(policy)) == "authenticator_refused"
    assert code(made(attestation(), aaguid=OTHER).judged(policy)) == "accepted"


def test_u2f_is_the_model_of_zeros() -> None:
    assert code(made(attestation("fido-u2f")).judged(AuthenticatorPolicy(anchors=ANCHORS, allow=[MODEL]))) == (
        "authenticator_refused"
    )
    with_u2f = AuthenticatorPolicy(anchors=ANCHORS, allow=[MODEL, NO_AAGUID])
    assert accepted(made(attestation("fido-u2f")).judged(with_u2f)).aaguid == NO_AAGUID


def test_metadata_say_who_attests_a_model_and_what_it_is_called() -> None:
    judged = accepted(made(attestation()).judged(AuthenticatorPolicy(metadata=LISTED)))
    assert judged == Judged(
        MODEL,
        attested=True,
        hardware_bound=True,
        model_attested=True,
        model="Test Key",
        certification="FIDO_CERTIFIED_L1",
        user_verification=frozenset({"passcode_external", "presence_internal"}),
    )


def test_one_model_s_authority_does_not_attest_another_model() -> None:
    metadata = published(model_entry(MODEL, AUTHORITY.der), model_entry(OTHER, LocalAuthority("Other", now=NOW).der))
    policy = AuthenticatorPolicy(metadata=metadata)
    assert code(made(attestation(), aaguid=MODEL).judged(policy)) == "accepted"
    assert code(made(attestation(), aaguid=OTHER).judged(policy)) == "untrusted_attestation"


def test_an_attestation_certificate_may_be_listed_itself() -> None:
    registration = made(attestation())
    leaf = registration.good().x5c[0]
    policy = AuthenticatorPolicy(metadata=published(model_entry(MODEL, leaf.der)))
    assert accepted(registration.judged(policy)).attested
    assert code(made(attestation()).judged(policy)) == "untrusted_attestation"
    assert code(registration.judged(policy, leaf.not_before - 1)) == "untrusted_attestation"
    assert code(registration.judged(policy, leaf.not_before)) == "accepted"
    lasting = AuthenticatorPolicy(metadata=_until(leaf.not_after + 86400, model_entry(MODEL, leaf.der)))
    assert code(registration.judged(lasting, leaf.not_after)) == "accepted"
    assert code(registration.judged(lasting, leaf.not_after + 1)) == "untrusted_attestation"


def _until(due: float, *entries: Mapping[str, JsonValue]) -> Metadata:
    return Metadata(1, due, "", published(*entries).models)


def test_a_u2f_model_is_found_by_the_key_of_its_certificate() -> None:
    registration = made(attestation("fido-u2f"), aaguid=NO_AAGUID)
    key = SubjectKeyIdentifier.from_public_key(registration.good().x5c[0].key).digest
    entry = model_entry(None, AUTHORITY.der, name="Test U2F", key_identifiers=[key])
    policy = AuthenticatorPolicy(metadata=published(entry))
    assert accepted(registration.judged(policy)).model == "Test U2F"
    assert code(made(attestation("fido-u2f"), aaguid=NO_AAGUID).judged(policy)) == "untrusted_attestation"


def test_an_unlisted_model_is_refused_unless_the_policy_allows_it() -> None:
    strict = AuthenticatorPolicy(anchors=ANCHORS, metadata=EMPTY)
    assert code(made(attestation()).judged(strict)) == "authenticator_refused"
    lenient = AuthenticatorPolicy(anchors=ANCHORS, metadata=EMPTY, unlisted="allow")
    assert accepted(made(attestation()).judged(lenient)).attested


def test_unattested_models_are_looked_up_too() -> None:
    revoked = published(model_entry(MODEL, AUTHORITY.der, status="REVOKED"))
    policy = AuthenticatorPolicy(metadata=revoked, require_attestation=False, unlisted="allow")
    assert code(made("none").judged(policy)) == "authenticator_refused"
    assert code(made("none", aaguid=OTHER).judged(policy)) == "accepted"


@pytest.mark.parametrize(
    ("held", "wanted", "outcome"),
    [
        ("FIDO_CERTIFIED_L1", "FIDO_CERTIFIED_L1", "accepted"),
        ("FIDO_CERTIFIED_L3plus", "FIDO_CERTIFIED_L1", "accepted"),
        ("FIDO_CERTIFIED_L1plus", "FIDO_CERTIFIED_L1", "accepted"),
        ("FIDO_CERTIFIED", "FIDO_CERTIFIED", "accepted"),
        ("FIDO_CERTIFIED", "FIDO_CERTIFIED_L1", "authenticator_refused"),
        ("FIDO_CERTIFIED_L1", "FIDO_CERTIFIED_L1plus", "authenticator_refused"),
        ("FIDO_CERTIFIED_L1", "FIDO_CERTIFIED_L2", "authenticator_refused"),
        ("NOT_FIDO_CERTIFIED", "FIDO_CERTIFIED", "authenticator_refused"),
        ("SELF_ASSERTION_SUBMITTED", "FIDO_CERTIFIED", "authenticator_refused"),
        ("A_STATUS_OF_TOMORROW", "FIDO_CERTIFIED", "authenticator_refused"),
    ],
)
def test_a_certification_may_be_demanded(held: str, wanted: Any, outcome: str) -> None:
    metadata = published(model_entry(MODEL, AUTHORITY.der, status=held))
    assert code(made(attestation()).judged(AuthenticatorPolicy(metadata=metadata, certification=wanted))) == outcome


@pytest.mark.parametrize(
    ("protection", "bound"),
    [
        (["hardware", "secure_element"], True),
        (["tee"], True),
        (["hardware"], True),
        (["secure_element", "remote_handle"], True),
        (["software"], False),
        (["software", "tee"], False),
        (["remote_handle"], False),
        ([], False),
    ],
)
def test_hardware_bound_by_metadata(protection: list[str], bound: bool) -> None:
    metadata = published(model_entry(MODEL, AUTHORITY.der, key_protection=protection))
    assert accepted(made(attestation()).judged(AuthenticatorPolicy(metadata=metadata))).hardware_bound is bound
    demanding = AuthenticatorPolicy(metadata=metadata, hardware_bound=True)
    assert code(made(attestation()).judged(demanding)) == ("accepted" if bound else "authenticator_refused")


def test_hardware_bound_by_the_statement_itself() -> None:
    demanding = AuthenticatorPolicy(anchors=ANCHORS, hardware_bound=True)
    says: tuple[Format, ...] = ("tpm", "android-key")
    for fmt in says:
        assert code(made(attestation(fmt)).judged(demanding)) == "accepted"
    says_nothing: tuple[Format, ...] = ("packed", "apple", "fido-u2f")
    for fmt in says_nothing:
        assert code(made(attestation(fmt)).judged(demanding)) == "authenticator_refused"
    # What the statement says of this very key goes before what metadata say of the model.
    in_software = attestation("android-key").but(level=0)
    assert code(made(in_software).judged(AuthenticatorPolicy(metadata=LISTED, hardware_bound=True))) == (
        "authenticator_refused"
    )


@pytest.mark.parametrize("fmt", ["packed", "tpm", "android-key"])
def test_what_can_be_synced_is_bound_to_no_hardware(fmt: Format) -> None:
    synced = made(attestation(fmt), backup_eligible=True)
    assert not accepted(synced.judged(AuthenticatorPolicy(metadata=LISTED))).hardware_bound
    assert code(synced.judged(AuthenticatorPolicy(metadata=LISTED, hardware_bound=True))) == "authenticator_refused"


@pytest.mark.parametrize(
    ("methods", "verifies"),
    [
        (["fingerprint_internal"], True),
        (["passcode_external"], True),
        (["presence_internal", "faceprint_internal"], True),
        (["presence_internal"], False),
        (["none"], False),
        (["location_internal"], False),
        ([], False),
        (["not_passcode_external"], False),
    ],
)
def test_a_model_that_verifies_its_user_may_be_demanded(methods: list[str], verifies: bool) -> None:
    metadata = published(model_entry(MODEL, AUTHORITY.der, user_verification=methods))
    policy = AuthenticatorPolicy(metadata=metadata, user_verification=True)
    assert code(made(attestation()).judged(policy)) == ("accepted" if verifies else "authenticator_refused")


def test_metadata_may_be_a_function() -> None:
    newest = [EMPTY]
    policy = AuthenticatorPolicy(metadata=lambda: newest[-1])
    assert code(made(attestation()).judged(policy)) == "untrusted_attestation"
    newest.append(LISTED)
    assert code(made(attestation()).judged(policy)) == "accepted"
    broken = AuthenticatorPolicy(metadata=cast("Callable[[], Metadata]", lambda: None))
    assert code(made(attestation()).judged(broken)) == "no_source"


def test_out_of_date_metadata_refuse_everybody() -> None:
    policy = AuthenticatorPolicy(anchors=ANCHORS, metadata=LISTED)
    registration = made(attestation())
    assert code(registration.judged(policy, LISTED.due - 1)) == "accepted"
    assert code(registration.judged(policy, LISTED.due)) == "source_refused"
    lenient = AuthenticatorPolicy(metadata=LISTED, require_attestation=False, unlisted="allow")
    assert code(made("none").judged(lenient, LISTED.due)) == "source_refused"


@pytest.mark.parametrize("error", [RuntimeError("postgres://user:secret@db"), KeyError(), RecursionError()], ids=repr)
def test_whatever_the_function_raises_nobody_is_enrolled(error: Exception) -> None:
    def broken() -> Metadata:
        raise error

    refused = made(attestation()).judged(AuthenticatorPolicy(metadata=broken, anchors=ANCHORS, unlisted="allow"))
    assert isinstance(refused, Reason)
    assert refused.code == "source_down"
    assert type(error).__name__ in str(refused)
    assert "secret" not in str(refused)


def test_certain_models_may_have_their_own_authorities() -> None:
    elsewhere = LocalAttestation(now=NOW)
    policy = AuthenticatorPolicy(anchors=ANCHORS, models={aaguid_text(OTHER): elsewhere.anchors}, allow=[MODEL, OTHER])
    assert code(made(elsewhere, aaguid=OTHER).judged(policy)) == "accepted"
    assert code(made(elsewhere, aaguid=MODEL).judged(policy)) == "untrusted_attestation"
    assert code(made(attestation(), aaguid=MODEL).judged(policy)) == "accepted"
    # Of this one it is known who attests it; whoever is trusted besides does not.
    assert code(made(attestation(), aaguid=OTHER).judged(policy)) == "untrusted_attestation"
    assert AuthenticatorPolicy(anchors={"android-key": ANCHORS}, models={OTHER: elsewhere.anchors}, allow=[OTHER]).allow
    alone = AuthenticatorPolicy(models={OTHER: elsewhere.anchors})
    assert code(made(elsewhere, aaguid=OTHER).judged(alone)) == "accepted"
    # A listed model keeps its own, and the ones it was given besides.
    both = AuthenticatorPolicy(metadata=LISTED, models={MODEL: elsewhere.anchors})
    for maker in (elsewhere, attestation()):
        assert code(made(maker).judged(both)) == "accepted"


def test_known_anchors_are_apples_and_googles_for_their_formats() -> None:
    known = known_anchors()
    assert set(known) == {"apple", "android-key"}
    assert [one.subject for one in known["apple"].certificates] == [
        "ST=California,O=Apple Inc.,CN=Apple WebAuthn Root CA"
    ]
    assert len(known["android-key"].certificates) == 4
    assert code(made(attestation("apple")).judged(AuthenticatorPolicy(anchors=known))) == "untrusted_attestation"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "nobody is trusted"),
        ({"anchors": "ca.pem"}, "anchors are Anchors"),
        ({"anchors": {"none": ANCHORS}}, "needs to be one of packed"),
        ({"anchors": {"packed": AUTHORITY.der}}, "each with its Anchors"),
        ({"anchors": {}}, "nobody is trusted"),
        ({"anchors": ANCHORS, "allow": []}, "leaves no model"),
        ({"anchors": ANCHORS, "allow": [MODEL], "deny": [MODEL]}, "leaves no model"),
        ({"anchors": ANCHORS, "allow": aaguid_text(MODEL)}, "is a list"),
        ({"anchors": ANCHORS, "allow": ["ee882879"]}, "is no AAGUID"),
        ({"anchors": ANCHORS, "deny": [MODEL + b"\0"]}, "is no AAGUID"),
        ({"anchors": ANCHORS, "deny": [aaguid_text(MODEL) + "\n"]}, "is no AAGUID"),
        ({"anchors": ANCHORS, "deny": [7]}, "is no AAGUID"),
        ({"anchors": ANCHORS, "metadata": "blob.jwt"}, "metadata is a Metadata"),
        ({"anchors": ANCHORS, "certification": "FIDO_CERTIFIED_L1"}, "known from metadata alone"),
        ({"anchors": ANCHORS, "user_verification": True}, "known from metadata alone"),
        ({"anchors": ANCHORS, "unlisted": "allow"}, "give metadata"),
        ({"anchors": ANCHORS, "despite": ["USER_VERIFICATION_BYPASS"]}, "give metadata"),
        ({"metadata": LISTED, "certification": "L1"}, "choose from FIDO_CERTIFIED"),
        ({"metadata": LISTED, "unlisted": True}, "neither"),
        ({"metadata": LISTED, "unlisted": "allow"}, "give anchors as well"),
        ({"metadata": LISTED, "despite": ["REVOKED"]}, "stays revoked"),
        ({"metadata": LISTED, "despite": "REVOKED"}, "stays revoked"),
        ({"metadata": LISTED, "despite": ["FIDO_CERTIFIED"]}, "choose from"),
        (
            {"metadata": LISTED, "anchors": ANCHORS, "unlisted": "allow", "certification": "FIDO_CERTIFIED"},
            "unlisted model",
        ),
        ({"metadata": LISTED, "anchors": ANCHORS, "unlisted": "allow", "user_verification": True}, "unlisted model"),
        ({"anchors": ANCHORS, "require_attestation": False, "hardware_bound": True}, "would get round it"),
        ({"anchors": ANCHORS, "require_attestation": False, "allow": [MODEL]}, "would get round it"),
        ({"metadata": LISTED, "require_attestation": False, "certification": "FIDO_CERTIFIED"}, "would get round it"),
        ({"require_attestation": False, "deny": [MODEL]}, "would get round it"),
        ({"metadata": LISTED, "require_attestation": False}, "would be got round"),
        ({"anchors": {"android-key": ANCHORS}, "allow": [MODEL]}, "no android-key statement attests a model"),
        ({"anchors": ANCHORS, "allow": 5}, "allow is a list"),
        ({"anchors": ANCHORS, "deny": None}, "deny is a list"),
        ({"metadata": LISTED, "despite": 5}, "choose from"),
        ({"metadata": LISTED, "despite": None}, "choose from"),
        ({"metadata": LISTED, "despite": [[]]}, "choose from"),
        ({"metadata": LISTED, "despite": [5]}, "choose from"),
        ({"models": ANCHORS}, "models is a mapping"),
        ({"models": {MODEL: AUTHORITY.der}}, "needs its Anchors"),
        ({"models": {"yubikey": ANCHORS}}, "is no AAGUID"),
        ({"models": {MODEL: ANCHORS, aaguid_text(MODEL): ANCHORS}}, "is there twice"),
        ({"models": {}}, "nobody is trusted"),
        ({"anchors": ANCHORS, "require_attestation": 1}, "True or False"),
        ({"anchors": ANCHORS, "hardware_bound": "yes"}, "True or False"),
        ({"anchors": ANCHORS, "allow_sha1_tpm": None}, "True or False"),
    ],
    ids=lambda value: ", ".join(value) or "nothing" if isinstance(value, dict) else value,
)
def test_a_policy_that_makes_no_sense_is_refused_when_it_is_made(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        AuthenticatorPolicy(**arguments)


def test_a_policy_says_what_it_demands() -> None:
    policy = AuthenticatorPolicy(metadata=LISTED, allow=[MODEL], certification="FIDO_CERTIFIED_L2")
    assert repr(policy) == (
        "AuthenticatorPolicy(require_attestation=True, hardware_bound=False, certification='FIDO_CERTIFIED_L2', "
        "allow=['ee882879-721c-4913-9775-3dfcce97072a'])"
    )
    assert repr(AuthenticatorPolicy(anchors=ANCHORS)) == (
        "AuthenticatorPolicy(require_attestation=True, hardware_bound=False)"
    )

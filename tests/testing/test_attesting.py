from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.factors.attested import MODEL, NOW, code, made
from zerotrust.core.errors import ConfigError
from zerotrust.factors.metadata import Metadata
from zerotrust.testing.attesting import LocalAttestation
from zerotrust.testing.attesting_tpm import public_area
from zerotrust.testing.authority import LocalAuthority
from zerotrust.testing.metadata import LocalMetadata, model_entry


def test_a_format_or_a_fault_that_is_not_known_is_told() -> None:
    with pytest.raises(ConfigError, match="no attestation of format 'none'; choose from packed, tpm, apple"):
        LocalAttestation("none", now=NOW)
    with pytest.raises(ConfigError, match="no fault 'magic' of apple; choose from another ceremony"):
        LocalAttestation("apple", now=NOW).wrong("magic")
    assert repr(LocalAttestation("tpm", now=NOW)) == "LocalAttestation('tpm')"


def test_details_add_up_and_leave_the_original_alone() -> None:
    plain = LocalAttestation("android-key", now=NOW)
    both = plain.but(level=2).but(origin=2)
    assert code(made(both).check()) == "bad_attestation"
    assert made(plain).good().model == "Android, key in a trusted execution environment"
    assert made(plain.but(level=2)).good().model == "Android, key in StrongBox"
    assert both.authority is plain.authority


def test_keys_that_a_format_cannot_have_are_told() -> None:
    with pytest.raises(ConfigError, match="Ed448"):
        made(LocalAttestation("apple", now=NOW), algorithm="Ed448")
    with pytest.raises(ConfigError, match="U2F attests keys on P-256"):
        made(LocalAttestation("fido-u2f", now=NOW), algorithm="RS256")
    with pytest.raises(ConfigError, match="a TPM holds RSA keys"):
        made(LocalAttestation("tpm", now=NOW), algorithm="EdDSA")
    with pytest.raises(ConfigError, match="a TPM holds RSA keys"):
        public_area(None)


def test_a_metadata_service_publishes_what_is_read_back() -> None:
    service = LocalMetadata(now=NOW, signer="metadata.example")
    blob = service.blob(model_entry(MODEL, name="Test Key"), number=3)
    found = Metadata.read(blob, root=service.root, now=NOW, signer="metadata.example")
    assert isinstance(found, Metadata)
    assert (found.number, [one.name for one in found.models]) == (3, ["Test Key"])


def test_metadata_are_signed_with_es256_alone() -> None:
    other = LocalAuthority(now=NOW).issue(key=ec.generate_private_key(ec.SECP384R1()))
    with pytest.raises(ConfigError, match="ES256"):
        LocalMetadata(now=NOW).sign(b"{}", by=other)

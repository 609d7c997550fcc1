"""Registrations with attestation statements, made by a software authenticator and taken apart again."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import Attestation
from zerotrust.factors.attestation.statement import check_statement
from zerotrust.factors.authenticators import AuthenticatorPolicy, Judged
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.testing.authenticator_attestation import Attest, AttestationKind
from zerotrust.testing.authenticator_keys import AuthenticatorAlgorithm
from zerotrust.wire.cbor import CborMap, CborValue, decode
from zerotrust.wire.encoding import b64url_decode

NOW = 1_790_000_000.0
MODEL = bytes.fromhex("ee882879721c491397753dfcce97072a")
OTHER = bytes(15) + b"\x01"


@dataclass(frozen=True)
class Made:
    """What goes into `check_statement`."""

    fmt: str
    statement: CborMap
    auth_data: bytes
    client_data_hash: bytes

    def check(self) -> Attestation | Reason:
        return check_statement(self.fmt, self.statement, self.auth_data, self.client_data_hash)

    def good(self) -> Attestation:
        found = self.check()
        assert isinstance(found, Attestation), str(found)
        return found

    def judged(self, policy: AuthenticatorPolicy, now: float = NOW) -> Judged | Reason:
        found = self.check()
        return found if isinstance(found, Reason) else policy.judge(found, self.aaguid, now)

    @property
    def aaguid(self) -> bytes:
        return self.auth_data[37:53]

    def but(self, **members: CborValue) -> Made:
        statement: CborMap = dict(self.statement)
        for name, value in members.items():
            statement[name] = value
        return replace(self, statement=statement)


def made(
    attestation: AttestationKind | Attest,
    *,
    aaguid: bytes = MODEL,
    algorithm: AuthenticatorAlgorithm = "ES256",
    backup_eligible: bool = False,
    credential_id: bytes = b"",
) -> Made:
    """A registration by an authenticator that attests in this way."""
    authenticator = LocalAuthenticator(
        attestation=attestation,
        aaguid=aaguid,
        algorithm=algorithm,
        backup_eligible=backup_eligible,
        credential_id=credential_id,
    )
    options = {"challenge": "c2l4dGVlbiBvY3RldHMu", "user": {"id": "dXNlcg"}}
    response = json.loads(authenticator.create(options))["response"]
    attested, client_data = b64url_decode(response["attestationObject"]), b64url_decode(response["clientDataJSON"])
    assert isinstance(attested, bytes)
    assert isinstance(client_data, bytes)
    found = decode(attested)
    assert isinstance(found, dict)
    fmt, statement, auth_data = found["fmt"], found["attStmt"], found["authData"]
    assert isinstance(fmt, str)
    assert isinstance(statement, dict)
    assert isinstance(auth_data, bytes)
    return Made(fmt, statement, auth_data, sha256(client_data).digest())


def code(outcome: object) -> str:
    """The code of a refusal; `accepted` for anything else."""
    return outcome.code if isinstance(outcome, Reason) else "accepted"

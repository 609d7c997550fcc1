"""Checking a registration (WebAuthn Level 3 section 7.1): a new credential is made. Pure, without a store."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from zerotrust.core.reason import ALGORITHM, BAD_ATTESTATION, MALFORMED, WRONG_CREDENTIAL, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.attestation.attested import Attestation
from zerotrust.factors.attestation.statement import check_statement
from zerotrust.factors.authenticators import Judged
from zerotrust.factors.credential import Credential
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.factors.response import ResponseJson, check_client_data, check_flags, octets, read_outer
from zerotrust.wire.authenticator_data import AT, UP, AuthenticatorData, parse_authenticator_data
from zerotrust.wire.cbor import CborMap, decode
from zerotrust.wire.client_data import ClientData, parse_client_data
from zerotrust.wire.cose import parse_cose_key
from zerotrust.wire.encoding import b64url_decode
from zerotrust.wire.json import JsonValue

MAX_REGISTRATION: Final = 64 * 1024
"""Bytes of one `RegistrationResponseJSON`."""

MAX_TRANSPORTS: Final = 8

_MEMBERS: Final = frozenset({"fmt", "attStmt", "authData"})
_TRANSPORT: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")

_NO_U2F: Final = 0xFF & ~(UP | AT)

_OBJECT: Final = MALFORMED(detail="an attestation object that is not a map of fmt, attStmt and authData")
_NOT_ATTESTED: Final = MALFORMED(detail="a registration without attested credential data")
_TRANSPORTS: Final = MALFORMED(detail="transports that are no list of texts")
_UNSIGNED_FLAGS: Final = BAD_ATTESTATION(
    expected="UP and AT alone", detail="flags that a U2F authenticator neither has nor signs (section 8.6)"
)
_OTHER_CREDENTIAL: Final = WRONG_CREDENTIAL(expected="the id of the credential that was made")


@dataclass(frozen=True, slots=True)
class RegistrationResponse:
    """A `RegistrationResponseJSON` (section 5.1.3), read. Nothing of it is to be believed yet.

    Attributes:
        credential_id: the credential that it says was made.
        client_data: what the browser says.
        client_data_hash: SHA-256 of that.
        data: what the authenticator says.
        auth_data: the same, octet by octet.
        fmt: the format of the attestation statement.
        statement: the statement.
        transports: how the authenticator can be reached, as the browser says.
    """

    credential_id: bytes
    client_data: ClientData
    client_data_hash: bytes = field(repr=False)
    data: AuthenticatorData
    auth_data: bytes = field(repr=False)
    fmt: str
    statement: CborMap = field(repr=False)
    transports: tuple[str, ...]

    @property
    def challenge(self) -> bytes:
        """The challenge that it says it answers; no octets if that is no base64url."""
        challenge = b64url_decode(self.client_data.challenge)
        return challenge if isinstance(challenge, bytes) else b""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a good registration says.

    Attributes:
        credential_id: the new credential's id.
        public_key: its COSE_Key.
        algorithm: what it signs with, by name.
        sign_count: its signature counter; 0 for one of U2F, which does not sign it here.
        user_verified: whether the authenticator verified its user.
        backup_eligible: whether the key may leave the device that made it.
        backed_up: whether it is on other devices already.
        transports: how the authenticator can be reached, as the browser says.
        aaguid: the model that the authenticator says it is, sixteen octets; zeros for U2F, which does not say.
        attestation: what its attestation statement says. Nobody is trusted by that.
        judged: what the relying party's authenticator policy makes of it; None if it has none.
        origin: the page where it was made.
    """

    credential_id: bytes
    public_key: bytes = field(repr=False)
    algorithm: str
    sign_count: int
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    transports: tuple[str, ...]
    aaguid: bytes
    attestation: Attestation
    judged: Judged | None
    origin: str

    @property
    def hardware_bound(self) -> bool:
        """Whether an attestation that the relying party trusts says that the key cannot leave its hardware."""
        return self.judged is not None and self.judged.hardware_bound

    @property
    def model(self) -> str:
        """What the authenticator is called by whom the relying party trusts; empty if nothing is known."""
        return "" if self.judged is None else self.judged.model

    def credential(self, account: Account, name: str, now: float) -> Credential:
        """The record to keep (section 7.1 step 27).

        Args:
            account: whose it is.
            name: what its owner calls it.
            now: when it was made, POSIX seconds.
        """
        return Credential(
            id=self.credential_id,
            account=account,
            public_key=self.public_key,
            sign_count=self.sign_count,
            backup_eligible=self.backup_eligible,
            backed_up=self.backed_up,
            user_verified_at_enrolment=self.user_verified,
            transports=self.transports,
            aaguid=self.aaguid,
            hardware_bound=self.hardware_bound,
            name=name,
            enrolled_at=now,
            model=self.model,
            model_attested=self.judged is not None and self.judged.attested and self.judged.model_attested,
        )


def read_registration(response: ResponseJson) -> RegistrationResponse | Reason:
    """Read what a browser sent (section 7.1 steps 3, 5, 6, 12 and 13), to find the challenge it is about.

    Args:
        response: a `RegistrationResponseJSON`. Members that are not known are ignored, and so are `authenticatorData`,
            `publicKey` and `publicKeyAlgorithm`, which only repeat what the attestation object says.

    Returns:
        What it says; `malformed` or `too_large` where it is none, or `backup_state` for flags that contradict each
        other. Nothing is verified by that: `check_registration` does it.
    """
    outer = read_outer(response, MAX_REGISTRATION)
    if isinstance(outer, Reason):
        return outer
    credential_id, inner = outer
    client_data_json, attestation = octets(inner, "clientDataJSON"), octets(inner, "attestationObject")
    if isinstance(client_data_json, Reason):
        return client_data_json
    if isinstance(attestation, Reason):
        return attestation
    transports = _transports(inner)
    if isinstance(transports, Reason):
        return transports
    client_data = parse_client_data(client_data_json)
    if isinstance(client_data, Reason):
        return client_data
    made = decode(attestation)
    if isinstance(made, Reason):
        return made
    if not isinstance(made, dict) or made.keys() != _MEMBERS:
        return _OBJECT
    fmt, statement, auth_data = made["fmt"], made["attStmt"], made["authData"]
    if not isinstance(fmt, str) or not isinstance(statement, dict) or not isinstance(auth_data, bytes):
        return _OBJECT
    data = parse_authenticator_data(auth_data)
    if isinstance(data, Reason):
        return data
    hashed = sha256(client_data_json).digest()
    return RegistrationResponse(credential_id, client_data, hashed, data, auth_data, fmt, statement, transports)


def check_registration(
    rp: RelyingParty,
    response: ResponseJson | RegistrationResponse,
    challenge: bytes,
    now: float,
    *,
    require_user_verification: bool = False,
) -> Registration | Reason:
    """Hold a registration to WebAuthn Level 3 section 7.1, steps 3 to 25.

    Left to the caller, who knows the accounts: that the credential is nobody's yet (step 26), that the challenge counts
    once, and keeping the record (step 27).

    Args:
        rp: for whom it has to be.
        response: what the browser sent, or what `read_registration` made of it.
        challenge: what has to be answered, 16 octets or more (section 13.4.3).
        now: the moment of the request, POSIX seconds: certificates have to be valid then.
        require_user_verification: whether the user has to be verified here, where the relying party leaves it open.

    Returns:
        What it says. Or why it is refused: `malformed`, `too_large`, `wrong_ceremony`, `wrong_challenge`,
        `wrong_origin`, `cross_origin`, `wrong_rp_id`, `user_not_present`, `user_not_verified`, `backup_state`,
        `unsuitable_key`, `algorithm` where the relying party does not accept the credential's, `wrong_credential` for
        an id that is another one's, `bad_attestation` for flags that U2F neither has nor signs, or what
        `check_statement` and the relying party's authenticator policy give.

    Raises:
        ConfigError: the challenge is not octets.
    """
    read = response if isinstance(response, RegistrationResponse) else read_registration(response)
    if isinstance(read, Reason):
        return read
    data = read.data
    refused = check_client_data(rp, read.client_data, "webauthn.create", challenge)
    if refused is None:
        refused = check_flags(rp, data.rp_id_hash, data.flags, verified=require_user_verification)
    if refused is not None:
        return refused
    if data.attested is None:
        return _NOT_ATTESTED
    if data.attested.credential_id != read.credential_id:
        return _OTHER_CREDENTIAL
    key = parse_cose_key(data.attested.public_key)
    if isinstance(key, Reason):
        return key
    if not rp.accepts_algorithm(key.algorithm):  # step 20
        return ALGORITHM(
            expected=" or ".join(one.name for one in rp.algorithms),
            presented=key.algorithm.name,
            detail="of the new credential",
        )
    attestation = check_statement(read.fmt, read.statement, read.auth_data, read.client_data_hash)  # steps 21 and 22
    if isinstance(attestation, Reason):
        return attestation
    aaguid, sign_count = data.attested.aaguid, data.sign_count
    if attestation.format == "fido-u2f":  # section 8.6: flags, counter and AAGUID are not signed
        if data.flags & _NO_U2F:
            return _UNSIGNED_FLAGS
        aaguid, sign_count = attestation.aaguid, 0
    policy = rp.authenticators
    judged = None if policy is None else policy.judge(attestation, aaguid, now)  # steps 23 and 24
    if isinstance(judged, Reason):
        return judged
    return Registration(
        credential_id=read.credential_id,
        public_key=data.attested.public_key,
        algorithm=key.algorithm.name,
        sign_count=sign_count,
        user_verified=data.user_verified,
        backup_eligible=data.backup_eligible,
        backed_up=data.backed_up,
        transports=read.transports,
        aaguid=aaguid,
        attestation=attestation,
        judged=judged,
        origin=read.client_data.origin,
    )


def _transports(inner: dict[str, JsonValue]) -> tuple[str, ...] | Reason:
    """Section 5.2.1.1: those that look like transports, known or not. Others are dropped: they are hints."""
    listed = inner.get("transports", [])
    if listed is None:
        return ()
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        return _TRANSPORTS
    named = {one for one in listed if isinstance(one, str) and _TRANSPORT.fullmatch(one)}
    return tuple(sorted(named)[:MAX_TRANSPORTS])

"""Checking an assertion (WebAuthn Level 3 section 7.2): an enrolled credential is used. Pure, without a store."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from zerotrust.core.reason import ALGORITHM, BACKUP_STATE, BAD_SIGNATURE, MALFORMED, WRONG_CREDENTIAL, Reason
from zerotrust.factors.credential import Credential
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.factors.response import ResponseJson, check_client_data, check_flags, octets, read_outer
from zerotrust.wire.authenticator_data import BE, BS, UV, AuthenticatorData, parse_authenticator_data
from zerotrust.wire.client_data import ClientData, parse_client_data
from zerotrust.wire.cose import kept_key
from zerotrust.wire.encoding import b64url_decode

MAX_ASSERTION: Final = 32 * 1024
"""Bytes of one `AuthenticationResponseJSON`."""

MAX_USER_HANDLE: Final = 64
"""Octets of a user handle (section 5.4.3)."""

_HANDLE: Final = MALFORMED(expected=f"at most {MAX_USER_HANDLE} octets in base64url", detail="a user handle")
_ATTESTED: Final = MALFORMED(detail="an assertion with attested credential data, which only a new credential has")
_OTHER_CREDENTIAL: Final = WRONG_CREDENTIAL(expected="the credential that is asked about")
_ELIGIBLE_BEFORE: Final = BACKUP_STATE(expected="BE, as when it was enrolled", presented="not BE")
_INELIGIBLE_BEFORE: Final = BACKUP_STATE(expected="not BE, as when it was enrolled", presented="BE")
_NOT_SIGNED: Final = BAD_SIGNATURE(detail="an assertion")


@dataclass(slots=True)  # not frozen: that would double what it costs to make one
class AssertionResponse:
    """An `AuthenticationResponseJSON` (section 5.1.4), read. Nothing of it is to be believed yet.

    Attributes:
        credential_id: the credential that it says was used.
        user_handle: the user that it says it is; None if it does not say.
        client_data: what the browser says.
        data: what the authenticator says.
        signed: the octets that must be signed.
        signature: what is to be the signature.
    """

    credential_id: bytes
    user_handle: bytes | None
    client_data: ClientData
    data: AuthenticatorData
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def challenge(self) -> bytes:
        """The challenge that it says it answers; no octets if that is no base64url."""
        challenge = b64url_decode(self.client_data.challenge)
        return challenge if isinstance(challenge, bytes) else b""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a good assertion says.

    Attributes:
        credential_id: the credential that was used.
        user_handle: the user that its authenticator keeps it for; None if it does not say. Section 7.2 step 6 asks to
            compare it with that of the account, and to have one where nobody has said who signs in.
        user_verified: whether the authenticator verified its user.
        backup_eligible: whether the key may leave the device that made it.
        backed_up: whether it is on other devices.
        sign_count: the signature counter, to be kept with the credential.
        counter_went_back: whether that is no greater than before, as with a copy (section 6.1.1). It does not make the
            assertion bad; what it means is for a policy.
        origin: the page where it was used.
    """

    credential_id: bytes
    user_handle: bytes | None
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    sign_count: int
    counter_went_back: bool
    origin: str


def read_assertion(response: ResponseJson) -> AssertionResponse | Reason:
    """Read what a browser sent (section 7.2 steps 3, 7 to 9), to find the credential and the challenge it is about.

    Args:
        response: an `AuthenticationResponseJSON`. Members that are not known are ignored.

    Returns:
        What it says; `malformed` or `too_large` where it is none, or `backup_state` for flags that contradict each
        other. Nothing is verified by that: `check_assertion` does it.
    """
    outer = read_outer(response, MAX_ASSERTION)
    if isinstance(outer, Reason):
        return outer
    credential_id, inner = outer
    client_data_json, auth_data = octets(inner, "clientDataJSON"), octets(inner, "authenticatorData")
    signature = octets(inner, "signature")
    if isinstance(client_data_json, Reason):
        return client_data_json
    if isinstance(auth_data, Reason):
        return auth_data
    if isinstance(signature, Reason):
        return signature
    handle = inner.get("userHandle")
    # Some browsers have an empty one where there is none.
    user_handle = None if handle is None or handle == "" else b64url_decode(handle) if type(handle) is str else _HANDLE
    if isinstance(user_handle, Reason) or (user_handle is not None and len(user_handle) > MAX_USER_HANDLE):
        return _HANDLE
    client_data = parse_client_data(client_data_json)
    if isinstance(client_data, Reason):
        return client_data
    data = parse_authenticator_data(auth_data)
    if isinstance(data, Reason):
        return data
    signed = auth_data + sha256(client_data_json).digest()
    return AssertionResponse(credential_id, user_handle, client_data, data, signed, signature)


def check_assertion(
    rp: RelyingParty,
    response: ResponseJson | AssertionResponse,
    challenge: bytes,
    credential: Credential,
    *,
    require_user_verification: bool = False,
) -> Assertion | Reason:
    """Hold an assertion to WebAuthn Level 3 section 7.2, steps 5 and 7 to 22.

    Left to the caller, who knows the account: that the credential is one of it, what step 6 asks of the user handle,
    that the challenge counts once, and keeping the new counter (step 24).

    Args:
        rp: for whom it has to be.
        response: what the browser sent, or what `read_assertion` made of it.
        challenge: what has to be answered, 16 octets or more (section 13.4.3).
        credential: the record of the credential that has to be used.
        require_user_verification: whether the user has to be verified here, where the relying party leaves it open.

    Returns:
        What it says. Or why it is refused: `malformed`, `too_large`, `wrong_credential`, `wrong_ceremony`,
        `wrong_challenge`, `wrong_origin`, `cross_origin`, `wrong_rp_id`, `user_not_present`, `user_not_verified`,
        `backup_state` for flags that contradict each other or what they were, `algorithm` where the relying party no
        longer accepts the credential's, `unsuitable_key` for a record whose key is none, or `bad_signature`.

    Raises:
        ConfigError: the challenge is not octets.
    """
    read = response if isinstance(response, AssertionResponse) else read_assertion(response)
    if isinstance(read, Reason):
        return read
    data = read.data
    flags = data.flags
    if read.credential_id != credential.id:  # step 5, and step 6 as far as it is about the credential
        return _OTHER_CREDENTIAL
    refused = check_client_data(rp, read.client_data, "webauthn.get", challenge)
    if refused is None:
        refused = check_flags(rp, data.rp_id_hash, flags, verified=require_user_verification)
    if refused is not None:
        return refused
    if data.attested is not None:
        return _ATTESTED
    if bool(flags & BE) is not credential.backup_eligible:  # step 19
        return _ELIGIBLE_BEFORE if credential.backup_eligible else _INELIGIBLE_BEFORE
    key = kept_key(credential.public_key)
    if isinstance(key, Reason):
        return key
    if not rp.accepts_algorithm(key.algorithm):
        return ALGORITHM(
            expected=" or ".join(one.name for one in rp.algorithms),
            presented=key.algorithm.name,
            detail="of the credential",
        )
    if not key.verify(read.signed, read.signature):  # steps 20 and 21
        return _NOT_SIGNED
    count = data.sign_count
    return Assertion(
        read.credential_id,
        read.user_handle,
        bool(flags & UV),
        credential.backup_eligible,
        bool(flags & BS),
        count,
        count <= credential.sign_count and (count or credential.sign_count) != 0,  # step 22
        read.client_data.origin,
    )

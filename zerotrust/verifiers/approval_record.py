"""The record of an approval: who approved what, provable later by anybody who knows the public key, without a secret.

It holds what was signed and nothing else, so that it can be checked offline, by this library or by twenty lines of any
other: the signature is over `authenticator_data` and the SHA-256 of `client_data`, whose challenge is the SHA-256 of
`document` (WebAuthn Level 3 section 7.2).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, fields
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import (
    BAD_SIGNATURE,
    CROSS_ORIGIN,
    KEY_MISMATCH,
    MALFORMED,
    USER_NOT_PRESENT,
    USER_NOT_VERIFIED,
    WRONG_CEREMONY,
    WRONG_OPERATION,
    WRONG_ORIGIN,
    WRONG_RP_ID,
    Reason,
)
from zerotrust.factors.account import Account
from zerotrust.factors.relying_party import UNSAFE_ANY_TOP_ORIGIN
from zerotrust.verifiers.approval_operation import DOCUMENT_TYPE, Operation
from zerotrust.wire.authenticator_data import parse_authenticator_data
from zerotrust.wire.canonical_json import canonical_json
from zerotrust.wire.client_data import ClientData, parse_client_data
from zerotrust.wire.cose import parse_cose_key
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue, parse_object

RECORD_TYPE: Final = "zerotrust-approval-record-v1"

MAX_RECORD: Final = 128 * 1024
"""Bytes of a record as JSON."""

_NO_RECORD: Final = MALFORMED(detail="not the record of an approval")
_NO_DOCUMENT: Final = MALFORMED(detail="the document is not what approvals sign")


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """Who approved what, with the signature that proves it. Nothing in it is secret, but it says what was approved.

    Attributes:
        document: what was signed for, canonical JSON: the account, the operation, and a string that no other has.
        approved_at: when it was presented here, POSIX seconds. A signature says no time: this is the server's word.
        rp_id: the RP id of the relying party.
        credential_id: the id of the credential that signed. Nobody signs it: this is the server's word, too. What is
            proven is that the holder of the private key signed; whose key that is, is for whoever checks to know.
        public_key: its public key, a COSE_Key, as it was enrolled.
        authenticator_data: what the authenticator said (WebAuthn Level 3 section 6.1).
        client_data: what the browser said (section 5.8.1).
        signature: the signature over both.
    """

    document: str
    approved_at: float
    rp_id: str
    credential_id: bytes
    public_key: bytes
    authenticator_data: bytes
    client_data: bytes
    signature: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the document: the challenge that was signed. No two approvals have the same."""
        return sha256(self.document.encode("utf-8", "surrogatepass")).digest()

    @property
    def account(self) -> Account | Reason:
        """Who approved; a reason if the document does not say."""
        said = _said(self.document)
        return said if isinstance(said, Reason) else said[0]

    @property
    def operation(self) -> Operation | Reason:
        """What was approved; a reason if the document does not say."""
        said = _said(self.document)
        return said if isinstance(said, Reason) else said[1]

    def to_json(self) -> str:
        """The record as JSON text, with octets in base64url."""
        members: dict[str, object] = {"type": RECORD_TYPE}
        for one in fields(self):
            value = getattr(self, one.name)
            members[one.name] = b64url_encode(value) if isinstance(value, bytes) else value
        return json.dumps(members, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> ApprovalRecord | Reason:
        """The record that `to_json` wrote, or `malformed` or `too_large`. Whether it proves anything is not checked."""
        try:
            data = text.encode() if isinstance(text, str) else text
        except UnicodeEncodeError:
            return _NO_RECORD
        if not isinstance(data, bytes):  # as of a column that is empty
            return _NO_RECORD
        members = parse_object(data, limit=MAX_RECORD)
        if isinstance(members, Reason):
            return members
        document, at, rp_id = members.get("document"), members.get("approved_at"), members.get("rp_id")
        if members.get("type") != RECORD_TYPE or len(members) != len(fields(cls)) + 1:
            return _NO_RECORD
        if type(document) is not str or type(rp_id) is not str or type(at) not in (int, float):
            return _NO_RECORD
        octets = [_octets(members.get(name)) for name in _OCTETS]
        if not all(octets):
            return _NO_RECORD
        return cls(document, float(str(at)), rp_id, *octets)


_OCTETS: Final = ("credential_id", "public_key", "authenticator_data", "client_data", "signature")


def check_record(
    record: ApprovalRecord,
    *,
    public_key: bytes | None = None,
    origins: Collection[str] = (),
    top_origins: Collection[str] = (),
    user_verified: bool = True,
) -> Reason | None:
    """Whether `record` proves that the holder of a key approved the operation; needs no store, network or secret.

    Args:
        record: the record.
        public_key: the COSE_Key that is known, from elsewhere, to be the account's. Without it, the record's own key
            counts, and who wrote the record could have made it up.
        origins: the pages where it may have been signed; any if empty.
        top_origins: the other sites inside whose pages those may have been shown; none if empty, as for the relying
            party. `UNSAFE_ANY_TOP_ORIGIN` allows all, and those that a browser does not name.
        user_verified: whether the authenticator has to have verified its user.

    Returns:
        None if it does. Else the reason: `malformed`, `key_mismatch` for another key, `wrong_operation` if the document
        is not what was signed for, `wrong_ceremony`, `wrong_origin`, `cross_origin`, `wrong_rp_id`, `user_not_present`,
        `user_not_verified`, `bad_signature`, or what is wrong with the key. Neither `approved_at` nor `credential_id`
        is proven by it: nobody signed them.

    Raises:
        ConfigError: a key that is not octets, or origins that are no list.
    """
    if public_key is not None and not isinstance(public_key, bytes):
        raise ConfigError(f"public_key is a COSE_Key, the octets of the enrolled one, not {type(public_key).__name__}")
    for name, given in (("origins", origins), ("top_origins", top_origins)):
        if isinstance(given, str | bytes) or not isinstance(given, Collection):
            raise ConfigError(f"{name}={given!r}: write a list, e.g. {name}=['https://example.com']")
    said = _said(record.document)
    if isinstance(said, Reason):
        return said
    if public_key is not None and not compare_digest(record.public_key, public_key):
        return KEY_MISMATCH(detail="the key of the record is not the one given")
    key, client = parse_cose_key(record.public_key), parse_client_data(record.client_data)
    authenticator = parse_authenticator_data(record.authenticator_data)
    if isinstance(key, Reason):
        return key
    if isinstance(client, Reason):
        return client
    if isinstance(authenticator, Reason):
        return authenticator
    signed = record.authenticator_data + sha256(record.client_data).digest()
    checks = (
        (client.type == "webauthn.get", WRONG_CEREMONY()),
        (client.challenge == b64url_encode(record.digest), WRONG_OPERATION()),
        (not origins or client.origin in origins, WRONG_ORIGIN()),
        (_framed_rightly(client, top_origins), CROSS_ORIGIN()),
        (authenticator.rp_id_hash == sha256(record.rp_id.encode("utf-8", "surrogatepass")).digest(), WRONG_RP_ID()),
        (authenticator.user_present, USER_NOT_PRESENT()),
        (authenticator.user_verified or not user_verified, USER_NOT_VERIFIED()),
    )
    refused = next((reason for holds, reason in checks if not holds), None)
    if refused is not None:
        return refused
    return None if key.verify(signed, record.signature) else BAD_SIGNATURE()


def _framed_rightly(client: ClientData, top_origins: Collection[str]) -> bool:
    """Whether the page was shown where it may be, as it is judged when an approval is presented."""
    if client.cross_origin:
        return UNSAFE_ANY_TOP_ORIGIN in top_origins or client.top_origin in top_origins
    return client.top_origin is None


def _said(document: str) -> tuple[Account, Operation] | Reason:
    """What a document says, if it is one in its one spelling."""
    try:
        data = document.encode()
    except UnicodeEncodeError:
        return _NO_DOCUMENT
    members = parse_object(data, limit=MAX_RECORD)
    if isinstance(members, Reason) or canonical_json(members, limit=len(data)) != data:
        return _NO_DOCUMENT
    account, operation = members.get("account"), members.get("operation")
    approval, kind = members.get("approval"), members.get("type")
    if kind != DOCUMENT_TYPE or len(members) != 4 or type(approval) is not str:
        return _NO_DOCUMENT
    if not (isinstance(account, dict) and isinstance(operation, dict)):
        return _NO_DOCUMENT
    who, what = _account(account), _operation(operation)
    return _NO_DOCUMENT if who is None or what is None else (who, what)


def _account(members: dict[str, JsonValue]) -> Account | None:
    source, subject = members.get("source"), members.get("subject")
    if type(source) is not str or type(subject) is not str or len(members) != 2:
        return None
    return Account(source, subject)


def _operation(members: dict[str, JsonValue]) -> Operation | None:
    method, host, path = members.get("method"), members.get("host"), members.get("path")
    given, query = members.get("fields"), members.get("query")
    if type(method) is not str or type(host) is not str or type(path) is not str or len(members) != 5:
        return None
    if not (isinstance(given, dict) and isinstance(query, dict)):
        return None
    texts = {name: value for name, value in query.items() if isinstance(value, str)}
    return Operation(method, host, path, given, texts) if len(texts) == len(query) else None


def _octets(value: JsonValue) -> bytes:
    octets = b64url_decode(value) if isinstance(value, str) else None
    return octets if isinstance(octets, bytes) else b""

"""An authenticator and its browser in the test: what a passkey answers, and what an attacker would answer instead."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Final, TypedDict, Unpack, cast

from zerotrust.core.errors import ConfigError
from zerotrust.testing.authenticator_attestation import (
    Attest,
    AttestationKind,
    attest_basic,
    attest_none,
    attest_self,
    attestation_certificate,
)
from zerotrust.testing.authenticator_keys import AuthenticatorAlgorithm, CredentialKey
from zerotrust.testing.authority import LocalAuthority
from zerotrust.testing.clock import Clock
from zerotrust.testing.issuer import OMIT, Omit
from zerotrust.wire.authenticator_data import AT, BE, BS, ED, UP, UV
from zerotrust.wire.cbor import CborMap, encode
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue

Members = Mapping[str, JsonValue | Omit]


class Behaviour(TypedDict, total=False):
    """How a `LocalAuthenticator` and its browser behave; what is not given is as a good one does it.

    Attributes:
        cross_origin: whether that page is inside another site's; False.
        top_origin: that other site; none is named.
        user_present: the `UP` flag; True.
        user_verified: the `UV` flag; True.
        backup_eligible: the `BE` flag; False.
        backed_up: the `BS` flag; False.
        flags: all flags at once, whatever the others say.
        sign_count: the counter of the next response, whatever was before.
        counter_step: what each assertion adds to the counter; 1. With 0 it stays at zero, as synced passkeys have it.
        algorithm: what the keys of new credentials are for; ES256.
        key: the key of the next credential, instead of a new one.
        credential_id: the id of the next credential, instead of sixteen random octets.
        cose: the octets that are sent as the public key of the next credential.
        aaguid: its model, sixteen octets; all zero.
        attestation: what it says of itself: `none`, `packed-self`, `packed-basic`, or a function that makes it.
        transports: how it is reached; `("internal",)`.
        extensions: its extension outputs, with the `ED` flag; none.
        user_handle: whether an assertion carries the user handle; True.
        client_data: members of the client data to add or to put in place of the usual; `OMIT` leaves one out.
        client_data_json: the octets of the client data, whatever they are.
        authenticator_data: what is done to the authenticator data before they are signed.
        attestation_object: what is done to the attestation object before it is sent.
        signature: what is done to the signature of an assertion.
        response: members of `response` to add or to put in place of the usual; `OMIT` leaves one out.
        credential: members beside `response`, likewise.
    """

    cross_origin: bool
    top_origin: str | None
    user_present: bool
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    flags: int
    sign_count: int
    counter_step: int
    algorithm: AuthenticatorAlgorithm
    key: CredentialKey
    credential_id: bytes
    cose: bytes
    aaguid: bytes
    attestation: AttestationKind | Attest
    transports: tuple[str, ...]
    extensions: CborMap | None
    user_handle: bool
    client_data: Members
    client_data_json: bytes
    authenticator_data: Callable[[bytes], bytes]
    attestation_object: Callable[[bytes], bytes]
    signature: Callable[[bytes], bytes]
    response: Members
    credential: Members


@dataclass(slots=True)
class LocalCredential:
    """One credential that a `LocalAuthenticator` keeps.

    Attributes:
        id: its id.
        key: its private key.
        rp_id: the relying party it is for.
        user_handle: the user it is for, as the relying party names them.
        sign_count: its signature counter.
    """

    id: bytes
    key: CredentialKey
    rp_id: str
    user_handle: bytes
    sign_count: int = 0


class LocalAuthenticator:
    """Makes credentials and uses them, as an authenticator and a browser do together, with keys in memory.

    It does what it is told: it neither looks at `excludeCredentials` nor asks whether its algorithm is wanted or its
    page belongs to the RP id, since an attacker's would not.

    Args:
        rp_id: the RP id that it signs for.
        origin: the page that asks.
        authority: who issues the certificate of `packed-basic`; one of its own unless given, at `authority`.
        behaviour: what else is to be other than usual; `Behaviour` has the list.

    Attributes:
        rp_id: the RP id that it signs for.
        origin: the page that asks.
        authority: who issues the certificate of `packed-basic`.
        credentials: what it keeps, the newest last.

    Example:
        authenticator = LocalAuthenticator("example.com", "https://shop.example.com")
        response = authenticator.create(creation_options)      # JSON text, as `credential.toJSON()` gives it
        response = authenticator.get(request_options)
        stolen = authenticator.but(user_verified=False).get(request_options)
        phished = authenticator.wrong("origin").get(request_options)
    """

    def __init__(
        self,
        rp_id: str = "example.com",
        origin: str = "https://example.com",
        *,
        authority: LocalAuthority | None = None,
        **behaviour: Unpack[Behaviour],
    ) -> None:
        self.rp_id: str = rp_id
        self.origin: str = origin
        self._behaviour: Behaviour = behaviour
        self.authority: LocalAuthority = authority or LocalAuthority("Test Authenticator CA", now=Clock()())
        self.credentials: list[LocalCredential] = []

    def but(
        self, *, rp_id: str | None = None, origin: str | None = None, **behaviour: Unpack[Behaviour]
    ) -> LocalAuthenticator:
        """The same authenticator, with the same credentials and counters, behaving differently.

        Args:
            rp_id: the RP id that it signs for; as before unless given.
            origin: the page that asks, likewise.
            behaviour: what else is to be other than before.
        """
        other = copy.copy(self)
        other.rp_id = self.rp_id if rp_id is None else rp_id
        other.origin = self.origin if origin is None else origin
        other._behaviour = {**self._behaviour, **behaviour}
        return other

    def wrong(self, fault: str) -> LocalAuthenticator:
        """The same authenticator with one fault that responses are to be refused for.

        Args:
            fault: its name in `FAULTS`, or for `get` alone in `ASSERTION_FAULTS`.

        Raises:
            ConfigError: there is no such fault.
        """
        make = {**FAULTS, **ASSERTION_FAULTS}.get(fault)
        if make is None:
            raise ConfigError(f"no fault {fault!r}; choose from {', '.join([*FAULTS, *ASSERTION_FAULTS])}")
        return make(self)

    def clone(self) -> LocalAuthenticator:
        """A copy as a thief makes it: the same keys, and counters that go their own way from here."""
        other = copy.copy(self)
        other.credentials = [copy.copy(one) for one in self.credentials]
        return other

    def create(self, options: Mapping[str, object]) -> str:
        """Answer `PublicKeyCredentialCreationOptionsJSON`, with or without `publicKey` around it (section 5.1.3).

        Returns:
            A `RegistrationResponseJSON` as JSON text, as `Passkey.enrolling` takes it. In a body that is JSON itself it
            is a member: `{"credential": json.loads(text), "name": "Phone"}` for the ready ceremonies.
        """
        asked = _inner(options)
        how = self._behaviour
        key = how.get("key") or CredentialKey.generate(how.get("algorithm", "ES256"))
        handle = b64url_decode(str(_inner(asked, "user")["id"]))
        made = LocalCredential(
            how.get("credential_id", b"") or token_bytes(16),
            key,
            self.rp_id,
            handle if isinstance(handle, bytes) else b"",
            how.get("sign_count", 0),
        )
        self.credentials.append(made)
        client_data = self._client_data("webauthn.create", asked)
        aaguid = how.get("aaguid", bytes(16))
        attested = aaguid + len(made.id).to_bytes(2, "big") + made.id + how.get("cose", key.cose)
        data = self._authenticator_data(made, attested)
        fmt, statement = self._attest(aaguid)(data, sha256(client_data).digest(), key)
        attestation = encode({"fmt": fmt, "attStmt": statement, "authData": data})
        return self._answer(
            made,
            {
                "clientDataJSON": b64url_encode(client_data),
                "authenticatorData": b64url_encode(data),
                "transports": list(how.get("transports", ("internal",))),
                "publicKey": b64url_encode(key.spki),
                "publicKeyAlgorithm": key.alg,
                "attestationObject": b64url_encode(how.get("attestation_object", bytes)(attestation)),
            },
        )

    def get(self, options: Mapping[str, object], *, credential: LocalCredential | None = None) -> str:
        """Answer `PublicKeyCredentialRequestOptionsJSON`, with or without `publicKey` around it (section 5.1.4).

        Args:
            options: what the relying party sent.
            credential: what to use; else the newest that it has among `allowCredentials`, or the newest of all where
                that is empty.

        Returns:
            An `AuthenticationResponseJSON` as JSON text, as `Passkey.proving` takes it. In a body that is JSON itself
            it is a member: `{"credential": json.loads(text)}` for the ready ceremonies.

        Raises:
            ConfigError: it has none that is allowed.
        """
        asked = _inner(options)
        how = self._behaviour
        used = credential or self._chosen(asked)
        step = how.get("counter_step", 1)
        used.sign_count = how.get("sign_count", used.sign_count + step)
        client_data = self._client_data("webauthn.get", asked)
        data = self._authenticator_data(used, b"")
        signature = (how.get("key") or used.key).sign(data + sha256(client_data).digest())
        response: dict[str, JsonValue] = {
            "clientDataJSON": b64url_encode(client_data),
            "authenticatorData": b64url_encode(data),
            "signature": b64url_encode(how.get("signature", bytes)(signature)),
        }
        if how.get("user_handle", True):
            response["userHandle"] = b64url_encode(used.user_handle)
        return self._answer(used, response)

    def _chosen(self, asked: Mapping[str, object]) -> LocalCredential:
        allowed = cast("list[dict[str, str]]", asked.get("allowCredentials") or [])
        ids = {one["id"] for one in allowed}
        for one in reversed(self.credentials):
            if not ids or b64url_encode(one.id) in ids:
                return one
        raise ConfigError("this authenticator has none of the credentials that are allowed; `create` one first")

    def _client_data(self, kind: str, asked: Mapping[str, object]) -> bytes:
        """Section 5.8.1.1."""
        how = self._behaviour
        if "client_data_json" in how:
            return how["client_data_json"]
        members: dict[str, JsonValue | Omit] = {
            "type": kind,
            "challenge": str(asked["challenge"]),
            "origin": self.origin,
            "crossOrigin": how.get("cross_origin", False),
        }
        top_origin = how.get("top_origin")
        if top_origin is not None:
            members["topOrigin"] = top_origin
        return _dump({**members, **how.get("client_data", {})}).encode("utf-8", "surrogatepass")

    def _authenticator_data(self, used: LocalCredential, attested: bytes) -> bytes:
        """Section 6.1."""
        how = self._behaviour
        extensions = how.get("extensions")
        flags = (
            how.get("user_present", True) * UP
            | how.get("user_verified", True) * UV
            | how.get("backup_eligible", False) * BE
            | how.get("backed_up", False) * BS
            | bool(attested) * AT
            | (extensions is not None) * ED
        )
        head = sha256(self.rp_id.encode()).digest() + bytes((how.get("flags", flags),))
        tail = b"" if extensions is None else encode(extensions)
        data = head + used.sign_count.to_bytes(4, "big") + attested + tail
        return how.get("authenticator_data", bytes)(data)

    def _attest(self, aaguid: bytes) -> Attest:
        wanted = self._behaviour.get("attestation", "none")
        if callable(wanted):
            return wanted
        if wanted == "packed-basic":
            return attest_basic(attestation_certificate(self.authority, aaguid))
        return attest_self if wanted == "packed-self" else attest_none

    def _answer(self, used: LocalCredential, response: Mapping[str, JsonValue]) -> str:
        how = self._behaviour
        inner = {**response, **how.get("response", {})}
        outer: dict[str, JsonValue | Omit] = {
            "id": b64url_encode(used.id),
            "rawId": b64url_encode(used.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": _present(inner),
            **how.get("credential", {}),
        }
        return _dump(outer)

    def __repr__(self) -> str:
        return f"LocalAuthenticator({self.rp_id!r}, {self.origin!r}, credentials={len(self.credentials)})"


Fault = Callable[[LocalAuthenticator], LocalAuthenticator]

FAULTS: Final[Mapping[str, Fault]] = {
    "challenge": lambda good: good.but(client_data={"challenge": b64url_encode(token_bytes(32))}),
    "no challenge": lambda good: good.but(client_data={"challenge": ""}),
    "type": lambda good: good.but(client_data={"type": "payment.get"}),
    "origin": lambda good: good.but(origin="https://evil.example"),
    "origin suffix": lambda good: good.but(origin=f"{good.origin}.evil.example"),
    "scheme": lambda good: good.but(origin=good.origin.replace("https:", "http:")),
    "cross origin": lambda good: good.but(cross_origin=True),
    "top origin": lambda good: good.but(cross_origin=True, top_origin="https://evil.example"),
    "rp id": lambda good: good.but(rp_id="evil.example"),
    "user present": lambda good: good.but(user_present=False),
    "backup state": lambda good: good.but(backup_eligible=False, backed_up=True),
    "trailing": lambda good: good.but(authenticator_data=lambda data: data + b"\0"),
    "truncated": lambda good: good.but(authenticator_data=lambda data: data[:36]),
}
"""What `wrong` knows. Each is to be refused in both ceremonies (`cross origin` unless frames are allowed)."""

ASSERTION_FAULTS: Final[Mapping[str, Fault]] = {
    "signature": lambda good: good.but(signature=lambda made: made[:-1] + bytes((made[-1] ^ 1,))),
    "key": lambda good: good.but(key=CredentialKey.generate("ES256")),
}
"""What `wrong` knows besides, for assertions alone: nobody signs for a new credential that is not attested."""


def _inner(options: Mapping[str, object], member: str = "publicKey") -> Mapping[str, object]:
    return cast("Mapping[str, object]", options.get(member, options))


def _present(members: Members) -> dict[str, JsonValue]:
    return {name: value for name, value in members.items() if value is not OMIT}


def _dump(members: Members) -> str:
    # Texts that are none are let through on purpose: an attacker might write them.
    return json.dumps(_present(members), separators=(",", ":"), ensure_ascii=False)

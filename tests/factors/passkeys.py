"""A relying party, and one authenticator's registrations and assertions for it, for tests of both ceremonies."""

from __future__ import annotations

from functools import cache
from typing import Any

from zerotrust.core.reason import Reason
from zerotrust.factors.account import Account
from zerotrust.factors.assertion import Assertion, check_assertion
from zerotrust.factors.credential import Credential
from zerotrust.factors.registration import Registration, check_registration
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.wire.encoding import b64url_encode

NOW = 1_800_000_000.0
CHALLENGE = bytes(range(32))
ACCOUNT = Account("shop", "ada")
RP = RelyingParty("example.com", name="Example", origins=["https://example.com", "https://shop.example.com:8443"])
OPTIONS: dict[str, Any] = {
    "challenge": b64url_encode(CHALLENGE),
    "rp": {"id": "example.com", "name": "Example"},
    "user": {"id": b64url_encode(b"handle"), "name": "ada", "displayName": "Ada"},
}


def party(**changed: Any) -> RelyingParty:
    """`RP` with something else about it."""
    return RelyingParty("example.com", **{"name": "Example", "origins": ["https://example.com"], **changed})


def register(response: object, *, rp: RelyingParty = RP, challenge: bytes = CHALLENGE, **given: bool) -> Any:
    return check_registration(rp, response, challenge, NOW, **given)  # type: ignore[arg-type]


def made(authenticator: LocalAuthenticator, rp: RelyingParty = RP) -> Credential:
    """The record of a credential that this authenticator makes now."""
    found = register(authenticator.create(OPTIONS), rp=rp)
    assert isinstance(found, Registration), found
    return found.credential(ACCOUNT, "key", NOW)


@cache
def usual() -> tuple[LocalAuthenticator, Credential]:
    """An authenticator with one credential, and its record. Nobody may change its counter: use `clone`."""
    authenticator = LocalAuthenticator()
    return authenticator, made(authenticator)


def authenticator() -> LocalAuthenticator:
    """The usual one, with a counter of its own."""
    return usual()[0].clone()


def use(response: object, credential: Credential | None = None, *, rp: RelyingParty = RP, **given: Any) -> Any:
    challenge = given.pop("challenge", CHALLENGE)
    return check_assertion(rp, response, challenge, credential or usual()[1], **given)  # type: ignore[arg-type]


def code(outcome: object) -> str:
    """The code of a reason; `accepted` for what is none."""
    if isinstance(outcome, Reason):
        return outcome.code
    assert isinstance(outcome, Registration | Assertion), outcome
    return "accepted"

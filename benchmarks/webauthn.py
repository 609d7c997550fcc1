"""WebAuthn assertions (Level 3 section 7.2): from the JSON text that a browser sends to what it says.

Answers for P9: near the raw verification of the signature, with a key that is read anew and with one that is kept, and
cheaper than py_webauthn and the server of python-fido2, which check less. Every credential has a key of its own, and
they take turns.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.dpop import in_turn
from benchmarks.floors import FLOOR
from benchmarks.harness import Case, Goal, Group, clock, overhead, total
from benchmarks.runner import Groups, main
from zerotrust.core.reason import Reason
from zerotrust.factors.account import Account
from zerotrust.factors.assertion import Assertion, check_assertion, read_assertion
from zerotrust.factors.credential import Credential
from zerotrust.factors.registration import Registration, check_registration
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.wire.cose import kept_key
from zerotrust.wire.encoding import b64url_encode

CREDENTIALS: Final = 64
NOW: Final = 1_800_000_000.0
RP_ID: Final = "example.com"
ORIGIN: Final = "https://login.example.com"
CHALLENGE: Final = bytes(range(32))

NEW: Final = "zerotrust, JSON text, key never seen"
KEPT: Final = "zerotrust, JSON text, key kept"
PY_WEBAUTHN: Final = "py_webauthn, JSON text"
PY_WEBAUTHN_DICT: Final = "py_webauthn, parsed JSON"
FIDO2: Final = "fido2 server, parsed JSON, key kept"

RP: Final = RelyingParty(RP_ID, name="Example", origins=[ORIGIN])


class Enrolled:
    """A credential and an assertion by it, as text."""

    def __init__(self) -> None:
        options = {"challenge": b64url_encode(CHALLENGE), "user": {"id": b64url_encode(b"somebody")}}
        authenticator = LocalAuthenticator(RP_ID, ORIGIN)
        made = check_registration(RP, authenticator.create(options), CHALLENGE, NOW)
        assert isinstance(made, Registration)
        self.aaguid = made.aaguid
        self.credential = made.credential(Account("bench", "somebody"), "key", NOW)
        self.text = authenticator.get(options)


@cache
def enrolled() -> Sequence[Enrolled]:
    """The credentials, each with its assertion."""
    return [Enrolled() for _ in range(CREDENTIALS)]


def floor() -> Case:
    """The raw verification of each assertion's signature, with key, octets and algorithm objects at hand."""
    arguments: list[tuple[Callable[..., None], bytes, bytes, ec.ECDSA]] = []
    for one in enrolled():
        key, read = kept_key(one.credential.public_key), read_assertion(one.text)
        assert not isinstance(key, Reason)
        assert not isinstance(read, Reason)
        assert isinstance(key.key, ec.EllipticCurvePublicKey)
        arguments.append((key.key.verify, read.signature, read.signed, ec.ECDSA(SHA256())))
    return in_turn(FLOOR, lambda verify, *rest: verify(*rest), arguments, right=lambda outcome: outcome is None)


def check(text: str, credential: Credential) -> object:
    """Ours."""
    return check_assertion(RP, text, CHALLENGE, credential)


def ours(name: str, *, known: bool) -> Case:
    """The same in turn, each credential once in a batch; before that is timed, keys are used or forgotten."""
    arguments = [(one.text, one.credential) for one in enrolled()]

    def sample(number: int) -> float:
        assert number <= CREDENTIALS
        batch = arguments[:number]
        if known:
            for each in batch:  # used, not only read: the first use of a key costs more than the next
                check(*each)
        else:
            kept_key.cache_clear()
        began = clock()
        for each in batch:
            check(*each)
        return clock() - began

    return Case(name, lambda: check(*arguments[0]), sample, _asserted, batch=CREDENTIALS)


def py_webauthn() -> Callable[[object, Credential], object]:
    """Its one function."""
    from webauthn import verify_authentication_response

    def check(response: Any, credential: Credential) -> object:
        return verify_authentication_response(
            credential=response,
            expected_challenge=CHALLENGE,
            expected_rp_id=RP_ID,
            expected_origin=ORIGIN,
            credential_public_key=credential.public_key,
            credential_current_sign_count=credential.sign_count,
        )

    return check


def fido2() -> Callable[[Mapping[str, Any], Sequence[Any]], object]:
    """Its server, with the state of the ceremony at hand."""
    from fido2.server import Fido2Server
    from fido2.webauthn import PublicKeyCredentialRpEntity

    server = Fido2Server(PublicKeyCredentialRpEntity(id=RP_ID, name="Example"))
    state = {"challenge": b64url_encode(CHALLENGE), "user_verification": None}

    def check(response: Mapping[str, Any], credentials: Sequence[Any]) -> object:
        return server.authenticate_complete(state, credentials, response)

    return check


def fido2_credentials(one: Enrolled) -> Sequence[Any]:
    """The credential as the server of fido2 wants it, its key parsed."""
    from fido2.cbor import decode
    from fido2.cose import CoseKey
    from fido2.webauthn import AttestedCredentialData

    members: Any = decode(one.credential.public_key)
    return [AttestedCredentialData.create(one.aaguid, one.credential.id, CoseKey.parse(members))]


def assertions() -> Group:
    """One assertion by each credential; nobody keeps what was checked."""
    each = enrolled()
    texts = [(one.text, one.credential) for one in each]
    parsed = [(json.loads(one.text), one.credential) for one in each]
    cases = [
        floor(),
        ours(NEW, known=False),
        ours(KEPT, known=True),
        in_turn(PY_WEBAUTHN, py_webauthn(), texts),
        in_turn(PY_WEBAUTHN_DICT, py_webauthn(), parsed),
        in_turn(FIDO2, fido2(), [(json.loads(one.text), fido2_credentials(one)) for one in each]),
    ]
    goals = [
        Goal("P9", "WebAuthn assertion from JSON text: total, x raw", 1.6, total(NEW)),
        Goal("P9", "WebAuthn assertion, key kept: total, x raw", 1.3, total(KEPT)),
        Goal("P9", "WebAuthn assertion: overhead, x py_webauthn's", 0.9, overhead(NEW, PY_WEBAUTHN)),
        Goal("P9", "WebAuthn assertion: total, x fido2 server", 1 / 5, total(NEW, FIDO2)),
    ]
    size = len(each[0].text)
    return Group("WebAuthn", f"ES256 assertions of {size} bytes, {CREDENTIALS} credentials in turn", cases, goals)


def _asserted(outcome: object) -> bool:
    return isinstance(outcome, Assertion)


GROUPS: Final[Groups] = {"assertions": assertions}

if __name__ == "__main__":
    sys.exit(main("benchmarks.webauthn", GROUPS))

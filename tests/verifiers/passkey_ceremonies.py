"""A site with passkeys, its people and their authenticators, for tests of ceremonies."""

from __future__ import annotations

from typing import Any, TypeVar

from zerotrust.core.ask import Gather
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.reason import NOT_PRESENTED, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.driver import Sources, run
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.proof import Proof
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.testing.authority import LocalAuthority
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.wire.json import JsonValue

T = TypeVar("T")

NOW = 1_800_000_000.0
SECRET = bytes(range(32))
ORIGIN = "https://shop.example.com"
ANNA, BERT = Account("shop", "anna"), Account("shop", "bert")
HERE, THERE = b"this browser's session", b"that browser's session"


_AUTHORITY = LocalAuthority("Test Authenticator CA", now=NOW)  # one for all: its key costs more than a ceremony


class Remembered(Verifier[SessionEvidence]):
    """A session that has whatever proofs it is given; without any, somebody has signed in all the same."""

    name = "session"

    def __init__(self, *proofs: Proof, absent: bool = False) -> None:
        self.proofs = proofs
        self.absent = absent

    def find(self, request: AccessRequest) -> Finding[SessionEvidence]:
        if self.absent:
            return Absent(NOT_PRESENTED())
        return Verified(SessionEvidence("shop", "anna", request.now, request.now + 3600, "h", NOW - 600, self.proofs))

    def blank(self, now: float) -> SessionEvidence:
        return SessionEvidence("shop", "", now, now + 3600)

    def agrees(self, evidence: SessionEvidence, about: Evidence) -> bool:
        return True


def relying_party(id: str = "example.com", **other: Any) -> RelyingParty:  # noqa: A002
    return RelyingParty(id, **{"name": "Example", "origins": [ORIGIN], **other})


def configured(rp: RelyingParty | None = None, *proofs: Proof, **other: Any) -> Passkey:
    return Passkey(rp or relying_party(), **{"of": Remembered(*proofs), "secret": SECRET, **other})


def phone(**behaviour: Any) -> LocalAuthenticator:
    """An authenticator with a browser on the site's page."""
    return LocalAuthenticator("example.com", ORIGIN, **{"authority": _AUTHORITY, **behaviour})


class Site:
    """One site and its store.

    Attributes:
        passkey: the verifier.
        sources: what answers it.
        now: the time there.
    """

    def __init__(self, passkey: Passkey | None = None, sources: Sources | None = None) -> None:
        self.passkey = passkey or configured()
        self.sources = sources or Sources(MemoryStore())
        self.now = NOW

    def run(self, steps: Gather[T]) -> T:
        return run(steps, self.sources)

    def offer(self, account: Account = ANNA, binding: bytes = HERE) -> dict[str, JsonValue]:
        return self.run(self.passkey.offering(account, f"{account.subject}@example.com", "Name", binding, self.now))

    def enrol(
        self, made: LocalAuthenticator | str, account: Account = ANNA, binding: bytes = HERE, name: str = "Phone"
    ) -> Enrolled | Reason:
        response = made if isinstance(made, str) else made.create(self.offer(account, binding))
        return self.run(self.passkey.enrolling(account, response, binding, self.now, name))

    def challenge(self, account: Account | None = ANNA, binding: bytes = HERE) -> dict[str, JsonValue]:
        return self.run(self.passkey.challenging(account, binding, self.now))

    def prove(
        self, used: LocalAuthenticator | str, account: Account | None = ANNA, binding: bytes = HERE
    ) -> Proving | Reason:
        response = used if isinstance(used, str) else used.get(self.challenge(account, binding))
        return self.run(self.passkey.proving(account, response, binding, self.now))

    def names(self, account: Account = ANNA) -> list[str]:
        return [one.name for one in self.run(self.passkey.listing(account, self.now))]


def good(outcome: T | Reason) -> T:
    """What came of it, which is no reason."""
    assert not isinstance(outcome, Reason), outcome
    return outcome


def code(outcome: object) -> str:
    """The code of the reason that came of it."""
    assert isinstance(outcome, Reason), outcome
    return outcome.code

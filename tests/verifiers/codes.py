"""Authenticators that make codes, by pyotp, and a store that remembers what it was asked."""

from __future__ import annotations

import base64
from collections.abc import Awaitable
from typing import Any, ClassVar, Literal, TypeVar

import pyotp

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.core.finding import Absent, Finding
from zerotrust.core.reason import NOT_PRESENTED, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.driver import Budget, Sources, run
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.otp_secret import OtpOffer
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.hotp import Hotp
from zerotrust.verifiers.recovery_codes import RecoveryCodes
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.verifiers.totp import Totp

T = TypeVar("T")

NOW = 1_800_000_000.0
"""The beginning of a step of 30 seconds."""

ANN, BOB = Account("shop", "ann"), Account("shop", "bob")
BUDGET = Budget(seconds=60.0)  # of asks what a decision has; a busy machine may take its time
KEYS = StoreKeys(encrypt=[bytes(range(101, 133))])


class Remembering(Verifier[SessionEvidence]):
    """Stands in for the session."""

    name = "session"

    def find(self, request: AccessRequest) -> Finding[SessionEvidence]:
        return Absent(NOT_PRESENTED())

    def blank(self, now: float) -> SessionEvidence:
        return SessionEvidence("", "", now, float("inf"))


SESSION = Remembering()


class Watched:
    """A store in memory that remembers what it was asked."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce, Advance, Lookup, Put, Count)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self) -> None:
        self.store = MemoryStore(keys=KEYS)
        self.asked: list[Ask[Any]] = []

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        self.asked.append(ask)
        return self.store.answer(ask, timeout)

    def of_kind(self, kind: str) -> list[Ask[Any]]:
        """The asks about what is kept in the space `kind`, since the last time."""
        found = [ask for ask in self.asked if getattr(ask, "kind", getattr(ask, "space", None)) == kind]
        self.asked.clear()
        return found


class World:
    """A store, and steps that are run on it."""

    def __init__(self, source: Any = None) -> None:
        self.source = Watched() if source is None else source
        self.sources = Sources(self.source)

    def offer(self, factor: Totp | Hotp, now: float = NOW, account: Account = ANN, label: str = "ann") -> OtpOffer:
        return run(factor.offering(account, label, now), self.sources, BUDGET)

    def enrol(
        self, factor: Totp | Hotp, code: str, now: float = NOW, account: Account = ANN, name: str = ""
    ) -> Enrolled | Reason:
        return run(factor.enrolling(account, code, now, name), self.sources, BUDGET)

    def prove(
        self,
        factor: Totp | Hotp | RecoveryCodes,
        code: Any,
        now: float = NOW,
        account: Account = ANN,
        address: str | None = None,
        known: bool = False,
    ) -> Proving | Reason:
        return run(factor.proving(account, code, now, address, known), self.sources, BUDGET)

    def said(self, factor: Totp | Hotp | RecoveryCodes, code: Any, now: float = NOW, **more: Any) -> str:
        """`proven`, or the code of the reason."""
        return told(self.prove(factor, code, now, **more))

    def listed(
        self, factor: Totp | Hotp | RecoveryCodes, account: Account = ANN, now: float = NOW
    ) -> tuple[Enrolled, ...]:
        return run(factor.listing(account, now), self.sources, BUDGET)

    def regenerate(self, codes: RecoveryCodes, now: float = NOW, account: Account = ANN) -> tuple[str, ...]:
        made = run(codes.regenerating(account, now), self.sources, BUDGET)
        assert isinstance(made, tuple)
        return made

    def app(self, factor: Totp, now: float = NOW, account: Account = ANN) -> pyotp.TOTP:
        """An app that is enrolled; the step at `now` is used."""
        app = scanned(self.offer(factor, now, account))
        assert isinstance(app, pyotp.TOTP)
        assert isinstance(self.enrol(factor, app.at(now), now, account), Enrolled)
        return app

    def token(self, factor: Hotp, account: Account = ANN) -> pyotp.HOTP:
        """A token that is enrolled; counter 0 is used."""
        token = scanned(self.offer(factor, NOW, account))
        assert isinstance(token, pyotp.HOTP)
        assert isinstance(self.enrol(factor, token.at(0), NOW, account), Enrolled)
        return token


def told(outcome: object) -> str:
    return outcome.code if isinstance(outcome, Reason) else "proven"


def scanned(offer: OtpOffer) -> pyotp.TOTP | pyotp.HOTP:
    """What an authenticator makes of the provisioning URI."""
    made = pyotp.parse_uri(offer.uri)
    assert isinstance(made, pyotp.TOTP | pyotp.HOTP)
    assert made.secret == offer.secret
    return made


def totp(**more: Any) -> Totp:
    return Totp("Example", of=SESSION, **more)


def hotp(**more: Any) -> Hotp:
    return Hotp("Example", of=SESSION, **more)


def recovery(**more: Any) -> RecoveryCodes:
    return RecoveryCodes(of=SESSION, **{"cost": 10, **more})


def wrong(app: pyotp.TOTP, now: float) -> str:
    """A code that is not due around `now`."""
    due = {app.at(now + app.interval * step) for step in range(-8, 9)}
    return next(code for number in range(100) if (code := f"{number:0{app.digits}d}") not in due)


def raw(offer: OtpOffer) -> bytes:
    """The bytes of the key."""
    return base64.b32decode(offer.secret + "=" * (-len(offer.secret) % 8))

"""What ceremonies are configured with, once it was checked; and one visit to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias

from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Always, Fact
from zerotrust.core.policy import Policy
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question
from zerotrust.factors.account import Account
from zerotrust.factors.proof import Method
from zerotrust.sessions.cookie import HostCookie
from zerotrust.sessions.device import DeviceCookie
from zerotrust.verifiers.factor import FactorVerifier
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.web.ceremonies.reading import Posted
from zerotrust.web.ceremonies.view import OfferView
from zerotrust.web.continuing import Headers
from zerotrust.wire.json import JsonValue

PATHS: Final[dict[Method, str]] = {"passkey": "passkey", "totp": "totp", "hotp": "hotp", "recovery_code": "recovery"}
"""The part of the paths that each method has."""

Person: TypeAlias = Callable[[Account], str]
"""Says what a person calls an account."""


@dataclass(frozen=True, slots=True)
class SignedIn(Question[SessionEvidence]):
    """Is somebody there at all?"""

    expression: ClassVar[str] = "True"

    def facts(self) -> Fact:
        """Nothing: it is there."""
        return Always(True)

    def __str__(self) -> str:
        return "signed_in"


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What ceremonies are configured with.

    Attributes:
        session: what remembers proofs.
        factors: by their part of the paths, in the order in which they are shown.
        signed_in: the policy that somebody is there.
        first: what whoever has nothing enrolled must show to begin, and to be there.
        manage: what everybody else must show to change anything, and to be there.
        guarded: the same of whoever has a passkey.
        at: where all is mounted, without a slash at its end.
        name: of the application.
        sign_in: the path of the application's own page for signing in; empty if there is none.
        origins: of pages that may post besides those of the host itself.
        person: says what a person calls an account.
        cookie: names the browser for the length of a ceremony.
        devices: tells browsers in which somebody has proven a factor before; None where no codes are typed.
    """

    session: Session
    factors: dict[str, FactorVerifier]
    signed_in: Policy
    first: Policy
    manage: Policy
    guarded: Policy
    at: str
    name: str
    sign_in: str
    origins: frozenset[str]
    person: Person
    cookie: HostCookie
    devices: DeviceCookie | None

    def __iter__(self) -> Iterator[FactorVerifier]:
        return iter(self.factors.values())


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to the ceremonies.

    Attributes:
        setup: how they are configured.
        request: what came in.
        at: where all is mounted, as browsers see it and as it may stand in a URL.
        path: below that, without a slash in front, e.g. `totp/verify`.
        posted: what came with it; nothing if it only reads.
        renewals: headers that keep the session going as it was read, or that end it, whatever else is answered; a
            cookie that the answer sets anew counts more.
        people: who was found to be there, the latest last, for the log.
    """

    setup: Setup
    request: AccessRequest
    at: str
    path: str
    posted: Posted
    renewals: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]], repr=False, compare=False)
    people: list[Account] = field(default_factory=list[Account], repr=False, compare=False)

    @property
    def now(self) -> float:
        """The moment of the request, POSIX seconds."""
        return self.request.now


@dataclass(frozen=True, slots=True)
class Known:
    """Who is there.

    Attributes:
        account: whose factors and sessions these are.
        evidence: what the session proves.
        about: what the session is `of`; None if it stands for itself.
    """

    account: Account
    evidence: SessionEvidence
    about: Evidence | None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a ceremony that went well.

    Attributes:
        members: of the JSON answer. The page shows what it needs of them by `offer` and `codes`.
        status: of that answer.
        headers: more of them, cookies say.
        said: what was done, as the page knows it; empty if nothing.
        offer: what the page shows to be enrolled.
        codes: what the page shows this once.
    """

    members: dict[str, JsonValue]
    status: int = 200
    headers: Headers = ()
    said: str = ""
    offer: OfferView | None = None
    codes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Done {self.status} {self.said}>"  # the members may hold secrets


@dataclass(frozen=True, slots=True)
class Refused:
    """A policy that has to be met before is not."""

    decision: Challenge | Deny


Outcome: TypeAlias = Done | Refused | Reason
"""What came of a ceremony."""

"""A browser for tests: it keeps the cookies that it is sent, and sends them back as browsers do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zerotrust.core.evidence import Evidence
from zerotrust.core.moments import hours, minutes
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources, run
from zerotrust.factors.account import Account
from zerotrust.factors.proof import Method, Proof
from zerotrust.sessions.keeper import Keeper
from zerotrust.sessions.kept import KeptSessions
from zerotrust.sessions.registry import Begun
from zerotrust.sessions.sealed import SealedSessions
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence

NOW = 1_800_000_000.0
HOST = "shop.example.com"
ADA = Account("shop", "ada")
EVE = Account("shop", "eve")
KEY = bytes(range(32))
IDLE, LONGEST = minutes(30).total_seconds(), hours(12).total_seconds()

KEEPERS: dict[str, Keeper] = {"kept": KeptSessions(), "sealed": SealedSessions(KEY)}


class Browser:
    """Keeps cookies; `HttpOnly`, paths and expiry it leaves to real ones."""

    def __init__(self, cookies: dict[str, str] | None = None) -> None:
        self.cookies = dict(cookies or {})

    def copy(self) -> Browser:
        """Another one with the same cookies: what a thief has."""
        return Browser(self.cookies)

    def take(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep what a response sets."""
        for name, value in headers:
            assert name == b"set-cookie"
            pair, *attributes = value.decode("ascii").split("; ")
            key, _, text = pair.partition("=")
            if "Max-Age=0" in attributes:
                self.cookies.pop(key, None)
            else:
                self.cookies[key] = text

    def request(
        self,
        now: float = NOW,
        *,
        method: str = "GET",
        headers: Iterable[tuple[str, str]] = (),
        host: str = HOST,
        scheme: str = "https",
    ) -> AccessRequest:
        """What it sends."""
        sent = [(name.encode(), value.encode()) for name, value in headers]
        if self.cookies:
            line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            sent.append((b"cookie", line.encode("ascii")))
        return AccessRequest(now=now, method=method, host=host, scheme=scheme, headers=sent)

    @property
    def cookie(self) -> str:
        """What its one cookie holds."""
        (value,) = self.cookies.values()
        return value


class Shop:
    """An application that signs people in itself, and a store."""

    def __init__(self, session: Session | None = None, store: MemoryStore | None = None) -> None:
        self.session = session or Session(source="shop")
        self.store = store or MemoryStore()
        self.sources = Sources(self.store)

    def sign_in(
        self, browser: Browser, account: Account = ADA, now: float = NOW, proofs: Iterable[Proof] = ()
    ) -> Begun:
        """Begin a session in `browser`."""
        begun = run(self.session.beginning(account, browser.request(now), proofs=tuple(proofs)), self.sources)
        browser.take(begun.headers)
        return begun

    def prove(self, browser: Browser, proof: Proof, account: Account = ADA, about: Evidence | None = None) -> object:
        """Prove a factor in `browser`: what came of it, as the response has reached it."""
        request = browser.request(proof.at)
        begun = run(self.session.adding(request, Proving(account, proof), about), self.sources)
        if isinstance(begun, Begun):
            browser.take(begun.headers)
        return begun

    def find(self, browser: Browser, now: float = NOW) -> SessionEvidence | str:
        """What the session verifier finds: the evidence, or the code of the reason why there is none."""
        return found(self.session, browser.request(now), self.sources)

    def use(self, browser: Browser, now: float = NOW) -> SessionEvidence | str:
        """The same, with the response of whoever is let in."""
        evidence = self.find(browser, now)
        if isinstance(evidence, SessionEvidence):
            browser.take(evidence.renewal)
        return evidence


def found(
    session: Session, request: AccessRequest, sources: Sources, about: Evidence | None = None
) -> SessionEvidence | str:
    """What `session` finds, gathered as the engine does it."""
    finding = session.find(request) if about is None else session.find_about(request, about)
    if not hasattr(finding, "reason") and not hasattr(finding, "evidence"):
        finding = run(finding, sources)
    evidence = finding.evidence  # type: ignore[union-attr]
    return finding.reason.code if evidence is None else evidence  # type: ignore[union-attr]


def proof(method: Method = "totp", at: float = NOW, by: str = "1", **facts: Any) -> Proof:
    """One factor, proven."""
    return Proof(method, at, by, "example.com" if method == "passkey" else "", **facts)

"""The issuer, the clients, and what goes wrong: given to every door alike, whichever process it runs in."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar, cast

from examples.doors.ledger import Invoice, Ledger, demo
from examples.doors.policies import payout_token, token
from examples.doors.setting import Setting
from tests.bodies import Read, Reader, Says, says
from zerotrust import AccessRequest, Denied, Finding, Policy, Sources, Verified, Verifier
from zerotrust.core.ask import Ask, ConsumeOnce, Document, Fetch, Gather, SourceFailed, ask
from zerotrust.core.finding import Absent, Rejected, Unavailable
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.core.remedy import Action
from zerotrust.stores.memory import MemoryStore
from zerotrust.web.ambient import current_access

T = TypeVar("T")

NOW = 1_800_000_000.0
NONCES = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"  # the octets 0 to 31
DETAIL = "a-detail-that-nobody-may-read"
LIMIT = 64  # bytes of a body that a policy reads


class Trouble(Exception):
    """What no part of the library expects."""


@dataclass(frozen=True, slots=True, repr=False)
class Special(Verifier[Read]):
    """Raises, or asks a store that raises, once the token is good."""

    kind: str
    name: str = field(default="special", init=False)
    of: Verifier[Any] = field(default=token, init=False)
    cost: ClassVar[int] = 1000

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        return (ConsumeOnce,) if self.kind == "store" else ()

    def find(self, request: AccessRequest) -> Gather[Finding[Read]]:
        if self.kind == "verifier":
            raise Trouble(DETAIL)
        yield from ask(ConsumeOnce("trouble", b"key", request.now + 60, request.now))
        return Verified(Read("", "alice", request.now, float("inf")))

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        return Action.RETRY if isinstance(finding, Unavailable) else None

    def blank(self, now: float) -> Read:
        return Read("", "", now, float("inf"))


def _raising(evidence: object) -> bool:
    raise Trouble(DETAIL)


TROUBLED = token.that(_raising, "a predicate")

PAGES: dict[str, Policy] = {
    "/trouble/verifier": Leaf(Special("verifier"), Says(b"")),
    "/trouble/predicate": TROUBLED,
    "/trouble/forbidding": token.valid & ~TROUBLED,
    "/trouble/store": Leaf(Special("store"), Says(b"")),
    "/body": says(b"yes", Reader(token, LIMIT)),
    **dict.fromkeys(
        ("/raises/error", "/raises/denied", "/raises/again", "/raises/group", "/raises/hidden", "/raises/because",
         "/raises/predicate", "/raises/verifier"),
        token.scope("read"),
    ),
    "/raises/late": payout_token.scope("payout"),
}  # fmt: skip


class Books(Ledger):
    """A ledger some of whose pages raise, once the caller is let in."""

    def page(self, path: str) -> str:
        match path.split("/")[1:]:
            case ["raises", kind]:
                self._raise(kind)
        return super().page(path)

    def _raise(self, kind: str) -> None:
        access = current_access()
        assert access is not None, "a guard stands before this"
        checked = {"predicate": TROUBLED, "verifier": PAGES["/trouble/verifier"]}.get(kind, token.scope("never"))
        if kind in ("error", "late"):
            raise Trouble(DETAIL)
        if kind in ("denied", "predicate", "verifier", "hidden"):
            access.check(checked, hidden=kind == "hidden")
        try:
            access.check(checked)
        except Denied as denied:
            if kind == "again":
                raise Denied(denied.decision) from None
            if kind == "group":
                raise ExceptionGroup(DETAIL, [denied]) from None
            raise Trouble(DETAIL) from denied


class Store:
    """A store that keeps what it is given, and raises for what it is told to."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = MemoryStore.answers
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self) -> None:
        self._store = MemoryStore()

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        if isinstance(ask, ConsumeOnce) and ask.space == "trouble":
            raise Trouble(DETAIL)
        return self._store.answer(ask, timeout)


class Documents:
    """What issuers have published."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, published: dict[str, Any]) -> None:
        self._published = {url: json.dumps(document).encode() for url, document in published.items()}

    def answer(self, ask: Ask[T], timeout: float) -> T:
        assert isinstance(ask, Fetch)
        if ask.url not in self._published:
            raise SourceFailed(SOURCE_DOWN())
        return cast("T", Document(ask.url, self._published[ask.url], ask.now))


class Recorder:
    """Records nothing, and raises where the request says so: an audit sink that fails decides nothing."""

    def record(self, decision: object, request: AccessRequest, **more: object) -> None:
        if request.header("x-trouble") == "recorder":
            raise Trouble(DETAIL)


@dataclass
class Tampered(Invoice):
    """An invoice whose owner cannot be read."""

    def __getattribute__(self, name: str) -> Any:
        if name == "owner":
            raise Trouble(DETAIL)
        return super().__getattribute__(name)


def setting(published: dict[str, Any]) -> Setting:
    """What every door is made with, in whichever process."""
    shown = demo()
    books = Books(shown.payments.values(), shown.invoices.values())
    books.invoices["i-13"] = Tampered("i-13", "", 1)
    clock: Callable[[], float] = lambda: NOW  # noqa: E731
    return Setting(Sources(Documents(published), Store()), clock, books, Recorder(), PAGES)

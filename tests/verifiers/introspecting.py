"""What the tests of introspection share: an authorization server that is told what to answer, and counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeVar

from tests.verifiers.tokens import METADATA, NOW, OMIT, URL, compact_json
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Document, Fetch, Lookup, Post, Put, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.driver import Sources
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.client_authentication import ClientSecret
from zerotrust.verifiers.introspection import Introspection

T = TypeVar("T")

ENDPOINT = f"{URL}/introspect"
SECRET = "s3cr3t-of-the-application"
CLIENT = ClientSecret("payments-api", SECRET)
TOKEN = "2YotnFZFEjr1zCsicMWpAA"


def answered(**changes: object) -> dict[str, object]:
    """The answer about a good token, each member changed as told or left out with OMIT."""
    good = {
        "active": True, "iss": URL, "sub": "ada", "aud": "payments", "client_id": "web", "scope": "pay read",
        "token_type": "Bearer", "username": "ada@example.com", "jti": "1", "iat": NOW, "exp": NOW + 300,
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not OMIT}


def introspection(issuer: Any = URL, /, **options: Any) -> Introspection:
    return Introspection(issuer, **{"audience": "payments", "client": CLIENT, "endpoint": ENDPOINT, **options})


Said = bytes | dict[str, object] | SourceFailed


class Server:
    """Answers posts with `says`, whatever is asked, or by token; counts them. Fetches find the metadata."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch, Post)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, says: Said | Callable[[str], Said] | None = None, **metadata: object) -> None:
        self.says: Said | Callable[[str], Said] = answered() if says is None else says
        self.metadata: dict[str, object] = {"issuer": URL, "introspection_endpoint": ENDPOINT, **metadata}
        self.asked: list[Post] = []
        self.fetched: list[str] = []
        self.kept = MemoryStore()

    def fail(self) -> None:
        self.says = SourceFailed(SOURCE_DOWN(), 7.0)

    def answer(self, ask: Ask[T], timeout: float) -> T:
        if isinstance(ask, Fetch):
            self.fetched.append(ask.url)
            assert ask.url == METADATA, ask.url
            return Document(ask.url, compact_json(self.metadata), NOW - 60)  # type: ignore[return-value]
        assert isinstance(ask, Post)
        self.asked.append(ask)
        said = self.says(dict(ask.form)["token"]) if callable(self.says) else self.says
        if isinstance(said, SourceFailed):
            raise said
        body = said if isinstance(said, bytes) else compact_json(said)
        return Document(ask.url, body, ask.now)  # type: ignore[return-value]

    @property
    def sources(self) -> Sources:
        return Sources(self)

    @property
    def with_store(self) -> Sources:
        """With a store beside it."""
        return Sources(self, _Store(self.kept))

    @property
    def count(self) -> int:
        return len(self.asked)


class _Store:
    """What of a memory store these tests need, so that it does not answer for more."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce, Lookup, Put, Advance)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def answer(self, ask: Ask[T], timeout: float) -> Any:
        return self._store.answer(ask, timeout)

"""What the tests of this folder ask, and where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeVar

import pytest

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import Kind, Reason
from zerotrust.stores.bridge import Bridge
from zerotrust.stores.notices import Notice, Subscription
from zerotrust.stores.postgres import AsyncPostgresStore, PostgresStore

T = TypeVar("T")

Style = Literal["blocking", "async"]

NOW = 1_700_000_000.0
SECOND = timedelta(seconds=1)
PATIENCE = 20.0


class Asked(Protocol):
    def answer(self, ask: Ask[T], timeout: float) -> T: ...

    def subscribe(self, kind: str) -> Subscription: ...


@dataclass(frozen=True)
class Place:
    """A schema on a server; it can be sent to another process."""

    url: str
    superuser: str
    schema: str

    def migrate(self) -> tuple[int, int]:
        with self.blocking() as store:
            return store.migrate()

    def blocking(self, url: str = "", **options: Any) -> PostgresStore:
        return PostgresStore(url or self.url, schema=self.schema, **{"timeout": 5 * SECOND, **options})

    def asynchronous(self, url: str = "", **options: Any) -> AsyncPostgresStore:
        return AsyncPostgresStore(url or self.url, schema=self.schema, **{"timeout": 5 * SECOND, **options})

    @contextmanager
    def opened(self, style: Style, url: str = "", **options: Any) -> Iterator[Asked]:
        """A store of either style to ask in blocking code."""
        with ExitStack() as stack:
            if style == "blocking":
                yield stack.enter_context(self.blocking(url, **options))
            else:
                yield stack.enter_context(Bridge(self.asynchronous(url, **options)))


def mark(key: bytes = b"k", *, now: float = NOW, life: float = 600.0) -> ConsumeOnce:
    return ConsumeOnce("jti", key, now + life, now)


def put(
    value: bytes | None, key: bytes = b"k", *, now: float = NOW, life: float = 600.0, announce: bool = False
) -> Put:
    return Put("session", key, value, now + life, now, announce=announce)


def look(key: bytes = b"k", *, now: float = NOW) -> Lookup:
    return Lookup("session", key, now)


def advance(old: bytes | None, new: bytes, key: bytes = b"k", *, now: float = NOW, life: float = 600.0) -> Advance:
    return Advance("session", key, old, new, now + life, now)


def count(add: int = 1, key: bytes = b"k", *, now: float = NOW, window: float = 80.0) -> Count:
    return Count("tries", key, window, now, add)


def get(store: Asked, ask: Ask[T], timeout: float = PATIENCE) -> T:
    return store.answer(ask, timeout)


def fails(store: Asked, ask: Ask[Any], kind: Kind, timeout: float = PATIENCE) -> Reason:
    """The reason for which `ask` fails, which is of this kind."""
    with pytest.raises(SourceFailed) as failed:
        store.answer(ask, timeout)
    assert failed.value.reason.kind is kind, failed.value.reason
    return failed.value.reason


def heard(subscription: Subscription) -> Notice:
    """The next notice, which has to come."""
    notice = subscription.get(PATIENCE)
    assert notice is not None, "nothing was heard"
    return notice

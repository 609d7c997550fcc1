"""Redis stores of both styles, asked from blocking code and in few words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Literal, TypeAlias

import pytest

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED, Reason
from zerotrust.stores.bridge import Bridge
from zerotrust.stores.redis import AsyncRedisStore, RedisStore

NOW = 2_000_000_000.0
LATER = NOW + 300

Style: TypeAlias = Literal["blocking", "async"]
Asked: TypeAlias = "RedisStore | Bridge"

STYLES: tuple[Style, ...] = ("blocking", "async")
both = pytest.mark.parametrize("style", STYLES)

PATIENT = timedelta(seconds=10)
"""Where a machine that is busy must not make a test fail."""


@contextmanager
def opened(style: Style, url: str, **options: Any) -> Iterator[Asked]:
    """A store of this style; the async one behind a bridge."""
    options.setdefault("timeout", PATIENT)
    if style == "blocking":
        with RedisStore(url, **options) as store:
            yield store
    else:
        with Bridge(AsyncRedisStore(url, **options)) as bridge:
            yield bridge


def ask(store: Asked, question: Ask[Any]) -> Any:
    return store.answer(question, 30.0)


def once(store: Asked, key: bytes = b"k", *, until: float = LATER, now: float = NOW) -> Any:
    return ask(store, ConsumeOnce("jti", key, until, now))


def put(store: Asked, value: bytes | None, key: bytes = b"k", *, announce: bool = False) -> None:
    ask(store, Put("session", key, value, LATER, NOW, announce=announce))


def look(store: Asked, key: bytes = b"k") -> Any:
    return ask(store, Lookup("session", key, NOW))


def tally(store: Asked, add: int = 1, key: bytes = b"k") -> Any:
    return ask(store, Count("tries", key, 80.0, NOW, add))


def every() -> tuple[Ask[Any], ...]:
    """An ask of each kind, and of each way in which it is put."""
    return (
        ConsumeOnce("jti", b"every", LATER, NOW),
        Put("session", b"every", b"value", LATER, NOW),
        Put("session", b"every", b"value", LATER, NOW, announce=True),
        Lookup("session", b"every", NOW),
        Advance("session", b"every", b"value", b"other", LATER, NOW),
        Put("session", b"every", None, LATER, NOW),
        Count("tries", b"every", 80.0, NOW),
    )


def trouble(store: Asked, question: Ask[Any] | None = None) -> Reason:
    """Why it fails."""
    with pytest.raises(SourceFailed) as caught:
        ask(store, question or ConsumeOnce("jti", b"trouble", LATER, NOW))
    return caught.value.reason


def refusal(store: Asked, question: Ask[Any] | None = None) -> str:
    """Why it is refused."""
    reason = trouble(store, question)
    assert reason.kind is SOURCE_REFUSED, reason
    return reason.detail

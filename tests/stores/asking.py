"""Asks put to a memory store, in few words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stores.fetching import NOW
from zerotrust.core.ask import Advance, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore

KEYS = StoreKeys(encrypt=[bytes(range(101, 133))])


def once(
    store: MemoryStore, key: bytes = b"k", *, space: str = "jti", until: float = NOW + 300, now: float = NOW
) -> Any:
    return store.answer(ConsumeOnce(space, key, until, now), 1.0)


def advance(
    store: MemoryStore, old: bytes | None, new: bytes, *, key: bytes = b"k", until: float = NOW + 300, now: float = NOW
) -> Any:
    return store.answer(Advance("step", key, old, new, until, now), 1.0)


def look(
    store: MemoryStore, *, kind: str = "step", key: bytes = b"k", now: float = NOW, secret: bool = False
) -> bytes | None:
    value = store.answer(Lookup(kind, key, now, secret), 1.0)
    assert value is None or isinstance(value, bytes)
    return value


def put(
    store: MemoryStore,
    value: bytes | None,
    *,
    key: bytes = b"k",
    until: float = NOW + 300,
    now: float = NOW,
    secret: bool = False,
) -> None:
    assert store.answer(Put("step", key, value, until, now, secret=secret), 1.0) is None


def count(store: MemoryStore, add: int = 1, *, key: bytes = b"k", window: float = 80.0, now: float = NOW) -> Any:
    return store.answer(Count("tries", key, window, now, add), 1.0)


def refused(call: Callable[..., object], *given: Any, **settings: Any) -> str:
    """Why the call is refused."""
    with pytest.raises(SourceFailed) as caught:
        call(*given, **settings)
    assert caught.value.reason.kind is SOURCE_REFUSED
    return caught.value.reason.detail

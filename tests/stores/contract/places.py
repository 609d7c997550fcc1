"""Where the stores of this folder keep things: real servers, files and memory, each with both of its stores."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal

from tests.servers import postgres, redis
from zerotrust.stores.async_memory import AsyncMemoryStore
from zerotrust.stores.bench import Checkable
from zerotrust.stores.bridge import Bridge
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.open import open_async_store, open_store
from zerotrust.stores.store import AsyncStore

Kind = Literal["memory", "sqlite", "redis", "postgres"]
Style = Literal["blocking", "async"]

KINDS: tuple[Kind, ...] = ("memory", "sqlite", "redis", "postgres")
SHARED: tuple[Kind, ...] = ("sqlite", "redis", "postgres")
"""Those that several processes can use at the same time."""
STYLES: tuple[Style, ...] = ("blocking", "async")

KEYS = StoreKeys(encrypt=[bytes(range(32))], index=bytes(range(100, 132)))
# A busy machine is slow at times; how a store keeps its time is tested elsewhere.
TIMEOUT = timedelta(seconds=10)
PATIENCE = 10.0


class Place:
    """A server, a file or a dictionary, and the stores that keep things there.

    Attributes:
        kind: what it is.
        url: what `open_store` takes; the memory of one process has no other.
        latest: the greatest `now` that examples of the model were asked with; with less they may be refused. It begins
            years ago, since a server forgets nothing that has not expired by its own clock, too.
    """

    def __init__(self, kind: Kind, url: str) -> None:
        self.kind = kind
        self.url = url
        self.latest = time.time() - 10 * 365 * 86400.0
        self._memories: dict[str, MemoryStore] = {}

    @contextmanager
    def open(self, style: Style, *, namespace: str = "contract", keys: StoreKeys | None = KEYS) -> Iterator[Checkable]:
        """One more store of this place, as another process might have it, asked from blocking code in any case."""
        if style == "async":
            with Bridge(self.open_async(namespace=namespace, keys=keys)) as bridge:
                yield bridge
        elif self.kind == "memory":
            yield self._memory(namespace, keys)
        else:
            with open_store(self.url, namespace=namespace, keys=keys, timeout=TIMEOUT) as store:
                yield store

    def open_async(self, *, namespace: str = "contract", keys: StoreKeys | None = KEYS) -> AsyncStore:
        """One more async store, to be asked in a running loop."""
        if self.kind == "memory":
            return AsyncMemoryStore(self._memory(namespace, keys))
        return open_async_store(self.url, namespace=namespace, keys=keys, timeout=TIMEOUT)

    def _memory(self, namespace: str, keys: StoreKeys | None) -> MemoryStore:
        return self._memories.setdefault(namespace, MemoryStore(namespace=namespace, keys=keys))


@contextmanager
def place(kind: Kind) -> Iterator[Place]:
    """A fresh place; skips with the reason where its server is missing."""
    with ExitStack() as stack:
        if kind == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            url = f"sqlite://{Path(folder) / 'store.db'}"
        elif kind == "redis":
            redis.need()
            url = stack.enter_context(redis.redis_server()).url
        elif kind == "postgres":
            postgres.need()
            url = stack.enter_context(postgres.postgres_server()).url
            with open_store(url, timeout=TIMEOUT) as store:
                assert store.migrate()[1] > 0
        else:
            url = "memory:"
        yield Place(kind, url)

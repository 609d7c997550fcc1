"""A server, a proxy in front of it, and stores that reach it either way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.servers.proxy import Proxy
from tests.stores.faults.world import LONG, Asker, Kind, Style, build, opened


@dataclass(frozen=True)
class Remote:
    """One kind and style of store, and a server for it.

    Attributes:
        server: the server itself.
        proxy: what stands in front of it.
        namespace: for the stores of this test.
    """

    kind: Kind
    style: Style
    server: Any
    proxy: Proxy
    namespace: str

    @property
    def url(self) -> str:
        """Where the proxy is, as the store is told."""
        return str(self.server.url).replace(f":{self.server.port}/", f":{self.proxy.port}/")

    def through(self, timeout: float = LONG) -> AbstractContextManager[Asker]:
        """A store that reaches the server through the proxy; what the proxy holds up is waited for less long."""
        in_vain = partial(getattr, self.proxy, "holding")
        return opened(self.kind, self.style, self.url, timeout, in_vain, namespace=self.namespace)

    @contextmanager
    def direct(self) -> Iterator[Asker]:
        """A store that nothing stands in the way of, with time enough."""
        with opened(self.kind, "blocking", self.server.url, LONG, namespace=self.namespace) as asker:
            yield asker


def migrate(url: str) -> None:
    """Bring a PostgreSQL database up to date."""
    with build("postgres", "blocking", url, 10.0) as store:
        store.migrate()

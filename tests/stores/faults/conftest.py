"""Servers that outlive a test, and a proxy in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.servers import postgres as postgres_servers
from tests.servers import redis as redis_servers
from tests.servers.proxy import Proxy
from tests.stores.faults.remote import Remote, migrate
from tests.stores.faults.world import STYLES

_NUMBERS = count()


@pytest.fixture
def namespace() -> str:
    """One that no other test has, on servers that they share."""
    return f"faults{next(_NUMBERS)}"


@pytest.fixture(scope="session")
def redis() -> Iterator[redis_servers.RedisServer]:
    redis_servers.need()
    with redis_servers.redis_server("--enable-debug-command", "yes") as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_servers.PostgresServer]:
    with postgres_servers.postgres_server() as server:
        migrate(server.url)
        yield server


REMOTES = [(kind, style) for kind in ("redis", "postgres") for style in STYLES]


@pytest.fixture(params=REMOTES, ids="-".join)
def remote(request: pytest.FixtureRequest, namespace: str) -> Iterator[Remote]:
    """A server behind a proxy, for each kind of store and each style."""
    kind, style = request.param
    server: Any = request.getfixturevalue(kind)
    with Proxy(server.port) as proxy:
        yield Remote(kind, style, server, proxy, namespace)


@pytest.fixture(params=["redis", "postgres"])
def async_remote(request: pytest.FixtureRequest, namespace: str) -> Iterator[Remote]:
    """The same for async stores alone."""
    server: Any = request.getfixturevalue(request.param)
    with Proxy(server.port) as proxy:
        yield Remote(request.param, "async", server, proxy, namespace)

"""Fixtures of this folder: one plain server for each module, and a namespace for each test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.servers import redis
from tests.servers.redis import RedisServer, redis_server

_NUMBERS = count()


@pytest.fixture(scope="module", autouse=True)
def _needed() -> None:
    redis.need()


@pytest.fixture(scope="module")
def server(_needed: None) -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
def namespace() -> str:
    return f"test-{next(_NUMBERS)}"

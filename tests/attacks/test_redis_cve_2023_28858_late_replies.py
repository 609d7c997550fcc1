"""CVE-2023-28858 and CVE-2023-28859: a reply that comes late must not be taken for the answer to another question.

There a cancelled request left its connection in the pool with a reply on the way, and the next user of it was given
what was meant for somebody else. For a store of marks that means: "unused" about a token that was used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from tests.servers import redis
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer, redis_server
from zerotrust.core.ask import Ask, ConsumeOnce, Lookup, Put, SourceFailed
from zerotrust.stores.redis import AsyncRedisStore, RedisStore

NOW = 2_000_000_000.0
LATER = NOW + 300

SHORT = timedelta(seconds=0.15)


def mark(key: bytes) -> Ask[bool]:
    return ConsumeOnce("jti", key, LATER, NOW)


def value(key: bytes) -> Ask[bytes | None]:
    return Lookup("session", key, NOW)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    redis.need()
    with redis_server() as running:
        yield running


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    with Proxy(server.port) as between:
        yield between


@pytest.mark.parametrize("passes", [0, 1, 3])
def test_a_reply_that_was_not_waited_for_is_nobodys_answer(server: RedisServer, proxy: Proxy, passes: int) -> None:
    namespace = f"blocking-{passes}"
    with RedisStore(server.url, namespace=namespace) as direct:
        direct.answer(mark(b"used"), 5)
        direct.answer(Put("session", b"mine", b"of one user", LATER, NOW), 5)
        direct.answer(Put("session", b"yours", b"of another", LATER, NOW), 5)
    with RedisStore(f"redis://127.0.0.1:{proxy.port}", namespace=namespace, timeout=SHORT, connections=1) as store:
        assert store.answer(value(b"mine"), 5) == b"of one user"
        questions: tuple[Ask[Any], ...] = (value(b"mine"), mark(b"unused"))
        for question in questions:
            proxy.stall(replies=passes)
            with pytest.raises(SourceFailed):
                store.answer(question, 5)
            proxy.heal()  # what was held back arrives now
            assert store.answer(mark(b"used"), 5) is False
            assert store.answer(value(b"yours"), 5) == b"of another"
            assert store.answer(value(b"none"), 5) is None


@pytest.mark.parametrize("passes", [0, 1, 3])
@pytest.mark.parametrize("how", ["timeout", "cancelled"])
def test_a_request_that_was_given_up_leaves_nothing_behind(
    server: RedisServer, proxy: Proxy, passes: int, how: str
) -> None:
    namespace = f"async-{how}-{passes}"
    timeout = SHORT if how == "timeout" else timedelta(seconds=30)

    async def scene() -> None:
        async with AsyncRedisStore(server.url, namespace=namespace) as direct:
            await asked(direct, mark(b"used"))
            await asked(direct, Put("session", b"mine", b"of one user", LATER, NOW))
            await asked(direct, Put("session", b"yours", b"of another", LATER, NOW))
        url = f"redis://127.0.0.1:{proxy.port}"
        async with AsyncRedisStore(url, namespace=namespace, timeout=timeout, connections=1) as store:
            assert await asked(store, value(b"mine")) == b"of one user"
            for question in (value(b"mine"), mark(b"unused")):
                await asyncio.to_thread(proxy.stall, replies=passes)
                given_up = asyncio.create_task(asked(store, question))
                if how == "cancelled":
                    await asyncio.to_thread(proxy.wait, lambda: proxy.replies.held > 0, "the reply is on its way")
                    given_up.cancel()
                with suppress(asyncio.CancelledError, SourceFailed):
                    raise AssertionError(await given_up)
                await asyncio.to_thread(proxy.heal)
                assert await asked(store, mark(b"used")) is False
                assert await asked(store, value(b"yours")) == b"of another"
                assert await asked(store, value(b"none")) is None

    async def asked(store: AsyncRedisStore, question: Ask[Any]) -> object:
        return await store.answer(question, 60.0)

    asyncio.run(scene())

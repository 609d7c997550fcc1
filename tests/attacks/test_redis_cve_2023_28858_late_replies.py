"""CVE-2023-28858 and CVE-2023-28859: a reply that comes late must not be taken for the answer to another question.

There a cancelled request left its connection in the pool with a reply on the way, and the next user of it was given
what was meant for somebody else. For a store of marks that means: "unused" about a token that was used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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

SHORT = 0.15


def mark(key: bytes) -> Ask[bool]:
    return ConsumeOnce("jti", key, LATER, NOW)


def value(key: bytes) -> Ask[bytes | None]:
    return Lookup("session", key, NOW)


def until_more_is_asked(proxy: Proxy, before: int) -> None:
    proxy.wait(lambda: proxy.requests.seen > before, "the next question is asked")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    redis.need()
    with redis_server() as running:
        yield running


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    with Proxy(server.port) as between:
        yield between


@pytest.mark.parametrize("when", ["before", "during"])
@pytest.mark.parametrize("passes", [0, 1, 3])
def test_a_reply_that_was_not_waited_for_is_nobodys_answer(
    server: RedisServer, proxy: Proxy, passes: int, when: str
) -> None:
    namespace = f"blocking-{when}-{passes}"
    with RedisStore(server.url, namespace=namespace) as direct:
        direct.answer(mark(b"used"), 5)
        direct.answer(Put("session", b"mine", b"of one user", LATER, NOW), 5)
        direct.answer(Put("session", b"yours", b"of another", LATER, NOW), 5)
    url = f"redis://127.0.0.1:{proxy.port}"
    with (
        RedisStore(url, namespace=namespace, timeout=timedelta(seconds=10), connections=1) as store,
        ThreadPoolExecutor(1) as another,
    ):
        assert store.answer(value(b"mine"), 5) == b"of one user"
        questions: tuple[Ask[Any], ...] = (value(b"mine"), mark(b"unused"))
        for question in questions:
            proxy.stall(replies=passes)
            with pytest.raises(SourceFailed):
                store.answer(question, SHORT)
            if when == "before":
                proxy.heal()  # what was held back arrives before the next question is asked
            asked = proxy.requests.seen
            next_one = another.submit(store.answer, mark(b"used"), 10)
            until_more_is_asked(proxy, asked)
            proxy.heal()  # or now, when somebody waits for an answer
            assert next_one.result() is False
            assert store.answer(value(b"yours"), 5) == b"of another"
            assert store.answer(value(b"none"), 5) is None


@pytest.mark.parametrize("passes", [0, 1, 3])
@pytest.mark.parametrize("how", ["timeout", "cancelled"])
def test_a_request_that_was_given_up_leaves_nothing_behind(
    server: RedisServer, proxy: Proxy, passes: int, how: str
) -> None:
    namespace = f"async-{how}-{passes}"

    async def scene() -> None:
        async with AsyncRedisStore(server.url, namespace=namespace) as direct:
            await asked(direct, mark(b"used"))
            await asked(direct, Put("session", b"mine", b"of one user", LATER, NOW))
            await asked(direct, Put("session", b"yours", b"of another", LATER, NOW))
        url = f"redis://127.0.0.1:{proxy.port}"
        async with AsyncRedisStore(url, namespace=namespace, timeout=timedelta(seconds=30), connections=1) as store:
            assert await asked(store, value(b"mine")) == b"of one user"
            for question in (value(b"mine"), mark(b"unused")):
                await asyncio.to_thread(proxy.stall, replies=passes)
                given_up = asyncio.create_task(asked(store, question, SHORT if how == "timeout" else 30.0))
                if how == "cancelled":
                    await asyncio.to_thread(proxy.wait, lambda: proxy.replies.held > 0, "the reply is on its way")
                    given_up.cancel()
                with suppress(asyncio.CancelledError, SourceFailed):
                    raise AssertionError(await given_up)
                before = proxy.requests.seen
                next_one = asyncio.create_task(asked(store, mark(b"used")))
                await asyncio.to_thread(until_more_is_asked, proxy, before)
                await asyncio.to_thread(proxy.heal)
                assert await next_one is False
                assert await asked(store, value(b"yours")) == b"of another"
                assert await asked(store, value(b"none")) is None

    async def asked(store: AsyncRedisStore, question: Ask[Any], within: float = 30.0) -> object:
        return await store.answer(question, within)

    asyncio.run(scene())

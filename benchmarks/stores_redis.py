"""A mark in Redis: ours against one plain `SET NX EX` of redis-py, blocking and asyncio, on a private server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from benchmarks.harness import Goal, Group, Rows, total, wall
from benchmarks.marks import (
    IN_FLIGHT,
    PATIENCE,
    all_won,
    bare,
    consume,
    consuming,
    consuming_async,
    digests,
    fresh,
    mark,
)
from benchmarks.sites import missing, site

OURS: Final = "RedisStore, fresh mark"
OURS_ASYNC: Final = "AsyncRedisStore, fresh mark"
BARE: Final = 'client.set(key, b"", nx=True, ex=60)'
LIMIT: Final = 1.15
ASKS: Final = 1000
_ABOUT: Final = "wall clock; floor: one plain SET NX EX of redis-py"


def blocking() -> Group:
    """One connection, one ask after another."""
    goals = [Goal("P18", "mark in Redis, x plain redis-py", LIMIT, total(OURS))]
    if absent := missing("redis"):
        return Group("marks in Redis", _ABOUT, [], [*goals, _round_trips(None), _commands(None)], [absent])
    with ExitStack() as stack:
        import redis

        from zerotrust.stores.redis import RedisStore

        url = stack.enter_context(site("redis")).url
        client = stack.enter_context(redis.Redis.from_url(url))
        store = stack.enter_context(RedisStore(url))

        def plain(number: int) -> float:
            keys = digests(number)
            won = 0
            began = wall()
            for key in keys:
                won += client.set(key, b"", nx=True, ex=60) is True
            return all_won(BARE, wall() - began, won, number)

        seen = traffic(client, lambda key: store.answer(mark(key), PATIENCE))
        cases = [bare(BARE, plain), consuming(OURS, store.answer)]
        goals += [_round_trips(seen), _commands(seen)]
        notes = [f"{ASKS} asks were {seen.pop('reads')} reads of the server and these commands: {seen}"]
        return Group("marks in Redis", _ABOUT, cases, goals, notes, stack.pop_all().close)


def concurrent() -> Group:
    """One event loop, many asks under way at a time."""
    about = f"{_ABOUT}, asyncio, {IN_FLIGHT} under way"
    goals = [Goal("P18", "mark in Redis, asyncio, x plain redis.asyncio", LIMIT, total(OURS_ASYNC))]
    if absent := missing("redis"):
        return Group("marks in Redis, asyncio", about, [], goals, [absent])
    with ExitStack() as stack:
        from redis.asyncio import Redis

        from zerotrust.stores.redis import AsyncRedisStore

        url = stack.enter_context(site("redis")).url
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        client = Redis.from_url(url)
        stack.callback(lambda: loop.run_until_complete(client.aclose()))
        store = AsyncRedisStore(url)
        stack.callback(lambda: loop.run_until_complete(store.aclose()))

        async def plain(key: bytes) -> bool:
            return await client.set(key, b"", nx=True, ex=60) is True

        cases = [
            consuming_async(BARE, loop, plain, digests),
            consuming_async(OURS_ASYNC, loop, partial(consume, store)),
        ]
        return Group("marks in Redis, asyncio", about, cases, goals, close=stack.pop_all().close)


def traffic(client: Any, consume: Callable[[bytes], object]) -> dict[str, int]:
    """What `ASKS` asks are to the server: how often it read from a connection, and which commands it carried out.

    A command that is sent in one piece and waited for is one read. INFO's own read is not counted.
    """
    consume(fresh(1)[0])  # connects
    keys = fresh(ASKS)
    before = client.info("everything")
    for key in keys:
        consume(key)
    after = client.info("everything")
    seen = {
        name.removeprefix("cmdstat_"): calls
        for name, figures in after.items()
        if name.startswith("cmdstat_") and (calls := figures["calls"] - before.get(name, {"calls": 0})["calls"])
    }
    seen["info"] -= 1
    return {"reads": after["total_reads_processed"] - before["total_reads_processed"] - 1} | {
        name: calls for name, calls in seen.items() if calls
    }


def _round_trips(seen: dict[str, int] | None) -> Goal:
    return Goal("P18", "round trips of a mark in Redis (server reads)", 1.0, _of(seen, lambda name: name == "reads"))


def _commands(seen: dict[str, int] | None) -> Goal:
    return Goal("P18", "commands of a mark in Redis (INFO commandstats)", 1.0, _of(seen, lambda name: name != "reads"))


def _of(seen: dict[str, int] | None, which: Callable[[str], bool]) -> Callable[[Rows], float]:
    per_ask = None if seen is None else sum(number for name, number in seen.items() if which(name)) / ASKS

    def measured(_: Rows) -> float:
        if per_ask is None:
            raise KeyError("no server, no figures")
        return per_ask

    return measured

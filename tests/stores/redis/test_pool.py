"""Pools: bounded, last used first, and nobody waits for what nobody uses."""

from __future__ import annotations

import asyncio
from threading import Event, Thread
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.servers import PATIENCE
from zerotrust.stores.redis.pool import AsyncPool, Pool


class Kept:
    """A connection that notes when it is dropped."""

    def __init__(self) -> None:
        self.dropped = False

    def drop(self) -> None:
        self.dropped = True


def test_the_connection_used_last_is_used_next() -> None:
    pool: Pool[Kept] = Pool(3)
    assert [pool.take(0.0) for _ in range(3)] == [None] * 3
    first, second = Kept(), Kept()
    pool.give(first)
    pool.give(None)
    pool.give(second)
    assert [pool.take(0.0) for _ in range(3)] == [second, first, None]
    with pytest.raises(TimeoutError):
        pool.take(monotonic() + 0.01)


def test_who_waits_is_woken() -> None:
    pool: Pool[Kept] = Pool(1)
    assert pool.take(0.0) is None
    kept, got, waiting = Kept(), [], Event()

    def wait() -> None:
        waiting.set()
        got.append(pool.take(monotonic() + PATIENCE))

    thread = Thread(target=wait)
    thread.start()
    waiting.wait(PATIENCE)
    pool.give(kept)
    thread.join(PATIENCE)
    assert got == [kept]


def test_connections_in_use_when_a_pool_closes_are_dropped_when_given_back() -> None:
    pool: Pool[Kept] = Pool(2)
    idle, used = Kept(), Kept()
    pool.take(0.0)
    pool.take(0.0)
    pool.give(idle)
    pool.close()
    assert idle.dropped
    assert not used.dropped
    pool.give(used)
    assert used.dropped
    assert [pool.take(0.0), pool.take(0.0)] == [None, None]


def test_a_task_that_gives_up_waiting_passes_its_turn_on() -> None:
    async def scene() -> None:
        pool: AsyncPool[Kept] = AsyncPool(1)
        await pool.take()
        gone = asyncio.ensure_future(pool.take())
        patient = asyncio.ensure_future(pool.take())
        await asyncio.sleep(0)
        kept = Kept()
        pool.give(kept)  # it is the first one's turn,
        gone.cancel()  # which is cancelled before it runs
        assert await asyncio.wait_for(patient, PATIENCE) is kept
        pool.give(kept)
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert await pool.take() is kept

    asyncio.run(scene())


class Room:
    """A pool of two, those who want a connection, and those who have one."""

    def __init__(self) -> None:
        self.pool: AsyncPool[Kept] = AsyncPool(2)
        self.takers: list[asyncio.Task[Kept | None]] = []
        self.held: list[Kept] = []

    async def act(self, what: str) -> None:
        if what == "take":
            self.takers.append(asyncio.create_task(self.pool.take()))
        elif what == "give" and self.held:
            self.pool.give(self.held.pop())
        elif what == "cancel" and self.takers:
            self.takers[0].cancel()
        elif what == "turn":
            await self.settle()
            assert len(self.held) <= 2
            assert len(set(map(id, self.held))) == len(self.held)
            assert len(self.held) == 2 or not self.takers, "somebody waits for what nobody uses"

    async def settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        for taker in [taker for taker in self.takers if taker.done()]:
            self.takers.remove(taker)
            if not taker.cancelled():
                self.held.append(taker.result() or Kept())

    async def leave(self) -> None:
        await self.settle()
        for taker in self.takers:
            taker.cancel()
        await asyncio.gather(*self.takers, return_exceptions=True)
        await self.settle()
        for kept in self.held:
            self.pool.give(kept)
        for _ in range(2):
            await asyncio.wait_for(self.pool.take(), PATIENCE)


@usually(50)
@given(st.lists(st.sampled_from(["take", "give", "cancel", "turn"]), max_size=40))
def test_no_turn_is_lost_and_no_connection_is_had_by_two(acts: list[str]) -> None:
    async def scene() -> None:
        room = Room()
        for act in acts:
            await room.act(act)
        await room.leave()

    asyncio.run(scene())

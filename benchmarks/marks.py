"""Marks that nobody has used yet, and how long it takes to use them: the samplers of every store and of its peer.

Keys are made before the clock starts. A batch in which an asker lost is an error: a store that says no costs less.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Final

from benchmarks.harness import Case, Sampler, wall
from zerotrust.core.ask import Ask, ConsumeOnce
from zerotrust.stores.store import AsyncStore

SPACE: Final = "jti"
NOW: Final = float(int(time.time()))
UNTIL: Final = NOW + 3600.0
PATIENCE: Final = 10.0

IN_FLIGHT: Final = 32
"""How many asks an async batch has under way at a time."""

_numbers = count()
_begin: Final = secrets.token_hex(8)


def fresh(number: int) -> list[bytes]:
    """So many keys that were never used: 32 characters each, as long as a UUID in hexadecimal."""
    return [f"{_begin}{next(_numbers):016x}".encode() for _ in range(number)]


def digests(number: int) -> list[bytes]:
    """So many keys in the form in which a store keeps them, for a client that is asked to keep them as they are."""
    return [secrets.token_bytes(24) for _ in range(number)]


def mark(key: bytes) -> ConsumeOnce:
    """The question that consumes the mark of `key`."""
    return ConsumeOnce(SPACE, key, UNTIL, NOW)


def consuming(
    name: str,
    answer: Callable[[Ask[bool], float], object],
    clock: Callable[[], float] = wall,
    batch: int | None = None,
) -> Case:
    """A case that consumes a fresh mark with `store.answer`; making the question is part of it."""

    def sample(number: int) -> float:
        keys = fresh(number)
        won = 0
        began = clock()
        for key in keys:
            won += answer(ConsumeOnce(SPACE, key, UNTIL, NOW), PATIENCE) is True
        taken = clock() - began
        return all_won(name, taken, won, number)

    return Case(name, lambda: answer(mark(fresh(1)[0]), PATIENCE), sample, right=bool, batch=batch)


async def consume(store: AsyncStore, key: bytes) -> bool:
    """Consume the mark of `key` in an async store."""
    answer: bool | Awaitable[bool] = store.answer(mark(key), PATIENCE)
    assert not isinstance(answer, bool)
    return await answer


def consuming_async(
    name: str,
    loop: asyncio.AbstractEventLoop,
    consume: Callable[[bytes], Awaitable[bool]],
    keys: Keys = fresh,
    at_once: int = IN_FLIGHT,
) -> Case:
    """A case that consumes fresh marks, so many at a time, with whatever `consume` awaits."""

    async def worker(keys: Sequence[bytes]) -> int:
        won = 0
        for key in keys:
            won += await consume(key)
        return won

    async def batch(number: int) -> float:
        made = keys(number)
        shares = [made[first::at_once] for first in range(min(at_once, number))]
        began = wall()
        won = sum(await asyncio.gather(*map(worker, shares)))
        return all_won(name, wall() - began, won, number)

    async def once() -> bool:
        return await consume(keys(1)[0])

    return Case(
        name, lambda: loop.run_until_complete(once()), lambda number: loop.run_until_complete(batch(number)), right=bool
    )


def bare(name: str, sample: Sampler, *, batch: int | None = None) -> Case:
    """A case of a bare client: its sampler has a loop of its own, since a call more in it would flatter us."""
    return Case(name, lambda: sample(1) > 0, sample, right=bool, batch=batch)


def all_won(name: str, taken: float, won: int, number: int) -> float:
    """`taken`, if every one of `number` askers won its mark."""
    if won != number:
        raise AssertionError(f"{name}: only {won} of {number} fresh marks were given out")
    return taken


Keys = Callable[[int], list[bytes]]

"""So many credentials, each sent to all workers at once: the one-time load test by number, however long it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from benchmarks import one_time, one_time_client, sites
from benchmarks.one_time_app import TOKENS
from benchmarks.one_time_client import Tally
from tests.search import share_of

LANES = 2
NUMBER = share_of(150)


def run(store: str, way: str, what: str = TOKENS, number: int = NUMBER) -> Tally:
    """`one_time.run` until `number` are sent: a load for so many seconds is none where the machine has other work."""
    minting, sent = one_time.MINTING[what], 0

    def counting() -> Callable[[], str]:
        mint = minting()

        def counted() -> str:
            nonlocal sent
            sent += 1
            return mint()

        return counted

    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(one_time.MINTING, what, counting)
        patched.setattr(one_time_client, "perf_counter", lambda: float(sent))
        return one_time.run(store, way, number, LANES, what)


@contextmanager
def memory(name: str) -> Iterator[sites.Site]:
    """Where each worker keeps its marks to itself."""
    yield sites.Site(name, "memory:", durable=False, size=lambda: 0)

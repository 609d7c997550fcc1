"""RFC 9449 section 11.1 over four workers and one Redis, under load: each proof goes to all at once, and one takes it.

For a minute, with figures, it is `python -m benchmarks.one_time --store redis --what proofs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks import one_time, sites
from benchmarks.one_time_app import PROOFS
from tests.servers.redis import need

pytestmark = pytest.mark.e2e

SECONDS = 2.0


@pytest.mark.parametrize("way", one_time.WAYS)
def test_each_proof_is_accepted_exactly_once(way: str) -> None:
    need()
    tally = one_time.run("redis", way, SECONDS, what=PROOFS)
    assert tally.errors == 0, one_time.table({("redis", way): tally})
    assert tally.acceptances == {1: tally.sent}
    assert tally.statuses == {200: tally.sent, 401: (one_time.WORKERS - 1) * tally.sent}
    assert tally.sent > 2 * one_time.CLIENTS  # each client has come back
    # Every proof went to several workers, each of which has had to know what the others accepted.
    assert len(tally.reached) == one_time.WORKERS if way == "own ports" else len(tally.reached) > 1
    assert tally.workers.keys() <= tally.reached.keys()
    assert {b'"code":"replayed"' in body for _, body in tally.refusals} == {True}


def test_proofs_that_workers_do_not_tell_each_other_of_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def memory(name: str) -> Iterator[sites.Site]:
        yield sites.Site(name, "memory:", durable=False, size=lambda: 0)

    monkeypatch.setattr(sites, "SITES", {"memory": memory})
    tally = one_time.run("memory", "own ports", 0.5, what=PROOFS)
    assert tally.acceptances == {one_time.WORKERS: tally.sent}
    assert not one_time.good(tally)


def test_proofs_are_new_and_the_clients_come_back() -> None:
    mint = one_time.MINTING[PROOFS]()
    made = [mint() for _ in range(2 * one_time.CLIENTS)]
    assert len(set(made)) == len(made)
    assert len({one.partition("\r\n")[0] for one in made}) == one_time.CLIENTS

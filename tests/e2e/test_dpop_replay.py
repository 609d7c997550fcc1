"""RFC 9449 section 11.1 over four workers and one Redis, under load: each proof goes to all at once, and one takes it.

For a minute, with figures, it is `python -m benchmarks.one_time --store redis --what proofs`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import one_time, sites
from benchmarks.one_time_app import PROOFS
from tests.e2e import at_once
from tests.e2e.forked import Forker
from tests.servers.redis import need

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    started = Forker(one_time.WORKERS)
    yield started
    started.close()


@pytest.fixture(autouse=True)
def forked(forker: Forker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers by their own commands are what test_one_time.py has."""
    monkeypatch.setitem(one_time.WAYS, "own ports", forker.own_ports)
    monkeypatch.setitem(one_time.WAYS, "one port", forker.one_port)


@pytest.mark.parametrize("way", one_time.WAYS)
def test_each_proof_is_accepted_exactly_once(way: str) -> None:
    need()
    tally = at_once.run("redis", way, PROOFS)
    assert tally.errors == 0, one_time.table({("redis", way): tally})
    assert tally.acceptances == {1: tally.sent}
    assert tally.statuses == {200: tally.sent, 401: (one_time.WORKERS - 1) * tally.sent}
    assert tally.sent == at_once.NUMBER > 2 * one_time.CLIENTS  # each client has come back
    # Every proof went to several workers, each of which has had to know what the others accepted.
    assert len(tally.reached) == one_time.WORKERS if way == "own ports" else len(tally.reached) > 1
    assert tally.workers.keys() <= tally.reached.keys()
    assert {b'"code":"replayed"' in body for _, body in tally.refusals} == {True}


def test_proofs_that_workers_do_not_tell_each_other_of_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "SITES", {"memory": at_once.memory})
    tally = at_once.run("memory", "own ports", PROOFS, number=5)
    assert tally.acceptances == {one_time.WORKERS: 5}
    assert not one_time.good(tally)


def test_proofs_are_new_and_the_clients_come_back() -> None:
    mint = one_time.MINTING[PROOFS]()
    made = [mint() for _ in range(2 * one_time.CLIENTS)]
    assert len(set(made)) == len(made)
    assert len({one.partition("\r\n")[0] for one in made}) == one_time.CLIENTS

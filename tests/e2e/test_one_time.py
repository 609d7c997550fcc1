"""Four workers, one store, every token sent to all workers at once: exactly one accepts it. The load test, for seconds.

For a minute, with figures, it is `python -m benchmarks.one_time`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks import one_time, sites
from benchmarks.one_time_client import BROKEN, Tally

pytestmark = pytest.mark.e2e

SECONDS = 2.0


def wanted(store: str) -> None:
    """Skip, or fail where the run requires it, without the server that a store needs."""
    if store == "redis":
        from tests.servers.redis import need

        need()


@pytest.mark.parametrize("way", one_time.WAYS)
@pytest.mark.parametrize("store", ["redis", "sqlite", "sqlite-fast"])
def test_each_token_is_accepted_exactly_once(store: str, way: str) -> None:
    wanted(store)
    tally = one_time.run(store, way, SECONDS)
    assert tally.errors == 0, one_time.table({(store, way): tally})
    assert tally.acceptances == {1: tally.sent}
    assert tally.statuses == {200: tally.sent, 401: (one_time.WORKERS - 1) * tally.sent}
    assert tally.sent > 20
    assert len(tally.reached) > 1
    assert {b'"code":"replayed"' in body for _, body in tally.refusals} == {True}


def test_marks_that_workers_do_not_share_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def memory(name: str) -> Iterator[sites.Site]:
        yield sites.Site(name, "memory:", durable=False, size=lambda: 0)

    monkeypatch.setattr(sites, "SITES", {"memory": memory})
    tally = one_time.run("memory", "own ports", 0.5)
    assert tally.acceptances == {one_time.WORKERS: tally.sent}
    assert not one_time.good(tally)


def test_workers_that_do_not_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="did not start"):
        one_time.run("sqlite", "own ports", 0.5)


ACCEPTED = (200, b'{"worker": 1}')
REFUSED = (401, b"{}")


@pytest.mark.parametrize(
    "answers", [[ACCEPTED, ACCEPTED], [REFUSED, REFUSED], [ACCEPTED, (503, b"{}")], [ACCEPTED, (BROKEN, b"")]]
)
def test_anything_but_one_acceptance_and_refusals_is_a_miss(answers: list[tuple[int, bytes]]) -> None:
    tally = Tally()
    for each in ([ACCEPTED, REFUSED], answers):
        tally.count(each)
    assert not one_time.good(tally)
    assert "MISSED" in one_time.table({("redis", "own ports"): tally})


def test_nothing_sent_is_nothing_shown() -> None:
    assert not one_time.good(Tally())

"""Four workers, one store, every token sent to all workers at once: exactly one accepts it. The load test, in short.

For a minute, with figures, it is `python -m benchmarks.one_time`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from benchmarks import one_time, sites
from benchmarks.one_time_client import BROKEN, Tally
from tests.e2e import at_once
from tests.e2e.forked import Forker

pytestmark = pytest.mark.e2e

# The command itself, once: to start it for each store took most of this file's time, and no two of them differ in it.
COMMAND = ("redis", "one port")


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    started = Forker(one_time.WORKERS)
    yield started
    started.close()


def wanted(store: str) -> None:
    """Skip, or fail where the run requires it, without the server that a store needs."""
    if store == "redis":
        from tests.servers.redis import need

        need()


@pytest.mark.parametrize("way", one_time.WAYS)
@pytest.mark.parametrize("store", ["redis", "sqlite", "sqlite-fast"])
def test_each_token_is_accepted_exactly_once(
    store: str, way: str, forker: Forker, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted(store)
    if (store, way) != COMMAND:
        monkeypatch.setitem(one_time.WAYS, "own ports", forker.own_ports)
        monkeypatch.setitem(one_time.WAYS, "one port", forker.one_port)
    tally = at_once.run(store, way)
    said = one_time.table({(store, way): tally})
    # The command's stores have half a second, which a busy machine may not give them. Then nobody is let in.
    late = tally.statuses[503] if (store, way) == COMMAND else 0
    assert tally.errors == late <= tally.sent // 4, said
    nobody = tally.acceptances[0]
    assert nobody <= late, said
    assert tally.acceptances == Counter({1: tally.sent - nobody, 0: nobody}), said
    assert tally.statuses == Counter(
        {200: tally.sent - nobody, 401: one_time.WORKERS * tally.sent - tally.sent + nobody - late, 503: late}
    )
    assert tally.sent == at_once.NUMBER
    assert len(tally.reached) == one_time.WORKERS if way == "own ports" else len(tally.reached) > 1
    assert {b'"code":"replayed"' in body for status, body in tally.refusals if status != 503} == {True}


def test_marks_that_workers_do_not_share_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "SITES", {"memory": at_once.memory})
    monkeypatch.setattr(one_time, "WORKERS", 2)  # each costs the start of a Python, and two are enough to differ
    tally = at_once.run("memory", "own ports", number=5)
    assert tally.acceptances == {2: 5}
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

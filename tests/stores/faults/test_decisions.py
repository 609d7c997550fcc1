"""Stores that fail, seen from the outside: the decision is a refusal, the answer a 503, and nobody gets in twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal, Self, cast

import pytest

from tests.fastapi.world import Sent
from tests.stores.faults.remote import Remote
from tests.stores.faults.test_slow import lock_held
from tests.stores.faults.tickets import TICKET, Shop, request
from tests.stores.faults.world import FAILURES, STYLES, Style, at_most, build
from zerotrust import Allow, Decision, Sources, decide, decide_async
from zerotrust.core.finding import Rejected, Unavailable
from zerotrust.core.reason import BUDGET_SPENT, REPLAYED, SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.driver import Budget
from zerotrust.stores.bridge import Bridge
from zerotrust.stores.memory import MemoryStore

Fault = Literal["refuse", "mute", "stall", "cut"]
PATIENT = 1.0
"""Seconds that the stores of these tests give one answer, be it one that comes or one that does not."""

AT_ONCE = 4  # fewer than would have the store left to rest

CODES = {kind.code for kind in (SOURCE_DOWN, SOURCE_TIMEOUT, SOURCE_REFUSED)}


class Deciding:
    """Decisions on one store, each with the driver of its style."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._sources = Sources(store)
        self._bridge = None if store.style == "blocking" else Bridge(store)
        self._open = ExitStack()
        self.now = time.time()
        self.allowed: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._open.enter_context(self._bridge or self._store)
        return self

    def __exit__(self, *raised: object) -> None:
        self._open.close()

    def on(self, *tickets: str, within: float = PATIENT, budget: Budget | None = None) -> list[Decision]:
        """What is decided on these tickets, one after the other; an assertion fails if one is good a second time."""
        decisions = []
        for ticket in tickets:
            asked = request(ticket, self.now)
            with at_most(within, ticket):
                if self._bridge is None:
                    decision = decide(TICKET.good, asked, self._sources, budget=budget)
                else:
                    decision = self._bridge.run(decide_async(TICKET.good, asked, self._sources, budget=budget))
            self.allowed[ticket] += isinstance(decision, Allow)
            assert self.allowed[ticket] <= 1, f"{ticket} was good twice"
            decisions.append(decision)
        return decisions


def is_unavailable(decision: Decision, *kinds: Any) -> Unavailable:
    """A refusal, since nothing could be found out."""
    assert not isinstance(decision, Allow)
    finding = decision.findings[TICKET]
    assert isinstance(finding, Unavailable), finding
    assert finding.reason.kind in (kinds or FAILURES), finding
    assert 0 < finding.retry_after <= 60
    return finding


def is_replayed(decision: Decision) -> None:
    assert decision.findings[TICKET] == Rejected(REPLAYED())


def break_network(remote: Remote, fault: Fault) -> None:
    """What happens to connections there are, and to new ones."""
    if fault == "cut":
        remote.proxy.cut_after(replies=0)
    else:
        getattr(remote.proxy, fault)()
    if fault == "mute":
        remote.proxy.cut()


@pytest.mark.parametrize("fault", ["refuse", "mute", "stall", "cut"])
def test_a_decision_without_its_store_is_a_refusal(remote: Remote, fault: Fault) -> None:
    store = build(remote.kind, remote.style, remote.url, PATIENT, namespace=remote.namespace)
    with Deciding(store) as deciding:
        assert isinstance(deciding.on("first")[0], Allow)
        break_network(remote, fault)
        for decision in deciding.on("first", "second"):
            is_unavailable(decision, SOURCE_DOWN, SOURCE_TIMEOUT)
        remote.proxy.heal()
        used, ambiguous, again, new, new_again = deciding.on("first", "second", "second", "third", "third")
        is_replayed(used)
        assert isinstance(ambiguous, Allow) or ambiguous.findings[TICKET] == Rejected(REPLAYED())
        is_replayed(again)
        assert isinstance(new, Allow)
        is_replayed(new_again)


def test_a_budget_that_is_smaller_than_the_stores_time_is_kept(remote: Remote) -> None:
    """The driver gives up first; what was under way then leaves nothing behind that a later ask would stumble over."""
    store = build(remote.kind, remote.style, remote.url, 5.0, namespace=remote.namespace)
    brief = partial(Budget, seconds=0.1)
    with Deciding(store) as deciding:
        assert isinstance(deciding.on("first")[0], Allow)
        for turn in range(2):
            remote.proxy.stall()
            for decision in deciding.on(f"lost{turn}", within=0.1, budget=brief()):
                is_unavailable(decision, SOURCE_TIMEOUT)
            remote.proxy.heal()
            # Had the late answer (that this mark was free) been taken for the next question's, this would be good.
            used, new, lost = deciding.on("first", f"new{turn}", f"lost{turn}")
            is_replayed(used)
            assert isinstance(new, Allow)
            is_replayed(lost)
        remote.proxy.mute()
        remote.proxy.cut()
        is_unavailable(deciding.on("second", within=0.1, budget=brief())[0], SOURCE_TIMEOUT, SOURCE_DOWN)
        spent = deciding.on("third", within=0.0, budget=Budget(seconds=0.0))[0]
        is_unavailable(spent, BUDGET_SPENT)
        remote.proxy.heal()
        assert isinstance(deciding.on("third")[0], Allow)


def test_a_request_that_is_given_up_leaves_nothing_behind(async_remote: Remote) -> None:
    """A client hangs up, and its task is cancelled in the middle of an ask."""
    remote, now = async_remote, time.time()
    store = build(remote.kind, "async", remote.url, 5.0)
    sources, asked = Sources(store), partial(request, now=now)
    tickets = {name: f"{remote.namespace}-{name}" for name in ("used", "given up", "new")}

    async def scene() -> list[Decision]:
        assert await decide_async(TICKET.good, asked(tickets["used"]), sources)
        remote.proxy.stall()
        gone = asyncio.create_task(decide_async(TICKET.good, asked(tickets["given up"]), sources))
        await asyncio.to_thread(remote.proxy.wait, lambda: remote.proxy.replies.held > 0, "it was answered, unheard")
        gone.cancel()
        with at_most(0.0, "who hangs up does not wait for the store"), pytest.raises(asyncio.CancelledError):
            await gone
        # The next one asks before the late answer, that the mark was free, comes in.
        sent = remote.proxy.requests.seen
        first = asyncio.create_task(decide_async(TICKET.good, asked(tickets["used"]), sources))
        await asyncio.to_thread(remote.proxy.wait_for_request, sent)
        remote.proxy.heal()
        wanted = ("new", "given up", "used")
        return [await first, *[await decide_async(TICKET.good, asked(tickets[name]), sources) for name in wanted]]

    with Bridge(store) as bridge:
        used, new, given_up, still_used = bridge.run(scene())
    is_replayed(used)
    assert isinstance(new, Allow)
    is_replayed(given_up)
    is_replayed(still_used)


# --- Behind HTTP -----------------------------------------------------------------------------------------------------
class Served:
    """A shop on a store, and the requests that were sent to it in the event loop of `bridge`."""

    def __init__(self, store: Any, bridge: Bridge) -> None:
        self._bridge = bridge
        self._shop = Shop(Sources(store), time.time())

    def get(self, *tickets: str, within: float = PATIENT) -> list[Sent]:
        """Send these requests at the same time. None is let in twice, or fails in any other way."""

        async def all_at_once() -> list[Sent]:
            return list(await asyncio.gather(*map(self._shop.get, tickets)))

        with at_most(within):
            answers = self._bridge.run(all_at_once())
        for answer in answers:
            assert answer.status in (200, 401, 503), answer
            assert answer.status == 200 or answer.headers[b"content-type"] == b"application/problem+json"
        once = Counter(self._shop.served)
        assert set(once.values()) <= {1}, once
        assert sum(answer.status == 200 for answer in answers) <= len(self._shop.served)
        return answers

    def statuses(self, *tickets: str) -> list[int]:
        return [answer.status for answer in self.get(*tickets)]


@contextmanager
def served(store: Any) -> Iterator[Served]:
    with Bridge(store if store.style == "async" else cast("Any", _Nothing())) as bridge:
        yield Served(store, bridge)


class _Nothing:
    """In place of a store that needs no event loop, and no closing."""

    async def aclose(self) -> None: ...


def is_outage(answer: Sent, *codes: str) -> None:
    problem = json.loads(answer.body)
    assert (answer.status, problem["status"]) == (503, 503), problem
    assert problem["code"] in (codes or CODES), problem
    assert 1 <= int(answer.headers[b"retry-after"]) <= 60
    assert problem["retry_after"] == int(answer.headers[b"retry-after"])
    assert b"www-authenticate" not in answer.headers
    assert b"127.0.0.1" not in answer.body, "where the store is concerns nobody outside"


def numbered(name: str, count: int = AT_ONCE) -> list[str]:
    return [f"{name}{number}" for number in range(count)]


@pytest.mark.parametrize("fault", ["refuse", "mute", "stall", "cut"])
def test_an_app_without_its_store_answers_503(async_remote: Remote, fault: Fault) -> None:
    remote = async_remote
    with served(build(remote.kind, "async", remote.url, PATIENT, namespace=remote.namespace)) as shop:
        assert shop.statuses(*numbered("before")) == [200] * AT_ONCE
        break_network(remote, fault)
        for answer in shop.get(*numbered("during")):
            is_outage(answer, "source_down", "source_timeout")
        remote.proxy.heal()
        assert set(shop.statuses(*numbered("during"))) <= {200, 401}
        assert shop.statuses(*numbered("during")) == [401] * AT_ONCE
        assert shop.statuses(*numbered("before")) == [401] * AT_ONCE
        assert shop.statuses(*["after"] * 8).count(200) == 1


def test_an_app_whose_store_rests_answers_503_at_once(async_remote: Remote) -> None:
    remote = async_remote
    with served(build(remote.kind, "async", remote.url, PATIENT, namespace=remote.namespace)) as shop:
        assert shop.statuses("before") == [200]
        break_network(remote, "mute")
        for answer in shop.get(*numbered("during", 20)):
            is_outage(answer)
        for answer in shop.get(*numbered("resting", 100), within=0.0):  # nobody waits for a store that rests
            is_outage(answer, "source_down")


def test_an_app_whose_file_is_locked_or_was_replaced_by_rubbish(tmp_path: Any) -> None:
    path = f"{tmp_path}/store.db"
    with served(build("sqlite", "async", path, PATIENT)) as shop:
        assert shop.statuses(*numbered("before")) == [200] * AT_ONCE
        with lock_held(path):
            for answer in shop.get(*numbered("during")):
                is_outage(answer, "source_timeout")
        assert shop.statuses(*numbered("during")) == [200] * AT_ONCE
        assert shop.statuses(*numbered("during"), *numbered("before")) == [401] * 2 * AT_ONCE
    rubbish = f"{tmp_path}/rubbish.db"
    with open(rubbish, "wb") as file:  # noqa: PTH123
        file.write(b"no database" * 1000)
    with served(build("sqlite", "async", rubbish, PATIENT)) as shop:
        for answer in shop.get(*numbered("rubbish")):
            is_outage(answer, "source_refused")


def test_an_app_whose_memory_is_full() -> None:
    with served(MemoryStore(records=AT_ONCE)) as shop:
        assert shop.statuses(*numbered("before")) == [200] * AT_ONCE
        for answer in shop.get(*numbered("during")):
            is_outage(answer, "source_refused")
        assert shop.statuses(*numbered("before")) == [401] * AT_ONCE


@pytest.mark.parametrize("style", STYLES)
def test_decisions_on_a_file_that_is_locked(style: Style, tmp_path: Any) -> None:
    path = f"{tmp_path}/store.db"
    with Deciding(build("sqlite", style, path, PATIENT)) as deciding:
        assert isinstance(deciding.on("first")[0], Allow)
        with lock_held(path):
            for decision in deciding.on("first", "second"):
                is_unavailable(decision, SOURCE_TIMEOUT)
            is_unavailable(deciding.on("third", within=0.05, budget=Budget(seconds=0.05))[0], SOURCE_TIMEOUT)
        used, ambiguous, again = deciding.on("first", "second", "second")
        is_replayed(used)
        assert isinstance(ambiguous, Allow)
        is_replayed(again)

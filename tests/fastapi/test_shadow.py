"""A policy in the shadow of another one: it is tried and reported, and nobody's answer ever depends on it."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Depends, FastAPI

from tests.fastapi.shadows import Nobody, Once, Probe, Raises, World, lookup, posted, send, settled, shop, tallies
from tests.fastapi.world import GOOD, PAYER, READER, call, can_pay, can_read, clock, http_scope, raw, token
from tests.replay.world import KEY
from zerotrust import AccessRequest, ConfigError, Policy, anyone, minutes, not_presented
from zerotrust.core.ask import Ask, ConsumeOnce, Count, Fetch, Lookup, Put, ReadBody, SourceFailed
from zerotrust.core.finding import Absent
from zerotrust.core.reason import NOT_GATHERED, SOURCE_DOWN
from zerotrust.driver import Budget
from zerotrust.fastapi import Guard
from zerotrust.replay import Capsule, Recorder, read_capsule
from zerotrust.web.rehearsal import Rehearsal
from zerotrust.web.shadow import Difference, Shadow


# --- What is told ----------------------------------------------------------------------------------------------------
def test_what_would_have_been_otherwise_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Difference] = []
    soon = (can_pay & token.role("cashier")).named("can pay soon")
    shadow = Shadow({can_pay: soon, token.valid: anyone(because="a test")}, report=seen.append)
    app = shop(can_pay, shadow, World())
    with caplog.at_level(logging.INFO, "zerotrust.shadow"):
        assert [send(app, PAYER).status, send(app, READER).status, send(app, {}, "GET", "/plain").status] == [
            200, 401, 401,
        ]  # fmt: skip
    assert tallies(shadow) == {"stricter": 1, "same": 1, "weaker": 1}
    assert [(one.route, one.method, one.weaker, one.shadow.name) for one in seen] == [
        ("/pay/{order}", "POST", False, "can pay soon"),
        ("/plain", "GET", True, "anyone(because='a test')"),
    ]
    assert [record.getMessage() for record in caplog.records] == [
        "at /pay/{order} a request would be refused (missing_claim) under can pay soon in the shadow",
        "at /plain a request would be let in under anyone(because='a test') in the shadow",
    ]


def test_the_log_is_not_flooded(caplog: pytest.LogCaptureFixture) -> None:
    shadow = Shadow({can_pay: can_pay & can_read})
    app = shop(can_pay, shadow, World())
    with caplog.at_level(logging.INFO, "zerotrust.shadow"):
        for _ in range(12):
            send(app, PAYER)
    assert [record.getMessage().rpartition("shadow")[2] for record in caplog.records] == ["", "; 10 times so far"]


def test_the_capsule_has_both_verdicts() -> None:
    lines: list[bytes] = []
    recorder = Recorder(key=KEY, sink=lines.append)
    probe = Probe(lookup)
    send(shop(can_pay, Shadow({can_pay: can_pay & ~probe.good}), World(), recorder=recorder), PAYER)
    capsule = read_capsule(lines[0])
    assert isinstance(capsule, Capsule)
    assert (len(lines), capsule.decided.kind) == (1, "allow")
    assert capsule.shadow is not None
    assert (capsule.shadow.kind, capsule.shadow.verdict, capsule.shadow.code) == ("refuse", False, "not_satisfied")
    assert [one.by for one in capsule.found] == ["token", "probe"]


def test_the_parts_of_what_holds_together_have_their_own_shadows() -> None:
    app = FastAPI()
    shadow = Shadow({can_read: can_pay})
    guard = Guard(app, default=token.valid, clock=clock, shadow=shadow)
    guard.protect("/both", token.scope("read").named("reading"))

    @app.get("/both", dependencies=[guard.require(can_read)])
    async def both() -> str:
        return "both"

    assert call(app, http_scope("/both", headers=raw(READER))).status == 200
    assert tallies(shadow) == {"stricter": 1}


# --- What never changes ----------------------------------------------------------------------------------------------
def leaves(_: object) -> bool:
    raise SystemExit("a secret")


def cancels(_: object) -> bool:
    raise asyncio.CancelledError


CANDIDATES: dict[str, Callable[[], tuple[Policy, World, dict[str, int]]]] = {
    "raises in a question": lambda: (Raises().leaf(Probe()), World(), {"failed": 3}),
    "raises in a predicate": lambda: (
        token.that(lambda _: 1 // 0 == 0, "broken"), World(), {"stricter": 1, "same": 2},
    ),
    "ends the process in a predicate": lambda: (token.that(leaves, "leaves"), World(), {"same": 1, "failed": 2}),
    "ends the process in a predicate that waits": lambda: (
        Probe(lookup).good & token.that(leaves, "leaves"), World(), {"same": 1, "failed": 2},
    ),
    "says in a predicate that it was cancelled": lambda: (
        Probe(lookup).good & token.that(cancels, "cancels"), World(), {"same": 1, "failed": 2},
    ),
    "raises in a verifier": lambda: (Probe(lambda now: 1 // 0).good, World(), {"failed": 3}),  # type: ignore[arg-type, return-value]
    "asks a dead source": lambda: (
        Probe(lookup).good, World(SourceFailed(SOURCE_DOWN())), {"stricter": 1, "same": 2},
    ),
    "asks a source that raises": lambda: (
        Probe(lookup).good, World(RuntimeError("a secret")), {"failed": 3},  # type: ignore[arg-type]
    ),
    "asks too much": lambda: (Probe(*[lookup] * 9).good, World(), {"untold": 3}),
    "wants the body": lambda: (Probe(lambda _: ReadBody(), reads_body=True).good, World(), {"untold": 3}),
    "asks for the body unannounced": lambda: (Probe(lambda _: ReadBody()).good, World(), {"untold": 3}),
    "marks as used": lambda: (
        Probe(lambda now: ConsumeOnce("space", b"key", now + 60, now)).good, World(), {"untold": 3},
    ),
    "writes": lambda: (Probe(lambda now: Put("space", b"key", b"", now + 60, now)).good, World(), {"untold": 3}),
    "counts": lambda: (Probe(lambda now: Count("space", b"key", 60, now)).good, World(), {"untold": 3}),
    "looks at counts": lambda: (
        Probe(lambda now: Count("space", b"key", 60, now, 0)).good, World(), {"same": 1, "weaker": 2},
    ),
    "has what counts once": lambda: (Once().good, World(), {"same": 1, "weaker": 2}),
    "is settled whatever cannot be asked": lambda: (
        Probe(lambda _: ReadBody(), reads_body=True).good & Nobody(name="nobody").good,
        World(),
        {"stricter": 1, "same": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CANDIDATES)
def test_answers_are_the_same_with_and_without(name: str, caplog: pytest.LogCaptureFixture) -> None:
    candidate, world, expected = CANDIDATES[name]()
    without, quiet = World(), shop(can_pay, None, World())
    shadow = Shadow({can_pay: candidate})
    app = shop(can_pay, shadow, world)
    for headers in (PAYER, READER, {}):
        with_one, alone = send(app, headers), send(quiet, headers)
        assert with_one.messages == alone.messages
        assert with_one.reads == alone.reads
    assert tallies(shadow) == expected
    assert not {"ConsumeOnce", "Put", "ReadBody"}.intersection(world.asked)
    assert without.asked == []
    assert "a secret" not in caplog.text


@pytest.mark.parametrize("raised", [ZeroDivisionError, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
def test_a_report_that_raises_changes_nothing(raised: type[BaseException], waits: bool) -> None:
    def report(_: Difference) -> None:
        raise raised

    candidate = ~Probe(lookup).good if waits else can_read
    shadow = Shadow({can_pay: candidate}, report=report)
    assert send(shop(can_pay, shadow, World()), PAYER).status == 200
    assert tallies(shadow) == {"stricter": 1, "failed": 1}


def test_an_answer_does_not_wait_for_the_shadow() -> None:
    world, shadow = World(), Shadow({can_pay: Probe(lookup).good}, most=2)
    app = shop(can_pay, shadow, world)

    async def run() -> None:
        world.gate = asyncio.Event()
        sent: list[int] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b'{"amount": 5}', "more_body": False}

        async def sending(message: Any) -> None:
            sent.append(message.get("status", 0))

        for _ in range(5):
            await app(
                http_scope("/pay/7", "POST", [(b"content-type", b"application/json"), *raw(PAYER)]), receive, sending
            )
        assert sent == [200, 0] * 5
        assert tallies(shadow) == {"skipped": 3}
        world.gate.set()
        await settled()

    asyncio.run(run())
    assert tallies(shadow) == {"skipped": 3, "same": 2}


def test_the_shadow_waits_within_its_budget() -> None:
    world, shadow = World(), Shadow({can_pay: Probe(lookup).good}, budget=Budget(seconds=0.0))
    assert send(shop(can_pay, shadow, world), PAYER).status == 200
    assert tallies(shadow) == {"untold": 1}
    assert world.asked == []


def test_what_the_enforced_policy_asks_and_marks_is_the_same() -> None:
    required = Once(name="once")
    runs: list[tuple[list[str], int]] = []
    for shadow in (None, Shadow({required.good: required.good & Probe(lookup).good})):
        world = World()
        required.found = 0
        assert send(shop(required.good, shadow, world), {}).status == 200
        runs.append((world.asked, required.found))
    assert runs == [(["ConsumeOnce"], 1), (["ConsumeOnce", "Lookup"], 1)]
    assert shadow is not None
    assert tallies(shadow) == {"same": 1}


def test_many_at_once_are_counted_each() -> None:
    world, shadow, lines = World(), Shadow({can_pay: can_pay & Probe(lookup).good}, most=1000), list[bytes]()
    app = shop(can_pay, shadow, world, recorder=Recorder(key=KEY, sink=lines.append))

    async def one(headers: dict[str, str]) -> int:
        status: list[int] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b'{"amount": 5}', "more_body": False}

        async def sending(message: Any) -> None:
            status.append(message.get("status", 0))

        await app(posted(headers), receive, sending)
        return status[0]

    async def run() -> list[int]:
        statuses = await asyncio.gather(*(one(headers) for headers in (PAYER, READER, {}) * 40))
        await settled()
        return list(statuses)

    assert asyncio.run(run()) == [200, 401, 401] * 40
    assert tallies(shadow) == {"same": 120}
    assert len(lines) == 120
    assert all(json.loads(line)["shadow"]["verdict"] == json.loads(line)["verdict"] for line in lines)


# --- Mistakes --------------------------------------------------------------------------------------------------------
def test_what_is_no_shadow_is_refused_where_it_is_written() -> None:
    for wrong, said in (
        (lambda: Shadow({}), r"Shadow\(\{can_pay: can_pay_soon\}\)"),
        (lambda: Shadow(can_pay), r"Shadow\(\{can_pay: can_pay_soon\}\)"),  # type: ignore[arg-type]
        (lambda: Shadow({can_pay: token}), r"Shadow takes policies"),  # type: ignore[dict-item]
        (lambda: Shadow({can_pay: can_read}, report="log"), r"report is a function of"),  # type: ignore[arg-type]
        (lambda: Shadow({can_pay: can_read}, budget=5), r"budget is Budget\(.*\), not int"),  # type: ignore[arg-type]
        (lambda: Shadow({can_pay: can_read}, most=-1), r"most=-1: how many requests may wait"),
        (lambda: shop(can_pay, {can_pay: can_read}, World()), r"shadow takes Shadow\(.*\), not dict"),  # type: ignore[arg-type]
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            wrong()


def test_a_shadow_that_lacks_a_source_is_refused() -> None:
    class Needy(Probe):
        @property
        def needs(self) -> tuple[type[Ask[Any]], ...]:
            return (ReadBody, Fetch, Lookup)

    class Fetcher(World):
        answers = (Fetch,)

    with pytest.raises(ConfigError, match=r"Shadow\(\.\.\.\): no source answers Lookup, which needy needs"):
        shop(can_pay, Shadow({can_pay: Needy(name="needy").good}), Fetcher())


def test_a_shadow_of_what_is_not_required_anywhere_is_told(caplog: pytest.LogCaptureFixture) -> None:
    app, named = FastAPI(), can_read.named("can look").tagged("sensitive")
    guard = Guard(app, default=token.valid, clock=clock, shadow=Shadow({named: can_pay, token.valid: can_read}))
    app.get("/x", dependencies=[guard.require(token.fresh(within=minutes(5))), Depends(lambda: None)])(lambda: "x")
    with caplog.at_level(logging.WARNING, "zerotrust.guard"):
        guard.check()
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the shadow of can look is never tried: nothing here is protected by that policy itself"]


def test_a_shadow_without_differences_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    shadow = Shadow({token.valid: token.valid & token.claim("sub", "alice")})
    with caplog.at_level(logging.INFO, "zerotrust.shadow"):
        assert send(shop(can_pay, shadow, World()), GOOD, "GET", "/plain").status == 200
    assert (tallies(shadow), caplog.records) == ({"same": 1}, [])


def test_what_counts_once_and_was_not_used_up_counts_in_the_shadow() -> None:
    once, world = Once(name="once"), World()
    required = once.good & token.scope("never")
    shadow = Shadow({required: once.good | token.scope("never")})
    assert send(shop(required, shadow, world), PAYER).status == 403
    assert (tallies(shadow), world.asked) == ({"weaker": 1}, [])


def test_there_is_room_again_once_answers_have_come() -> None:
    shadow = Shadow({can_pay: Probe(lookup).good}, most=1)
    app = shop(can_pay, shadow, World())
    assert [send(app, PAYER).status for _ in range(3)] == [200] * 3
    assert tallies(shadow) == {"same": 3}


def test_a_finding_that_nobody_looked_for_proves_nothing() -> None:
    probe = Probe(name="unasked")
    found: dict[Any, Any] = {probe: Absent(NOT_GATHERED())}
    rehearsal = Rehearsal(not_presented(probe), AccessRequest(now=1.0), found)
    assert rehearsal.pending == probe

"""A guard with a recorder: every decision becomes a capsule, by the declared route, and answers stay what they are."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import json
import logging
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI

from tests.fastapi.world import GOOD, NOW, PAYER, READER, Sent, call, can_pay, can_read, clock, http_scope, raw, token
from tests.replay.world import KEY, tried
from zerotrust import AccessRequest, Allow, ConfigError
from zerotrust.core.decision import Decision
from zerotrust.fastapi import Access, Guard
from zerotrust.replay import Capsule, Recorder, read_capsule

staff = token.that(lambda evidence: evidence.subject == "alice", "staff")


def shop(**options: Any) -> FastAPI:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock, **options)
    inner, router = FastAPI(), APIRouter(prefix="/v1", dependencies=[guard.require(can_read)])

    @app.post("/pay/{order}")
    async def pay(order: str, access: Annotated[Access, guard.require(can_pay)]) -> str:
        return access[token].subject

    @app.get("/staff", dependencies=[guard.require(staff & ~token.role("guest"))])
    async def for_staff() -> str:
        return "staff"

    @router.get("/items/{item}")
    async def items(item: str) -> str:
        return item

    @inner.get("/deep")
    async def deep() -> str:
        return "deep"

    app.include_router(router)
    app.mount("/in", inner)
    return app


REQUESTS: list[tuple[str, str, dict[str, str]]] = [
    ("POST", "/pay/7", PAYER),
    ("POST", "/pay/7", READER),
    ("POST", "/pay/7", {}),
    ("POST", "/pay/7", {"authorization": "Bearer nonsense"}),
    ("GET", "/v1/items/secret", READER),
    ("GET", "/in/deep", GOOD),
    ("GET", "/nowhere", GOOD),
    ("GET", "/staff", GOOD),
    ("SECRET", "/pay/7", PAYER),
]


def ask(app: FastAPI) -> list[Sent]:
    return [call(app, http_scope(path, method, raw(headers))) for method, path, headers in REQUESTS]


def test_every_decision_is_recorded_by_its_declared_route() -> None:
    lines: list[bytes] = []
    ask(shop(recorder=Recorder(key=KEY, sink=lines.append)))
    capsules = [capsule for capsule in map(read_capsule, lines) if isinstance(capsule, Capsule)]
    assert [(one.method, one.route, one.decided.kind, one.decided.code) for one in capsules] == [
        ("POST", "/pay/{order}", "allow", ""),
        ("POST", "/pay/{order}", "challenge", "not_satisfied"),
        ("POST", "/pay/{order}", "challenge", "not_presented"),
        ("POST", "/pay/{order}", "challenge", "malformed"),
        ("GET", "/v1/items/{item}", "allow", ""),
        ("GET", "/in/deep", "allow", ""),
        ("GET", "(no route)", "allow", ""),
        ("GET", "/staff", "deny", "missing_claim"),
        ("other", "/pay/{order}", "allow", ""),
    ]
    assert {capsule.now for capsule in capsules} == {NOW}
    assert capsules[0].decided.names == ("can pay",)
    assert capsules[0].subject.startswith("hmac:")
    assert b"secret" not in b"".join(lines)
    assert b"alice" not in b"".join(lines)


def test_what_was_recorded_comes_out_as_it_did() -> None:
    decisions: list[Decision] = []
    lines: list[bytes] = []

    class Listening(Recorder):
        def record(self, decision: Decision, request: AccessRequest, **about: Any) -> None:
            decisions.append(decision)
            super().record(decision, request, **about)

    ask(shop(recorder=Listening(key=KEY, sink=lines.append)))
    assert len(decisions) == len(lines) == len(REQUESTS)
    for decision, line in zip(decisions, lines, strict=True):
        capsule = read_capsule(line)
        assert isinstance(capsule, Capsule)
        again = tried(decision.policy, capsule)
        assert again.allowed is isinstance(decision, Allow)
        judged = again.decision()
        assert judged is not None
        assert (type(judged), judged.verdict) == (type(decision), decision.verdict)


class _Full:
    def __call__(self, line: bytes) -> bool:
        return False


class _Broken:
    def __call__(self, line: bytes) -> bool:
        raise RuntimeError("a secret")


@pytest.mark.parametrize("sink", [_Full(), _Broken()], ids=["full", "broken"])
def test_answers_are_the_same_without_a_recorder(sink: Any, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(key=KEY, sink=sink)
    with caplog.at_level(logging.WARNING, "zerotrust.replay"):
        with_one, without = ask(shop(recorder=recorder)), ask(shop())
    assert [one.messages for one in with_one] == [one.messages for one in without]
    assert (recorder.recorded, recorder.dropped + recorder.failed) == (0, len(REQUESTS))
    assert len([record for record in caplog.records if record.name == "zerotrust.replay"]) == 1
    assert "a secret" not in caplog.text


def test_a_recorder_of_another_make_that_raises_changes_nothing() -> None:
    class Odd:
        def record(self, decision: Decision, request: AccessRequest, **about: object) -> None:
            raise ZeroDivisionError

    assert [one.messages for one in ask(shop(recorder=Odd()))] == [one.messages for one in ask(shop())]


def test_a_handler_that_no_guard_stands_before_records_too() -> None:
    lines: list[bytes] = []
    guarded, bare = FastAPI(), FastAPI()
    guard = Guard(guarded, default=token.valid, clock=clock, recorder=Recorder(key=KEY, sink=lines.append))

    @bare.get("/late/{one}")
    async def late(one: str, access: Annotated[Access, guard.require(can_read)]) -> str:
        return one

    assert call(bare, http_scope("/late/x", headers=raw(READER))).status == 200
    assert json.loads(lines[0])["route"] == "/late/{one}"


def test_what_is_no_recorder_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"recorder takes Recorder\(key=\.\.\., sink=FileSink\(path\)\), not str"):
        shop(recorder="capsules.jsonl")

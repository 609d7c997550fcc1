"""A recorder keeps what leaves read, says who somebody is by digests alone, and never gets in the way."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.laws.toys import NOW, TOKEN, facts
from tests.replay.world import KEY, OTHER_KEY, capsule_of, recorded, tried
from zerotrust import AccessRequest, Bearer, ConfigError, Issuer, Policy, minutes
from zerotrust.core.decision import Decision
from zerotrust.core.finding import Verified
from zerotrust.engine import judge
from zerotrust.replay import Recorder, read_capsule
from zerotrust.replay.digests import Digests

token = Bearer(Issuer("https://issuer.example"), audience="api")
SAYS: dict[str, Any] = {
    "scope": ["pay", "read"],
    "subject": "ann@example.com",
    "auth_time": NOW - 10,
    "claims.dept": "finance",
    "claims.salary": 5,
}


def decided(policy: Policy, **says: Any) -> Decision:
    return judge(policy, {token: Verified(token.exhibit({**SAYS, **says}, NOW))}, NOW)


def says(line: bytes) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(line)["found"][0]["says"]
    return kept


def test_only_what_leaves_read_is_kept() -> None:
    assert says(recorded(decided(token.scope("pay")))) == {"scope": ["pay", "read"]}
    both = token.scope("pay") & token.claim("dept", "finance") & token.fresh(within=minutes(5))
    assert says(recorded(decided(both))) == {"scope": ["pay", "read"], "claims.dept": "finance", "auth_time": NOW - 10}


def test_what_other_policies_read_is_kept_for_them() -> None:
    lines = [
        recorded(decided(token.scope("pay")), policies=[token.claim("dept", "finance")], also=token.acr("aal2")),
        recorded(decided(token.scope("pay")), also=[token.claim("dept", "finance"), token.acr("aal2")]),
    ]
    for line in lines:
        assert says(line) == {"scope": ["pay", "read"], "claims.dept": "finance", "acr": None}
        assert b"salary" not in line


def test_a_policy_that_reads_what_was_not_kept_cannot_be_told() -> None:
    capsule = capsule_of(decided(token.scope("pay")))
    told = tried(token.claim("dept", "finance"), capsule)
    assert (told.allowed, told.missing) == (None, ('token.claim("dept", "finance") was not recorded',))
    assert tried(token.scope("pay") | token.claim("dept", "finance"), capsule).allowed is True
    assert tried(token.scope("write") & token.claim("dept", "finance"), capsule).allowed is False


def test_who_somebody_is_can_be_compared_and_not_read() -> None:
    ann, bob = token.subject("ann@example.com"), token.subject("bob@example.com")
    line = recorded(decided(ann))
    assert b"ann" not in line.replace(json.dumps(str(ann)).encode(), b"")  # but in the policy's own text
    capsule = read_capsule(line)
    assert capsule is not None
    capsule = capsule_of(decided(ann))
    assert (tried(ann, capsule).allowed, tried(bob, capsule).allowed) == (True, False)
    for key in (None, OTHER_KEY):
        assert tried(bob, capsule, key).allowed is None
        assert tried(~bob, capsule, key).allowed is None


def test_equal_values_have_equal_digests_under_one_key() -> None:
    one, other = Digests(KEY), Digests(OTHER_KEY)
    assert one.of("ann") == Digests(KEY).of("ann") != other.of("ann") != one.of("bob")
    assert one.of(["ann", None, 1]) == [one.of("ann"), None, one.of(1)]
    assert one.of("1") != one.of(1) != one.of(True)
    assert one.key_id != other.key_id
    assert capsule_of(decided(token.scope("pay"))).subject == one.of("ann@example.com")
    assert "secret" not in repr(one)


def test_the_answer_of_a_predicate_is_kept() -> None:
    calls: list[str] = []

    def is_staff(evidence: Any) -> bool:
        calls.append(evidence.subject)
        return True

    staff = token.that(is_staff, "staff")
    capsule = capsule_of(decided(staff))
    assert tried(staff, capsule).allowed is True
    assert tried(~staff, capsule).allowed is False
    assert tried(token.that(is_staff, "boss"), capsule).allowed is None
    assert calls == ["ann@example.com"]  # once, when it was decided


def test_a_value_that_is_too_long_is_left_out_and_the_answer_kept() -> None:
    policy = token.claim("dept", "finance")
    line = recorded(decided(policy, **{"claims.dept": "x" * 1000}))
    assert says(line) == {}
    capsule = read_capsule(line)
    assert tried(policy, capsule).allowed is False  # type: ignore[arg-type]
    assert tried(token.claim("dept", "sales"), capsule).allowed is None  # type: ignore[arg-type]


def test_the_application_names_requests() -> None:
    def record(given: Any) -> tuple[Recorder, list[bytes]]:
        lines: list[bytes] = []
        recorder = Recorder(key=KEY, sink=lines.append, request_id=lambda request: given)
        recorder.record(decided(token.valid), AccessRequest(now=NOW), route="/x")
        return recorder, lines

    assert json.loads(record("req-7")[1][0])["id"] == "req-7"
    assert "id" not in json.loads(record(None)[1][0])
    for wrong in (7, "x" * 129, "a\nb", "é"):
        recorder, lines = record(wrong)
        assert (recorder.failed, lines) == (1, [])


def test_what_is_dropped_and_what_fails_is_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = [False, False, None, True, RuntimeError("a secret"), RuntimeError("a secret")]

    def sink(line: bytes) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    recorder = Recorder(key=KEY, sink=sink)
    with caplog.at_level(logging.INFO, "zerotrust.replay"):
        for _ in range(6):
            recorder.record(decided(token.valid), AccessRequest(now=NOW), route="/x/{y}")
    assert (recorder.recorded, recorder.dropped, recorder.failed) == (2, 2, 2)
    assert [record.getMessage() for record in caplog.records] == [
        "capsules are dropped: the sink has no room; Recorder.dropped counts them",
        "a decision at /x/{y} was not recorded: RuntimeError; Recorder.failed counts the next ones",
    ]


def test_a_capsule_that_nobody_would_read_is_not_written() -> None:
    lines: list[bytes] = []
    recorder = Recorder(key=KEY, sink=lines.append)
    scopes = [f"{number:03}" + "x" * 500 for number in range(200)]
    recorder.record(decided(token.scope("x"), scope=scopes), AccessRequest(now=NOW), route="/x")
    assert (recorder.failed, lines) == (1, [])


def test_wrong_arguments_are_told_where_they_are_written() -> None:
    lines: list[bytes] = []
    sink = lines.append
    for wrong, said in (
        (lambda: Recorder(key=b"short", sink=sink), r"Recorder\(key=\.\.\.\) has 5 bytes"),
        (lambda: Recorder(key=None, sink=sink), r"Recorder\(key=\.\.\.\) is None"),  # type: ignore[arg-type]
        (lambda: Recorder(key=KEY, sink="capsules.jsonl"), r"sink takes lines of bytes, FileSink\(path\), not str"),  # type: ignore[arg-type]
        (lambda: Recorder([token], key=KEY, sink=sink), r"Recorder\(policies\) takes policies"),  # type: ignore[list-item]
        (lambda: Recorder("x", key=KEY, sink=sink), r"Recorder\(policies\) takes policies.* not str"),  # type: ignore[arg-type]
        (lambda: Recorder(key=KEY, sink=sink, also=5), r"Recorder\(also=\.\.\.\) takes policies.* not int"),  # type: ignore[arg-type]
        (lambda: Recorder(key=KEY, sink=sink, request_id="x"), r"request_id is a function of a request, not str"),  # type: ignore[arg-type]
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            wrong()  # type: ignore[no-untyped-call]


def test_the_same_policy_is_looked_at_once() -> None:
    lines: list[bytes] = []
    recorder = Recorder(key=KEY, sink=lines.append)
    policy = TOKEN.level(1)
    for level in (0, 1, 2):
        decision = judge(policy, {TOKEN: Verified(facts(level=level))}, NOW)
        recorder.record(decision, AccessRequest(now=NOW), route="/x")
    assert [json.loads(line)["found"][0]["says"]["level"] for line in lines] == [0, 1, 2]
    assert len({json.loads(line)["policy"]["fingerprint"] for line in lines}) == 1

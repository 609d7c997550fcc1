"""A capsule's line is read strictly: any bytes give a capsule or a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.laws.toys import NOW, PASSKEY, SESSION, TOKEN, facts
from tests.replay.world import capsule_of, recorded
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Policy
from zerotrust.core.reason import LINK_MISSING, SOURCE_DOWN, Kind, Reason
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge
from zerotrust.replay import Capsule, read_capsule
from zerotrust.replay.capsule import MOST_BYTES

POLICY = (TOKEN.level(2) & (PASSKEY.fresh(5.0) | SESSION.has("pay"))).named("can pay")
FOUND: dict[Verifier[Any], Finding[Any]] = {
    TOKEN: Verified(facts(level=1, since=NOW - 3)),
    PASSKEY: Absent(LINK_MISSING(expected="token", detail="expired")),
    SESSION: Unavailable(SOURCE_DOWN(), 7.0),
}
LINE = recorded(judge(POLICY, FOUND, NOW))
GOOD: dict[str, Any] = json.loads(LINE)


def changed(**members: Any) -> bytes:
    return json.dumps({**GOOD, **members}).encode()


def test_a_capsule_says_what_was_decided_and_found() -> None:
    capsule = read_capsule(LINE)
    assert isinstance(capsule, Capsule)
    assert (capsule.now, capsule.method, capsule.route, capsule.called) == (NOW, "POST", "/pay/{id}", "can pay")
    assert (capsule.decided.kind, capsule.decided.verdict, capsule.decided.allowed) == ("challenge", False, False)
    assert capsule.decided.remedies[0] == ("present_factor", "retry")
    token, passkey, session = capsule.found
    assert (token.by, token.type, token.state, token.until) == ("token", "Toy", "verified", float("inf"))
    assert token.subject == capsule.subject
    assert token.says == {"level": 1}
    assert (passkey.state, passkey.code, passkey.detail) == ("absent", "link_missing", "expired")
    assert (session.type, session.state, session.code, session.retry_after) == (
        "AskingToy", "unavailable", "source_down", 7.0,
    )  # fmt: skip


def test_it_reads_the_same_with_and_without_its_end() -> None:
    assert read_capsule(LINE) == read_capsule(LINE.rstrip(b"\n"))


def test_each_kind_of_nothing_comes_back() -> None:
    odd = Kind("Odd-Kind", "", 1, "of an application's own")
    for finding in (Rejected(odd()), Absent(SOURCE_DOWN()), Unavailable(SOURCE_DOWN(), float("inf"))):
        found = capsule_of(judge(TOKEN.level(1), {TOKEN: finding}, NOW)).found[0]
        assert found.state == type(finding).__name__.lower()
        assert found.code == ("other" if finding.reason.kind is odd else "source_down")


@pytest.mark.parametrize("version", [0, 2, "1", 1.0, True, None, []])
def test_a_version_that_is_not_known_is_refused(version: Any) -> None:
    refused = read_capsule(changed(capsule=version))
    assert isinstance(refused, Reason)
    assert (refused.code, refused.detail) == ("malformed", "no capsule of a version that is known")


OTHERS: list[dict[str, Any]] = [
    {"state": "known"}, {"state": ["verified"]}, {"by": 1}, {"until": "never"}, {"says": []}, {"subject": 5},
    {"far": {"level": "inf"}}, {"far": {"since": "nan"}}, {"far": {"since": 1}}, {"hidden": ["secret"]},
    {"hidden": [1]}, {"answers": {"x": 1}}, {"answers": {"x": "Not A Code"}}, {"answers": []},
]  # fmt: skip
WRONG: dict[str, Any] = {
    "now": ["soon", True, None, [], {}],
    "method": [1, None, "x" * 2000],
    "route": [1, None, []],
    "policy": [None, [], {}, {"names": [], "fingerprint": ""}, {"names": ["a"]}, {"names": "a", "fingerprint": ""}],
    "kind": ["Allow", "allow", "refuse", None, [], {}],
    "verdict": ["yes", True, None, [], {}],
    "code": ["Not A Code", 1, None, "x" * 65],
    "remedies": ["sign_in", [["SIGN IN"]], [[1]], [["retry"]] * 17],
    "key": [None, 1],
    "found": [
        None, {}, [None], [[]], GOOD["found"] * 2, GOOD["found"] * 90,
        *[[{**GOOD["found"][0], **other}] for other in OTHERS],
        [{"by": "token", "type": "Toy", "state": "absent"}],
        [{"by": "token", "type": "Toy", "state": "absent", "code": 7}],
        [{"by": "token", "type": "Toy", "state": "unavailable", "code": "x", "retry_after": "soon"}],
    ],
    "shadow": [None, [], {}, {"policy": GOOD["policy"], "kind": "deny"}],
}  # fmt: skip


@pytest.mark.parametrize("member", WRONG)
def test_each_member_is_checked(member: str) -> None:
    for value in WRONG[member]:
        refused = read_capsule(changed(**{member: value}))
        assert isinstance(refused, Reason), value
        assert refused.code == "malformed"
    if member not in ("code", "remedies", "shadow"):
        assert isinstance(read_capsule(json.dumps({k: v for k, v in GOOD.items() if k != member}).encode()), Reason)


def test_a_long_line_and_a_great_number_are_refused() -> None:
    for line in (b" " * MOST_BYTES + LINE, changed(now=10**30)):
        refused = read_capsule(line)
        assert isinstance(refused, Reason)
        assert refused.code == "too_large"


@given(st.binary(max_size=200) | st.tuples(st.integers(0, len(LINE)), st.binary(max_size=9), st.integers(0, 9)).map(
    lambda cut: LINE[: cut[0]] + cut[1] + LINE[cut[0] + cut[2] :]
))  # fmt: skip
def test_any_bytes_give_a_capsule_or_a_reason(line: bytes) -> None:
    assert isinstance(read_capsule(line), Capsule | Reason)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["by", "says", "state", "names"]), inner)
    ),
    max_leaves=4,
)


@given(st.sampled_from([*GOOD, *GOOD["found"][0]]), values)
def test_any_value_of_a_member_gives_a_capsule_or_a_reason(member: str, value: Any) -> None:
    if member in GOOD:
        assert isinstance(read_capsule(changed(**{member: value})), Capsule | Reason)
    assert isinstance(read_capsule(changed(found=[{**GOOD["found"][0], member: value}])), Capsule | Reason)


def test_of_policies_that_hold_together_each_has_its_name() -> None:
    def names(policy: Policy) -> tuple[str, ...]:
        return capsule_of(judge(policy, FOUND, NOW)).decided.names

    assert names(POLICY) == ("can pay",)
    assert names(POLICY.tagged("sensitive")) == ("can pay",)
    assert names(TOKEN.level(1) & TOKEN.level(2)) == ("token.level(1) & token.level(2)",)
    assert names(POLICY & TOKEN.level(3)) == ("can pay", "token.level(3)")
    long = [TOKEN.level(number) & TOKEN.has("pay") for number in range(50)]
    one, other = (names(policy) for policy in (all_(long), all_(long[::-1])))
    assert len(one[0]) <= 200
    assert one != other


def all_(policies: list[Any]) -> Policy:
    whole: Policy = policies[0]
    for policy in policies[1:]:
        whole = whole | policy
    return whole

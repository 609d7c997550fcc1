"""What replaying reports: changes by route, rule and subject; what cannot be told apart from what is the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from tests.laws.toys import NOW, PASSKEY, TOKEN, facts
from tests.replay.world import KEY, recorded
from zerotrust import ConfigError, Policy
from zerotrust.core.combining import PolicySet
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge
from zerotrust.replay import Report, lines_of, replay
from zerotrust.replay import outcome as outcomes
from zerotrust.replay.capsule import MOST_BYTES
from zerotrust.replay.digests import Digests

OLD = (TOKEN.level(2) & ~TOKEN.has("disk")).named("can pay")
NEW = (TOKEN.level(1).named("trusted") & ~TOKEN.has("disk") & ~TOKEN.has("root")).named("can pay")


def lines(policy: Policy = OLD, **options: Any) -> Iterator[bytes]:
    """Nobody; levels 1 and 2, by two people, at two routes; and a root."""
    for number, (subject, level, flags) in enumerate(
        [("", 0, set[str]()), ("ann", 1, set()), ("ann", 2, set()), ("bob", 1, set()), ("bob", 2, {"root"})]
    ):
        found: Finding[Any] = Absent(NOT_PRESENTED())
        if subject:
            found = Verified(facts(subject=subject, level=level, flags=flags))
        decision = judge(policy, {TOKEN: found}, NOW + number)
        yield recorded(decision, route=f"/{'ab'[number % 2]}", also=[OLD, NEW], **options)


def counts(report: Report) -> dict[str, int]:
    return {name: number for name, number in report.to_dict().items() if isinstance(number, int) and number}


def groups(report: Report, by: Any) -> dict[str, tuple[int, int]]:
    return {group.name: (group.weaker, group.stricter) for group in report.by(by)}


def test_changes_are_told_by_route_rule_and_subject() -> None:
    report = replay(lines(), NEW)
    assert counts(report) == {"total": 5, "same": 2, "weaker": 2, "stricter": 1}
    assert groups(report, "route") == {"/b": (2, 0), "/a": (0, 1)}
    assert groups(report, "rule") == {"trusted": (2, 0), "not token.has('root')": (0, 1)}
    ann, bob = (str(Digests(KEY).of(name)) for name in ("ann", "bob"))
    assert groups(report, "subject") == {bob: (1, 1), ann: (1, 0)}
    example = report.by("rule")[0].examples[0]
    assert (example.line, example.change, example.now, example.method, example.route, example.policy) == (
        2, "weaker", NOW + 1, "POST", "/b", "can pay",
    )  # fmt: skip
    assert (example.was, example.subject) == ("challenge (not_satisfied)", ann)


def test_the_same_policy_changes_nothing() -> None:
    assert counts(replay(lines(), OLD)) == {"total": 5, "same": 5}


def test_what_was_not_recorded_is_never_the_same() -> None:
    report = replay(lines(), OLD & PASSKEY.level(1))
    assert counts(report) == {
        "total": 5,
        "same": 3,
        "untold": 2,
    }  # those that were refused are, whatever a passkey says
    assert report.missing == {"passkey was not looked at": 2}


def test_policies_are_found_by_their_names() -> None:
    other = TOKEN.level(3).named("other")
    mixed = [*lines(), *lines(other), *lines(OLD & other)]
    report = replay(mixed, {"can pay": NEW})
    assert counts(report) == {"total": 15, "same": 2, "weaker": 2, "stricter": 1, "unmatched": 10}
    assert report.names == {"other": 5, "can pay & other": 5}
    both = replay(mixed, {"can pay": NEW, "other": TOKEN.level(1).named("other")})
    assert counts(both)["weaker"] == 2 + 4 + 3
    assert replay(mixed, NEW, of="can pay").total == 10
    assert replay(mixed, NEW, of="other").total == 10
    assert replay(mixed, NEW, of="can pay & other").total == 5


def test_a_name_that_nothing_was_decided_under_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"policy that is called 'can pya'; did you mean 'can pay'\?"):
        replay([*lines(), b"x\n"], NEW, of="can pya")
    assert replay([], NEW, of="can pay").total == 0


def test_malformed_lines_are_counted_with_their_numbers() -> None:
    good = list(lines())
    report = replay([b"\n", good[0], b"{}\n", b"  \n", good[1][:-20] + b"\n", *[b"x\n"] * 200], NEW)
    assert (report.total, report.malformed, report.same, report.weaker) == (203, 202, 1, 0)
    assert [number for number, _ in report.wrong[:3]] == [3, 5, 6]
    assert len(report.wrong) == 100


def test_examples_and_groups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_MOST_GROUPS", 3)
    found: dict[Verifier[Any], Finding[Any]]
    some: list[bytes] = []
    for number in range(10):
        found = {TOKEN: Verified(facts(subject=f"person-{number}", level=1))}
        some.append(recorded(judge(OLD, found, NOW), also=NEW))
    report = replay(some, NEW, examples=2)
    assert sorted(group.weaker for group in report.by("subject")) == [1, 1, 1, 7]
    assert report.by("subject")[0].name == "(others)"
    assert len(report.by("route")[0].examples) == 2
    assert len(replay(some, NEW, examples=0).by("route")[0].examples) == 0


def test_the_report_is_plain_data() -> None:
    whole = json.loads(json.dumps(replay([*lines(), b"x\n"], NEW).to_dict()))
    assert whole["groups"]["route"][0]["examples"][0]["rule"] == "trusted"
    assert whole["malformed_lines"] == [{"line": 6, "why": "malformed: not JSON"}]
    assert list(replay(lines(), NEW).to_dict(("rule",), 1)["groups"]) == ["rule"]  # type: ignore[call-overload]


RULES: dict[str, tuple[Policy, dict[str, tuple[int, int]]]] = {
    "first way in": (TOKEN.level(1) | TOKEN.has("pay").named("payer"), {"token.level(1)": (2, 0)}),
    "several together": (
        TOKEN.has("pay").named("payer") | (TOKEN.level(1) & TOKEN.level(0)),
        {"token.level(1) & token.level(0)": (2, 0)},
    ),
    "a set": (
        PolicySet(permit=[TOKEN.level(1).named("any level"), TOKEN.level(3)], forbid=[TOKEN.has("root")]),
        {"any level": (2, 0), "not token.has('root')": (0, 1)},
    ),
    "a named part": (OLD & TOKEN.level(2) & TOKEN.has("pay").named("payer"), {"payer": (0, 2)}),
    "a negation": (~(TOKEN.level(0)).named("nobody"), {"nobody": (0, 2)}),
}


@pytest.mark.parametrize("name", RULES)
def test_the_rule_is_what_the_decision_hangs_on(name: str) -> None:
    policy, rules = RULES[name]
    assert groups(replay(lines(), policy), "rule") == rules


def test_lines_are_read_within_bounds() -> None:
    long = b"y" * (3 * MOST_BYTES)
    read = list(lines_of(BytesIO(b"one\n" + long + b"\ntwo\n" + long)))
    assert [line[:3] for line in read] == [b"one", b"yyy", b"two", b"yyy"]
    assert max(map(len, read)) == MOST_BYTES + 1


@pytest.mark.parametrize("wrong", [{}, None, "can pay", {"can pay": TOKEN}, {5: OLD}], ids=repr)
def test_what_is_no_policy_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="replay takes "):
        replay([], wrong)


def test_a_wrong_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="key has 5 bytes"):
        replay([], OLD, key=b"short")

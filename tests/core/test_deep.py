"""Deep and huge policies: nothing about them takes a stack frame for each level, nothing time out of proportion."""

from __future__ import annotations

import copy
import inspect
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from cProfile import Profile
from functools import reduce
from typing import Any

import pytest

from tests.laws.toys import NOW, TOKEN, World, facts, twin
from zerotrust.core.combining import (
    PolicySet,
    deny_overrides,
    deny_unless_permit,
    first_applicable,
    forbid,
    permit,
    permit_overrides,
    permit_unless_deny,
)
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.policy import Leaf, Named, Not, Policy, Standing, Tagged, all_of, any_of, at_least
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.requirement import when
from zerotrust.core.verifier import Verifier
from zerotrust.engine import decide, judge

# Every line that is gone over here is gone over five hundred times; the other tests of this folder cover them once.
pytestmark = pytest.mark.unmeasured

FINDINGS: list[dict[Verifier[Any], Finding[Any]]] = [
    {TOKEN: Verified(facts(level=500))},
    {TOKEN: Verified(facts(level=-1))},
    {TOKEN: Absent(NOT_PRESENTED())},
]


def low(number: int) -> Policy:
    return TOKEN.level(number % 400)


def high(number: int) -> Policy:
    return TOKEN.level(1000 + number)


def nested(step: Callable[[Any, int], Policy], start: Policy) -> Callable[[int], Policy]:
    return lambda size: reduce(step, range(size), start)


START = deny_overrides(permit(low(0)))
KINDS: dict[str, Callable[[int], Policy]] = {
    # as deep as asked
    "not": nested(lambda inner, _: Not(inner), low(0)),
    "named": nested(lambda inner, _: inner.named("x"), low(0)),
    "tagged": nested(lambda inner, _: inner.tagged("x"), low(0)),
    "and, or": nested(lambda inner, n: low(n) & inner if n % 2 else low(n) | inner, low(0)),
    "all_of one": nested(lambda inner, _: all_of(inner), low(0)),
    "at_least": nested(lambda inner, n: at_least(2, low(n), inner, high(n)), low(0)),
    "any of nine": nested(lambda inner, n: any_of(inner & low(n), *(high(9 * n + m) for m in range(8))), low(0)),
    "when": nested(lambda inner, n: when(inner).require(low(n)), low(0)),
    "require": nested(lambda inner, n: when(low(n)).require(inner), low(0)),
    "policy set": nested(lambda inner, n: PolicySet(permit=[inner, low(n)], forbid=[high(n)]), low(0)),
    "policy set that forbids": nested(lambda inner, n: PolicySet(permit=[low(n)], forbid=[inner]), low(0)),
    "deny_overrides": nested(lambda inner, n: deny_overrides(inner, forbid(high(n))), START),
    "permit_overrides": nested(lambda inner, n: permit_overrides(inner, permit(low(n)), forbid(high(n))), START),
    "first_applicable": nested(lambda inner, n: first_applicable(inner, permit(low(n)), forbid(high(n))), START),
    "target": nested(lambda inner, n: first_applicable(permit(low(n)), target=inner), low(0)),
    "deny_unless_permit": nested(lambda inner, n: deny_unless_permit(inner, permit(low(n)), target=low(n + 1)), START),
    "permit_unless_deny": nested(lambda inner, n: permit_unless_deny(inner, forbid(high(n))), START),
    "used twice": nested(lambda inner, n: all_of(any_of(inner, low(n)), any_of(inner, high(n))), low(0)),
    # as wide as asked
    "any_of many": lambda size: any_of(*map(high, range(size))),
    "all_of many": lambda size: all_of(*map(high, range(size))),
    "half of many": lambda size: at_least(size // 2, *map(high, range(size))),
    "many by &": lambda size: reduce(lambda left, n: left & high(n), range(size), low(0)),
    "many rules": lambda size: first_applicable(*((permit if n % 2 else forbid)(high(n)) for n in range(size))),
    "a large set": lambda size: PolicySet(permit=[*map(low, range(size))], forbid=[*map(high, range(size))]),
}


def use(policy: Policy, protocols: tuple[int, ...] = (pickle.HIGHEST_PROTOCOL,)) -> None:
    """Everything that is done with policies and decisions."""
    for protocol in protocols:
        again = pickle.loads(pickle.dumps(policy, protocol))
        assert again == policy
        assert hash(again) == hash(policy)
    assert policy != policy.named("another")
    assert copy.copy(policy) == copy.deepcopy(policy) == policy
    assert policy.verifiers == {TOKEN}
    assert repr(policy)
    _ = policy.tags, policy.program.polarities()
    for found in FINDINGS[:2]:
        decision = judge(policy, found, NOW)
        assert str(decision)
        json.dumps(decision.explanation.to_dict())
        assert decision.valid_until >= NOW
        if not decision:
            assert decision.reason.code
            _ = decision.remedies, decision.reasons
    assert not decide(policy, World(FINDINGS[2])).explanation.verdict


@pytest.fixture
def few_frames() -> Iterator[int]:
    """So many stack frames are left, and no more: `json` alone takes three hundred for an explanation."""
    used, usual, left = len(inspect.stack(0)), sys.getrecursionlimit(), 400
    sys.setrecursionlimit(used + left)
    yield left
    sys.setrecursionlimit(usual)


@pytest.mark.parametrize("kind", KINDS)
def test_more_levels_than_frames_or_many_leaves(kind: str, few_frames: int) -> None:
    use(KINDS[kind](few_frames + 100))


@pytest.mark.parametrize("kind", KINDS)
def test_in_every_protocol_of_pickle(kind: str) -> None:
    use(KINDS[kind](10), tuple(range(pickle.HIGHEST_PROTOCOL + 1)))


def test_ten_thousand_leaves() -> None:
    policy = KINDS["all_of many"](10_000)
    assert len(policy.program.leaves) == 10_000
    assert pickle.loads(pickle.dumps(policy)) == policy
    decision = judge(policy, FINDINGS[1], NOW)
    assert str(decision)
    assert decision.valid_until >= NOW


@pytest.mark.parametrize("kind", KINDS)
def test_twice_as_large_takes_about_twice_as_many_steps(kind: str) -> None:
    def steps(size: int) -> int:
        with Profile() as calls:
            use(KINDS[kind](size))
        return sum(function.callcount for function in calls.getstats())

    use(KINDS[kind](8))  # what is cached for good
    few, many = steps(40), steps(80)
    assert many < 2.6 * few


def test_in_another_process_with_other_hashes() -> None:
    policies = {kind: make(50) for kind, make in KINDS.items()}
    assert all(hash(policy) for policy in policies.values())
    there = (
        "import pickle, sys; from tests.core.test_deep import KINDS;"
        "policies = pickle.load(sys.stdin.buffer);"
        "made = {kind: make(50) for kind, make in KINDS.items()};"
        "assert policies == made and [*map(hash, policies.values())] == [*map(hash, made.values())];"
        "print(hash('seed') % 1000, len(policies))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", there],
            input=pickle.dumps(policies),
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 2  # the hashes were different ones
    assert all(line.split()[1] == str(len(KINDS)).encode() for line in said)


@pytest.mark.parametrize("kind", KINDS)
def test_written_with_another_verifier_it_is_equal_if_the_verifiers_are(kind: str) -> None:
    def with_verifier(policy: Policy, verifier: Any) -> Any:
        own, parts = policy.apart()
        if isinstance(policy, Leaf | Standing):
            return type(policy).joined((verifier, own[1]), ())
        return type(policy).joined(own, tuple(with_verifier(part, verifier) for part in parts))  # type: ignore[arg-type]

    policy = KINDS[kind](5)
    assert with_verifier(policy, twin(TOKEN)) == policy
    assert hash(with_verifier(policy, twin(TOKEN))) == hash(policy)
    assert with_verifier(policy, type(TOKEN)("other")) != policy


def test_explanations_show_what_is_used_twice_twice_unless_that_would_be_without_end() -> None:
    few, many = KINDS["used twice"](3), KINDS["used twice"](40)
    text = str(judge(few, FINDINGS[1], NOW).explanation)
    assert "as above" not in text
    assert len(text.splitlines()) == 43  # 1 + 2 * (1 + (all below) + 1), three times over, from 1
    tree = judge(many, FINDINGS[1], NOW).explanation
    assert str(tree).count("(as above)") == 39
    assert json.dumps(tree.to_dict()).count('"as_above": true') == 39
    assert repr(many).count("...") == 39
    assert repr(few).count("...") == 0


def test_deep_explanations_say_how_deep_instead_of_indenting_on() -> None:
    tree = judge(KINDS["named"](150), FINDINGS[1], NOW).explanation
    lines = str(tree).splitlines()
    assert lines[40] == "  " * 40 + "x"
    assert lines[41] == "  " * 40 + "[41] x"
    plain = tree.to_dict()
    for _ in range(99):
        (plain,) = plain["children"]
    assert [part["depth"] for part in plain["children"]] == list(range(100, 151))
    assert plain["children"][-1]["code" if "code" in plain["children"][-1] else "detail"] == "level -1"


def test_tags_are_found_wherever_they_are() -> None:
    inner = low(0).tagged("sensitive", "money")
    outer = first_applicable(forbid(high(1)), permit(when(low(2)).require(~inner.named("pay"))), target=inner)
    policy = PolicySet(permit=[outer.tagged("money")])
    assert policy.tags == {"sensitive": (inner,), "money": (outer.tagged("money"), inner)}
    assert all(isinstance(one, Tagged) for one in policy.tags["money"])
    assert low(0).tags == {}
    assert isinstance(low(0).tagged("x").named("y").children[0], Tagged)
    assert judge(low(0).named("can pay").tagged("x"), FINDINGS[0], NOW).name == "can pay"
    assert isinstance(low(0).named("can pay").tagged("x").inner, Named)


def test_what_is_used_twice_is_one_node_for_each_answer_that_helps() -> None:
    inner = low(1) & low(2)
    program = any_of(inner, ~inner & low(3), inner.named("x")).program
    assert sum(node.policy is inner for node in program.nodes) == 2
    assert program.polarities() == [(0, True), (1, True), (0, False), (1, False), (2, True)]

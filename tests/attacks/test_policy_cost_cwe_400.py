"""CWE-400: what a large policy costs, in time to compile, in memory kept, and in calls, is bounded by its size."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tests.laws.toys import Toy
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Verified
from zerotrust.core.index import MOST_COPIES, Demanded
from zerotrust.core.policy import AllOf, Policy, all_of, any_of
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge
from zerotrust.verifiers.claim_questions import Claim
from zerotrust.verifiers.request import request
from zerotrust.verifiers.request_questions import RequestEvidence
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_questions import Role, Scope

NOW = 1000.0
GET = RequestEvidence("request", "", NOW, math.inf, method="GET", path="/a", at=NOW)


class Counting(Toy):
    """Counts how often its evidence is read."""

    reads = 0

    def read(self, evidence: Any, attribute: Attribute) -> object:
        type(self).reads += 1
        return super().read(evidence, attribute)


TOKEN: Verifier[Any] = Counting("token")


def token(claims: Any = None, roles: frozenset[str] | None = None, **fields: Any) -> TokenEvidence:
    said: Any = {} if roles is None else {"roles": sorted(roles)}
    return TokenEvidence("https://a.example", "ann", NOW, math.inf, claims or said, roles=roles, **fields)


def test_copies_within_look_ups_have_one_budget(monkeypatch: Any) -> None:
    """Alternatives that differ in bits, each of which several values stand for, once took exponential time."""
    low, high, bits = ["a", "b", "c", "d"], ["e", "f", "g", "h"], 6
    listed: list[Policy] = [
        all_of(*(Claim(f"c{bit}", tuple(high if number >> bit & 1 else low)).leaf(TOKEN) for bit in range(bits)))
        for number in range(2**bits)
    ]
    tried, choose = [0], Demanded.choose

    def counting(self: Demanded, parts: Any, room: int, used: Any = frozenset()) -> Any:
        tried[0] += len(parts)
        return choose(self, parts, room, used)

    monkeypatch.setattr(Demanded, "choose", counting)
    policy = any_of(*listed)
    assert policy.program.shortcut is not None
    assert tried[0] < (2 + MOST_COPIES) * len(listed) * bits
    for number in (0, 37, 63):
        said = {f"c{bit}": "f" if number >> bit & 1 else "c" for bit in range(bits)}
        assert judge(policy, {TOKEN: Verified(token(claims=said))}, NOW) is not None


def test_what_would_call_too_deep_has_no_shortcut() -> None:
    pool = [Scope((f"s{number}",)).leaf(TOKEN) for number in range(64)]
    deep: Policy = Role("x").leaf(TOKEN)
    for _ in range(250):
        deep = AllOf((deep, *pool))
    held = {TOKEN: Verified(token(scope=frozenset(f"s{n}" for n in range(64)), roles=frozenset({"x"})))}
    assert deep.program.shortcut is None
    assert judge(deep, held, NOW)


def test_alternatives_within_alternatives_are_answered_at_any_depth() -> None:
    deep: Policy = Role("x").leaf(TOKEN)
    for level in range(60):
        deep = any_of(deep & Role("x").leaf(TOKEN), *(Role(f"r{level}-{n}").leaf(TOKEN) for n in range(8)))
    assert judge(deep, {TOKEN: Verified(token(roles=frozenset({"x"})))}, NOW)


def test_an_attribute_is_read_once_in_a_decision_however_often_it_is_looked_up() -> None:
    routes = [
        request.path(f"/app{n}/*") & any_of(*(Role(f"r{n}-{m}").leaf(TOKEN) for m in range(8))) for n in range(40)
    ]
    either = any_of(
        *(any_of(*(Role(f"q{n}-{m}").leaf(TOKEN) for m in range(8))) & ~request.path("/z") for n in range(9))
    )
    seen = token(roles=frozenset(f"x{n}" for n in range(1000)))
    found: dict[Verifier[Any], Any] = {TOKEN: Verified(seen)}
    for policy, at in ((any_of(*routes), GET), (any_of(*routes), None), (either, replace(GET, path="/y"))):
        program = policy.program
        assert program.shortcut is not None
        known = found if at is None else {**found, request: Verified(at)}
        for work in (program.shortcut, program.left):
            Counting.reads = 0
            work(known, NOW)
            assert Counting.reads <= 1


def test_what_is_kept_of_what_was_left_is_bounded_in_values_too() -> None:
    listed = [Role(f"r{n}").leaf(TOKEN) & request.path(f"/a{n}") for n in range(100)]
    program = any_of(*listed).program
    for skipped in range(100):
        roles = frozenset(f"r{n}" for n in range(20) if n != skipped) | {f"r{skipped}"}
        program.left({TOKEN: Verified(token(roles=roles | {f"r{skipped % 50 + 50}"}))}, NOW)
    kept = program._narrowing.kept
    assert sum(1 + len(values) for _, said in kept.left for _, values in said) <= kept.size <= kept.most


def test_what_narrows_little_is_not_compiled_again_and_again() -> None:
    program = any_of(
        *(Role(f"r{n}").leaf(TOKEN) & request.path("/a") & request.method("GET") for n in range(200))
    ).program
    many = {TOKEN: Verified(token(roles=frozenset(f"r{n}" for n in range(100))))}
    few = {TOKEN: Verified(token(roles=frozenset({"r7"})))}
    assert program.left(many, NOW) is program
    assert program.left(few, NOW) is not program

"""How large policies are cut into generated functions: how long and deep they are, and how deep their calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.laws.toys import NOW, TOKEN, facts
from zerotrust.core.finding import Finding, Verified
from zerotrust.core.index import FEWEST, MOST_COPIES, Choice, Demanded
from zerotrust.core.pieces import _DEEPEST, _LARGEST, _Generator, pieces
from zerotrust.core.policy import Not, Policy, all_of, any_of, anyone
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge
from zerotrust.verifiers.claim_questions import Claim
from zerotrust.verifiers.request import request
from zerotrust.verifiers.request_questions import RequestEvidence
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_questions import Role

BEARER: Verifier[Any] = TOKEN
Findings = dict[Verifier[Any], Finding[Any]]
YES, NO = TOKEN.level(1), TOKEN.level(9)
GET = RequestEvidence("request", "", NOW, math.inf, method="GET", path="/x", at=NOW)
SAID = TokenEvidence("https://a.example", "ann", NOW, math.inf, {"roles": ["x"]}, roles=frozenset({"x"}))
KNOWN: Findings = {TOKEN: Verified(facts(level=1))}


def generated(policy: Policy) -> Any:
    program = policy.program
    return pieces(program.nodes, program.helpful, program.leaves)


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bodies of all functions that are generated in the test."""
    made: list[str] = []
    compiled = _Generator._compiled

    def noting(self: _Generator, name: str, lines: list[str]) -> object:
        made.append(lines[-1])
        return compiled(self, name, lines)

    monkeypatch.setattr(_Generator, "_compiled", noting)
    return made


def nested(text: str) -> int:
    """How deep its parentheses are nested."""
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def alternating(levels: int) -> Policy:
    deep: Policy = YES
    for _ in range(levels // 2):
        deep = all_of(any_of(deep, NO), YES)
    return deep


# --- One function ----------------------------------------------------------------------------------------------------
def test_no_function_is_long_or_deep_and_there_are_few(functions: list[str]) -> None:
    wide = any_of(*(all_of(YES, TOKEN.level(9 + number)) for number in range(100)))
    for policy, few in ((any_of(*[NO] * 1000), 17), (wide, 5), (Not(wide), 5), (alternating(100), 6)):
        nodes, helpful, leaves = policy.program.nodes, policy.program.helpful, policy.program.leaves
        functions.clear()
        assert pieces(nodes, helpful, leaves) is not None
        assert max(text.count("is not None") for text in functions) <= _LARGEST
        assert max(map(nested, functions)) <= _DEEPEST + 3  # those of a leaf
        assert len(functions) <= few


def test_who_is_let_in_anyhow_counts_in_a_large_policy() -> None:
    open_to_all = anyone(because="it is a test")
    for policy, wanted in (
        (any_of(NO, open_to_all), True),
        (all_of(NO, open_to_all), False),
        (Not(any_of(NO, open_to_all)), False),
        (Not(all_of(NO, open_to_all)), True),
    ):
        assert (generated(policy)(KNOWN, NOW) is True) is wanted


# --- How deep they call each other -----------------------------------------------------------------------------------
def role(name: object) -> Policy:
    return Role(str(name)).leaf(BEARER)


def path(name: object) -> Policy:
    return request.path(f"/{name}")


TESTS: list[Callable[[object], Policy]] = [role, path]
DEEPER: dict[str, Callable[[Policy, Callable[[object], Policy]], list[Policy]]] = {
    "looked up": lambda deep, test: [all_of(test("x"), deep)],
    "one of two looked up": lambda deep, test: [all_of(test("x"), deep), all_of(test("x"), request.method("PUT"))],
    "tried anyhow": lambda deep, _: [deep],
}


@pytest.mark.parametrize("test", TESTS, ids=["by role", "by path"])
@pytest.mark.parametrize("deeper", DEEPER)
def test_what_would_call_too_deep_is_not_generated(test: Callable[[object], Policy], deeper: str) -> None:
    said: Any = {TOKEN: Verified(SAID), request: Verified(GET)}
    for levels, made in ((40, True), (210, False)):
        deep: Policy = request.method("GET")
        for _ in range(levels):
            deep = any_of(*DEEPER[deeper](deep, test), *map(test, range(FEWEST)))
        assert (deep.program.shortcut is not None) is made
        assert judge(deep, said, NOW)


# --- Look-ups within look-ups ----------------------------------------------------------------------------------------
def test_what_several_values_lead_to_is_generated_once(functions: list[str]) -> None:
    listed = [Claim("k", (f"v{n}", f"v{n + 1}")).leaf(BEARER) & role(n % 2) for n in range(FEWEST)]
    assert any_of(*listed).program.shortcut is not None
    assert sum(text.count(".holds(") + text.count(" in e") for text in functions) == 2 * FEWEST


def test_all_copies_within_look_ups_together_have_the_room_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each alternative has three values of two claims, and each value of either leads to a half."""
    copies: list[int] = []
    choose = Demanded.choose

    def noting(self: Demanded, parts: Sequence[int], room: int, used: Any = frozenset()) -> Choice | None:
        choice = choose(self, parts, room, used)
        if choice is not None:
            copies.append(choice.copies)
        return choice

    listed = [
        all_of(
            *(Claim(claim, tuple(f"{bit}{number >> bit & 1}" for bit in bits)).leaf(BEARER) for claim, bits in CLAIMS)
        )
        for number in range(64)
    ]
    nodes, leaves = (program := any_of(*listed).program).nodes, program.leaves
    monkeypatch.setattr(Demanded, "choose", noting)
    assert pieces(nodes, program.helpful, leaves) is not None
    assert sum(copies) == MOST_COPIES * 64
    assert len(copies) == 2


CLAIMS = (("low", range(3)), ("high", range(3, 6)))

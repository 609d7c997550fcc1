"""What is left of a large policy once some evidence is known: which parts, in which order, and what is kept of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tests.laws.toys import Toy
from zerotrust.core.finding import Verified
from zerotrust.core.index import FEWEST
from zerotrust.core.narrowing import Kept, _own_sizes
from zerotrust.core.policy import AllOf, AnyOf, AtLeast, Leaf, Not, Policy, all_of, any_of, at_least
from zerotrust.core.program import Program
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.request import request
from zerotrust.verifiers.request_questions import RequestEvidence
from zerotrust.verifiers.token_questions import Role

NOW = 1000.0
TOKEN: Verifier[Any] = Toy("token")
GET = RequestEvidence("request", "", NOW, math.inf, method="GET", path="/a", at=NOW)
OTHERS = [request.path(f"/other{n}") for n in range(FEWEST)]


def role(name: str) -> Leaf[Any]:
    return Role(name).leaf(TOKEN)


def left(policy: Policy, path: str = "/a") -> Program:
    return policy.program.left({request: Verified(replace(GET, path=path))}, NOW)


# --- What is left ----------------------------------------------------------------------------------------------------
def test_what_is_above_alternatives_means_what_it_meant() -> None:
    here, x, y = request.path("/a"), role("x"), role("y")
    choice, rest = any_of(here, *OTHERS), AnyOf((here,))
    for policy, wanted in (
        (choice, rest),
        (all_of(x, choice), AllOf((x, rest))),
        (any_of(x, choice), AnyOf((x, rest))),
        (at_least(2, x, choice, y), AtLeast(2, (x, rest, y))),
        (Not(Not(choice)), Not(Not(rest))),
        (all_of(x, choice.named("routes")), AllOf((x, rest))),
        (all_of(x, any_of(y, at_least(2, x, y, choice))), AllOf((x, AnyOf((y, AtLeast(2, (x, y, rest))))))),
    ):
        assert left(policy).policy == wanted


def test_where_no_alternative_is_left_the_answer_is_no() -> None:
    assert left(any_of(*OTHERS)).verdict(()) is False
    assert left(Not(Not(any_of(*OTHERS)))).verdict(()) is False


def test_alternatives_stay_in_the_order_written() -> None:
    for between in range(1, 9):
        pair = [request.path("/a") & role("first"), request.path("/a") & role("second")]
        listed = [*OTHERS, pair[0], *(request.path(f"/between{n}") for n in range(between)), pair[1]]
        assert left(any_of(*listed)).policy == AnyOf(tuple(pair))


def test_alternatives_below_those_of_which_nothing_is_known_are_taken_out_too() -> None:
    below, roles = any_of(request.path("/a"), *OTHERS), [role(f"r{n}") for n in range(FEWEST)]
    assert left(any_of(*roles, role("x") & below)).policy == any_of(*roles, role("x") & AnyOf((request.path("/a"),)))


def test_a_part_that_is_used_in_several_places_is_looked_up_once() -> None:
    below, roles = any_of(request.path("/a"), *OTHERS), [role(f"r{n}") for n in range(FEWEST)]
    program = all_of(any_of(*roles, role("x") & below), any_of(*roles, role("y") & below)).program
    assert len(list(program._narrowing._said({request: Verified(GET)}, NOW))) == 1


# --- Whether it is worth it ------------------------------------------------------------------------------------------
def test_what_other_parts_use_too_is_not_counted_as_gone() -> None:
    shared = all_of(*(role(f"r{n}") for n in range(100)))
    policy = any_of(all_of(request.path("/a"), shared), all_of(request.path("/b"), shared), *OTHERS)
    assert _own_sizes(any_of(shared, all_of(role("x"), shared)).program.nodes)[-1] == 3
    assert left(policy) is policy.program  # nearly all of it is left
    alone = any_of(all_of(request.path("/a"), shared), *OTHERS)
    assert left(alone, "/other1").policy == AnyOf((OTHERS[1],))


# --- What is kept ----------------------------------------------------------------------------------------------------
def test_what_is_kept_stays_within_its_size_in_nodes_and_values() -> None:
    either = any_of(role("x"), role("y")).program
    three, two = len(either.nodes), ((0, frozenset(("/a",))),)
    kept: Kept[Program] = Kept(2 * three + 2)
    kept.keep("first", two, either)
    assert kept.size == three + 2
    kept.keep("second", (), either)
    assert (list(kept.left), kept.size) == ([("first", two), ("second", ())], kept.most)
    kept.keep("third", (), either)
    assert (kept.left, kept.size) == ({("third", ()): either}, three)
